/* pour.c - bytes of a file into a sink. */
#include <stdlib.h>

#include "image/pour.h"

enum { CHUNK = 256 << 10 };

bool
pour(int fd, off_t offset, uint64_t size, decoder_sink sink, void *arg, char why[WHY])
{
	unsigned char *chunk = xmalloc(CHUNK);
	bool good = true;

	while (good && size > 0) {
		size_t n = size < CHUNK ? (size_t)size : CHUNK;

		good = read_at(fd, chunk, n, offset) ? sink(arg, chunk, n, why)
						     : fail_errno(why, "cannot read it");
		offset += (off_t)n;
		size -= n;
	}
	free(chunk);
	return good;
}

bool
into_file(void *fd, const void *bytes, size_t size, char why[WHY])
{
	return write_all(*(int *)fd, bytes, size) || fail_errno(why, "cannot write a copy of it");
}
