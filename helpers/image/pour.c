/* pour.c - bytes of a file into a sink. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

bool
pour_decoded(const char *path, decoder_sink sink, void *arg, char why[WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *chunk = xmalloc(CHUNK);
	struct decoder *d = NULL;
	enum coding coding = PLAIN;
	char reason[WHY] = "";
	bool good = fd >= 0;
	ssize_t n = 0;

	if (!good)
		fail_errno(reason, "cannot be read");
	while (good && (n = read_some(fd, chunk, CHUNK)) > 0) {
		if (d == NULL) {
			if (n >= 4 && memcmp(chunk, "\x28\xb5\x2f\xfd", 4) == 0)
				coding = ZSTD;
			d = decoder_new(coding, sink, arg);
		}
		good = decoder_add(d, chunk, (size_t)n, reason);
	}
	good = good && n == 0 && d != NULL && decoder_end(d, reason);
	if (!good)
		fail(why, "'%.110s': %.70s", path, *reason ? reason : "it is empty or cannot be read");
	if (d != NULL)
		decoder_free(d);
	free(chunk);
	if (fd >= 0)
		close(fd);
	return good;
}
