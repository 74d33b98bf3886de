/*
 * export.h - what an engine's export holds: images, their configs and their
 * layers, each as the place in one file where it lies.
 *
 * Whoever uses this must not call setlocale(): in the C locale libarchive hands
 * names on byte by byte, in others it may normalise them.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "lib/io.h"

enum coding { PLAIN, GZIP, ZSTD, FRAMES, BEGINNING /* the last two in the store alone: registry/framed.h */ };

struct blob {
	off_t offset;
	uint64_t size;
	enum coding coding;  /* told by the bytes, never by a name */
	char digest[DIGEST]; /* of the bytes as stored; "" while unknown; only a claim until it is verified */
	bool verified;       /* all of it has been read: this digest and the config's diff_id hold */
};

struct image {
	char id[DIGEST]; /* the digest of its config */
	struct blob config;
	char *config_json;
	size_t layers; /* the lowest first */
	struct blob *layer;
	char (*diff_id)[DIGEST]; /* of each layer's bytes as a plain tar, as the config says */
};

struct export
{
	int spool;
	size_t images;
	struct image *image;
	struct member *member; /* private: by name */
	size_t members, json_read;
};

/* Who is told of an export while it comes; either may be NULL. */
struct arrivals {
	/* a regular member is there, of size bytes at offset in the spool */
	void (*member)(void *member_arg, const char *name, off_t offset, uint64_t size);
	void *member_arg;
	/* so many bytes have come; called after each piece, so it has to be quick */
	void (*bytes)(void *bytes_arg, uint64_t so_far);
	void *bytes_arg;
};

/* arrivals may be NULL. False: why says what is wrong, and e holds nothing. */
bool read_export(int in, const char *folder, const struct arrivals *arrivals, struct export *e,
		 char why[WHY]);

/*
 * The diff_ids of m, of which id, config_json and layers are set, by its config. False: why says that it names
 * another number of layers, or one by something else than SHA-256.
 */
bool read_diff_ids(struct image *m, char why[WHY]);

/* Closes the spool and frees the rest; an export that could not be read is freed already. */
void free_export(struct export *e);

/*
 * layer.c: no layer may be used before one of these has said yes, or its digests have been taken in another
 * way.
 */
bool verify_layer(struct export *e, struct image *m, size_t layer, char why[WHY]);

/*
 * Decodes the layer into out (-1: nowhere), whether or not that was done before; false where a digest does
 * not hold.
 */
bool decode_layer(struct export *e, struct image *m, size_t layer, int out, char why[WHY]);

#endif
