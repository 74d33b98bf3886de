/*
 * decode.h - a stream of bytes whose compression is undone as they come (used through proof.h).
 *
 *	d = decoder_new(GZIP, sink, arg);
 *	while (...)
 *		decoder_add(d, bytes, n, why);    calls sink(arg, ...) with what comes out
 *	decoder_end(d, why);
 *	decoder_free(d);
 */
#ifndef DECODE_H
#define DECODE_H

#include "image/export.h"

enum { MAGIC = 512 }; /* what must be seen of a layer to tell what it is, or all of a shorter one */

/* False ends it: why says what went wrong. */
typedef bool (*decoder_sink)(void *arg, const void *bytes, size_t size, char why[WHY]);

struct decoder;

/* What a layer is by its first MAGIC bytes; false where they are nothing that one begins with. */
bool tell_coding(const unsigned char *start, size_t size, enum coding *coding);

/* What is decoded goes to sink with arg. decoder_free frees it. */
struct decoder *decoder_new(enum coding coding, decoder_sink sink, void *arg);

/* More of what is stored; false, and why, where it is none of that coding, or the sink failed. */
bool decoder_add(struct decoder *d, const void *bytes, size_t size, char why[WHY]);

/* Nothing more comes: false where something is missing. */
bool decoder_end(const struct decoder *d, char why[WHY]);

/* It was one piece with nothing behind it: some readers stop at the end of the first, or fail at padding. */
bool decoder_simple(const struct decoder *d);

void decoder_free(struct decoder *d);

#endif
