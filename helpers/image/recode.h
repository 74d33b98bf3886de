/*
 * recode.h - the layers of an export as a registry serves them: each proved to be
 * what it says, and compressed as wanted, while the rest of the export still comes.
 *
 *	recoder_start(&r, folder, ZSTD, 0, &e);
 *	read_export(in, folder, &(struct arrivals){.member = recoder_arrival, .member_arg = &r}, &e, why);
 *	l = recoder_want(&r, blob->offset, blob->size);
 *	recoder_finish(&r);
 *	if (!l->good) ...
 *	recoder_free(&r);
 */
#ifndef RECODE_H
#define RECODE_H

#include <pthread.h>

#include "image/flatten.h"

enum { RECODERS_MAX = 3 };

struct recoded {
	/* in the export */
	int in; /* a pipe that it comes by instead, or -1 */
	off_t offset;
	uint64_t size;
	char stored[DIGEST]; /* of the bytes as they lie there */
	char diff_id[DIGEST];

	/* as it is served */
	enum coding coding;
	int fd;   /* its own file, or the export's */
	bool own; /* the former */
	off_t at;
	uint64_t length;
	char digest[DIGEST];

	bool good;
	char why[WHY];
};

struct recoder {
	const char *folder;
	enum coding wanted;
	uint64_t least; /* bytes: a smaller plain layer stays plain */
	const struct export *export;

	/* Of all that follows; what item[i] points at is its worker's, then everybody's. */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct recoded **item;
	size_t items, next;
	void (*proved)(const struct recoded
			   *l); /* in the worker, with what is done; may be set before anything arrives */
	bool hurry; /* what can be served as it is need not be compressed any more, if it is hardly begun */
	bool closed;
	pthread_t thread[RECODERS_MAX];
	size_t threads;
};

/* least: bytes; a plain layer of fewer stays plain. e is what read_export is about to fill. */
void recoder_start(struct recoder *r, const char *folder, enum coding wanted, uint64_t least,
		   const struct export *e);

/*
 * From now on somebody waits: a plain layer that nobody has begun to compress, or hardly, is served as it is.
 */
void recoder_hurry(struct recoder *r);

/* For read_export: a member has arrived. */
void recoder_arrival(void *recoder, const char *name, off_t offset, uint64_t size);

/* The layer that lies there: each is read once, however many images have it. Done after recoder_finish. */
struct recoded *recoder_want(struct recoder *r, off_t offset, uint64_t size);

/* A layer that comes by a pipe, as a plain tar of about that size. */
struct recoded *recoder_stream(struct recoder *r, int in, uint64_t size);

/*
 * The one layer of f, which is size bytes long as a plain tar (flat_measure), compressed while it is written: nothing of it plain
 * is on disk. *layer is done after recoder_finish; digest: of the plain tar. False, and why; what the layer's own why says
 * goes before that.
 */
bool recoder_flat(struct recoder *r, struct flat *f, uint64_t size, struct recoded **layer,
		  char digest[DIGEST], char why[WHY]);

/* Waits until all is done; nothing may be wanted after it. */
void recoder_finish(struct recoder *r);

/* Closes the files and frees the layers; recoder_finish is called where it was not. */
void recoder_free(struct recoder *r);

#endif
