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

bool tell_coding(const unsigned char *start, size_t size, enum coding *coding);
struct decoder *decoder_new(enum coding coding, decoder_sink sink, void *arg);
bool decoder_add(struct decoder *d, const void *bytes, size_t size, char why[WHY]);
bool decoder_end(const struct decoder *d, char why[WHY]);
bool decoder_simple(const struct decoder *d);
void decoder_free(struct decoder *d);

#endif
