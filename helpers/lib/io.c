/* io.c - reading and writing to the last byte, scratch files without a name, and saying why not. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"

bool
fail(char why[WHY], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, WHY, fmt, args);
	va_end(args);
	return false;
}

bool
fail_errno(char why[WHY], const char *fmt, ...)
{
	const char *reason = error_text(errno);
	size_t used;
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, WHY, fmt, args);
	va_end(args);
	used = strlen(why);
	snprintf(why + used, WHY - used, ": %s", reason);
	return false;
}

bool
read_at(int fd, void *buffer, size_t size, off_t offset)
{
	char *p = buffer;

	while (size > 0) {
		ssize_t n = pread(fd, p, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		p += n;
		offset += n;
		size -= (size_t)n;
	}
	return true;
}

ssize_t
read_some(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

bool
write_all(int fd, const void *buffer, size_t size)
{
	const char *p = buffer;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

int
unlinked_file(const char *folder)
{
	char *path;
	int fd;

#ifdef O_TMPFILE /* Linux, where the filesystem can: not NFS */
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
#endif
	path = format("%s/spool.XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

uint64_t
get_little(const unsigned char *from, size_t bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | from[bytes];
	return n;
}

void
put_little(unsigned char *to, uint64_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, n >>= 8)
		to[i] = (unsigned char)n;
}
