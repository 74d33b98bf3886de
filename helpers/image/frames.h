/*
 * frames.h - a layer as the members that it becomes in an artifact, compressed in frames of zstd of which each can be used alone.
 *
 * Each layer is made so once, whatever images have it, and kept. An image of several layers is then put together of their frames as
 * they are; only those that hold something which an upper layer takes away are made anew (compose.h).
 *
 * The file: the frames of members; those of the entries' headers as the layer has them, without content, which is what
 * flattening reads; a frame with the index; at its end FRAMES_TAIL bytes that say where that is. The index has a CRC-32 of each
 * frame, so the digest of all that is behind the frames speaks for the whole file (frames_whole).
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "image/export.h"

/*
 * Bytes of a frame before it is compressed: at most, and from where on it ends with a member. Smaller ones compress worse, larger
 * ones cost more where an upper layer takes something away.
 */
enum { FRAME_MOST = 1 << 20, FRAME_ENOUGH = 1 << 19, FRAMES_TAIL = 32 };

/* Part of what names such a file: another number where the same layer would give other bytes. */
#define FRAMES_FORMAT "1"

/* What is said where a kept one is not as it was written: the store takes a file that nobody has touched for whole. */
#define FRAMES_DAMAGED "a kept layer is damaged; remove .store in CACHE_DIR and run make again"

struct frame {
	uint64_t at;            /* where it lies in the file */
	uint32_t length, plain; /* bytes of it, and of what is in it */
	uint32_t crc;           /* CRC-32 (IEEE) of its length bytes */
};

struct framed {
	int fd, heads; /* the file; the headers alone, in one without a name */
	struct frame *frame;
	size_t frames;
	uint64_t *member; /* bytes of each entry as it stands in the frames; 0: a whiteout, which does not */
	size_t members;
	off_t heads_end; /* bytes of those */
};

/*
 * Writes the layer that lies in fd as a plain tar, to out; folder: for what has no name on disk. digest is that of the index and
 * what is behind it, *size that of all that was written. False: why says what is wrong with the layer, or what cannot be written.
 */
bool frames_make(int fd, off_t start, off_t end, int out, const char *folder, char digest[DIGEST],
		 uint64_t *size, char why[WHY]);

/* Whether fd has what frames_make has written, with that digest: reads all of it. */
bool frames_whole(int fd, const char *digest);

/* Reads the index of what frames_make has written; fd becomes f's. False: why says what is wrong, and f holds nothing. */
bool frames_open(struct framed *f, int fd, const char *folder, char why[WHY]);

/* The compressed bytes of a frame; to has room for them. */
bool frames_read(const struct framed *f, const struct frame *frame, void *to, char why[WHY]);

/* What is in a frame: packed is what frames_read has read; to has room for FRAME_MOST bytes. */
bool frame_decode(const struct frame *frame, const void *packed, void *to, char why[WHY]);

/* The most bytes that a frame has. */
size_t frame_bound(void);

/* Closes and frees it. */
void frames_close(struct framed *f);

#endif
