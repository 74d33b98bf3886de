/*
 * frames-index.h - the index at the end of a layer in frames (private to frames.c and frames-make.c).
 *
 * "<frames of members> <all frames> <members>", each frame's length, plain size and CRC, each member's size, all of it little-endian
 * and compressed; behind that FRAMES_TAIL bytes: what it is, where the index begins, its length, and its plain size.
 */
#ifndef FRAMES_INDEX_H
#define FRAMES_INDEX_H

#include "image/frames.h"

/* Index and tail, *bytes of them, for behind what ends at at. of_members: how many of the frames are of members; the rest are of
 * headers. The caller frees it. */
unsigned char *index_bytes(const struct framed *f, size_t of_members, uint64_t at, size_t *bytes);

/* Reads it from f->fd into the rest of f. False: why says that it is damaged; frames_close frees what there is. */
bool index_read(struct framed *f, size_t *of_members, char why[WHY]);

/* Of index and tail as fd ends with them; "" where it does not. */
void index_digest(int fd, char digest[DIGEST]);

#endif
