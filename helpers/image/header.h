/* header.h - the header of one entry of a tar that is written by hand, in GNU's format. */
#ifndef HEADER_H
#define HEADER_H

#include "image/export.h"

enum { TAR_BLOCK = 512 };

/*
 * The block of an entry of root's, of the time 0. mode: with the file's type, S_IFREG or S_IFDIR; size: bytes, of any number.
 * The name, of less than 100 bytes, is the caller's to keep short.
 */
void gnu_header(char block[TAR_BLOCK], const char *name, mode_t mode, uint64_t size);

/* A part of a sparse file that is there; all others are zeros. */
struct extent {
	uint64_t offset, size;
};

/*
 * The headers of a sparse file of size bytes, in the oldest of GNU's formats for it, which Rust's crate tar reads (GNU tar manual,
 * "Storing Sparse Files"): the block and what continues it, in *text, which is the caller's to free. Returns how many bytes.
 */
size_t gnu_sparse_header(const char *name, uint64_t size, const struct extent *extent, size_t extents,
			 char **text);

#endif
