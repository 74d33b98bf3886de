/*
 * compose.h - the layers of an image, each in frames (frames.h), put together as one layer that needs no whiteouts.
 *
 *	c = compose_open(layer, layers, id, folder, why);      decides what becomes of each entry of each layer
 *	compose_size(c), compose_files(c), compose_outward(c)
 *	compose_digest(c, digest, why);                        of the plain tar
 *	compose_write(c, out, arg, why);                       as frames, most of which are copied
 *	compose_free(c);
 *
 * The tar has the entries of the lowest layer first, in their order there, then those of the next, without what upper layers take
 * away or replace. Before them stand folders that no layer puts in front of what is in it, and behind them, once more, those that
 * get something from an upper layer: whoever unpacks them in this order, and sets times and modes of folders behind all else
 * (Rust's crate tar, by which smolvm unpacks: source, v1.9.2; libarchive; GNU tar's --delay-directory-restore), leaves each as it should be.
 * The same layers give the same bytes. Digest and frames may be asked for by two threads at once.
 */
#ifndef COMPOSE_H
#define COMPOSE_H

#include "image/frames.h"

struct compose;

/* The layers stay the caller's, and open. id: the image's, for messages; folder:
 * for what has no name on disk. NULL: why says which layer cannot be applied, and why. */
struct compose *compose_open(struct framed *layer, size_t layers, const char *id, const char *folder,
			     char why[WHY]);

/* Bytes of the plain tar; of the files in it, each content once. */
uint64_t compose_size(const struct compose *c);
uint64_t compose_files(const struct compose *c);

/* As flat_outward (flatten.h). */
const char *compose_outward(const struct compose *c);

/* Where the frames go: length bytes, of which crc is the CRC-32 (IEEE). */
typedef bool compose_out(void *arg, const void *bytes, size_t length, uint32_t crc, char why[WHY]);

/*
 * How many of the lowest layers stand in front of all else, as they are: the tar then begins as that of any other image that
 * begins with those.
 */
size_t compose_uncut(const struct compose *c);

/* What is known of such a beginning, so that it is not hashed each time. Both are NULL, or none. */
struct beginnings {
	/* The state (hash_save) behind so many layers; false: not known. */
	bool (*find)(void *arg, size_t layers, unsigned char state[HASH_STATE]);
	/* It is known now. Behind BEGINNING_ENOUGH bytes each. */
	void (*keep)(void *arg, size_t layers, const unsigned char state[HASH_STATE]);
	void *arg;
};

enum { BEGINNING_ENOUGH = 16 << 20 };

bool compose_digest(const struct compose *c, const struct beginnings *known, char digest[DIGEST],
		    char why[WHY]);
bool compose_write(const struct compose *c, compose_out *out, void *arg, char why[WHY]);

void compose_free(struct compose *c);

#endif
