/*
 * encode.h - a stream of bytes, compressed and hashed as it is written.
 *
 *	c = encoder_new(ZSTD, size, fd);
 *	while (...)
 *		encoder_add(c, bytes, n, why);
 *	encoder_end(c, digest, &length, why);
 *	encoder_free(c);
 */
#ifndef ENCODE_H
#define ENCODE_H

#include "image/export.h"

struct encoder;

/* size: how many bytes will come, about; they go to out, compressed. */
struct encoder *encoder_new(enum coding coding, uint64_t size, int out);

/* Another level of zstd than the one for what is sent on; before the first bytes. */
void encoder_level(struct encoder *c, int level);

/* More plain bytes; false, and why, where they cannot be written. */
bool encoder_add(struct encoder *c, const void *bytes, size_t size, char why[WHY]);

/* Nothing more comes; digest and length of what was written. */
bool encoder_end(struct encoder *c, char digest[DIGEST], uint64_t *length, char why[WHY]);

/* Frees an encoder, ended or not. */
void encoder_free(struct encoder *c);

/* A few bytes as one frame of zstd in to, which has room for it; returns its length. */
size_t encode_small(const void *bytes, size_t size, void *to, size_t room);

/*
 * The same bytes, at most 64 KiB, as they are: how long that frame is does not depend on what they are. to has room for size and
 * STORED_FRAME more. Returns its length.
 */
enum { STORED_FRAME = 4 + 1 + 4 + 3 };
size_t encode_stored(const void *bytes, size_t size, void *to);

/* How many there are, most at most. */
unsigned processors(unsigned most);

#endif
