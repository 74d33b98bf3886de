/*
 * growing.h - a file that is written from its beginning to its end, and read again close behind that, for its SHA-256; the disk begins
 * while it grows.
 *
 *	g = growing_new(fd);
 *	growing_add(g, bytes, size, crc, why);     as often as is wanted
 *	growing_gap(g, size, why);                 once at most; growing_fill(g, bytes, why) may come any time later
 *	good = growing_end(g, good, sha256, why);
 *
 * What was read again is what publish-machine would read: the file as the kernel has it.
 */
#ifndef GROWING_H
#define GROWING_H

#include "lib/io.h"

struct growing;

/* fd: an empty file, open for reading and writing; it becomes the growing file's. */
struct growing *growing_new(int fd);

/* size bytes, of which crc is the CRC-32 (IEEE). */
bool growing_add(struct growing *g, const void *bytes, size_t size, uint32_t crc, char why[WHY]);

/* Room for size bytes, at most GAP_MOST, that are not known yet. */
enum { GAP_MOST = 4096 };
bool growing_gap(struct growing *g, size_t size, char why[WHY]);
bool growing_fill(struct growing *g, const void *bytes, char why[WHY]);

/* Bytes so far, with the gap; their CRC-32, once the gap is filled. */
uint64_t growing_size(const struct growing *g);
uint32_t growing_crc(const struct growing *g);

/* Closes and frees it, once all is read again. good: whether all went well so far; where not, sha256 means nothing. */
bool growing_end(struct growing *g, bool good, char sha256[SHA256_HEX + 1], char why[WHY]);

#endif
