/* pour.h - bytes of a file, piece by piece, into something that takes them. */
#ifndef POUR_H
#define POUR_H

#include "image/decode.h"

/* size bytes that lie at offset; false, and why, where they cannot be read, or the sink fails. */
bool pour(int fd, off_t offset, uint64_t size, decoder_sink sink, void *arg, char why[WHY]);

/* What the file of that path holds, whether it is compressed by zstd or not. */
bool pour_decoded(const char *path, decoder_sink sink, void *arg, char why[WHY]);

/* A sink: arg is an int *, the descriptor of the file that they go to. */
bool into_file(void *fd, const void *bytes, size_t size, char why[WHY]);

#endif
