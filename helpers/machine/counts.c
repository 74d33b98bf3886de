/* counts.c - hits and misses, counted. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/io.h"
#include "machine/counts.h"

#define COUNTS ".counts"

enum { COUNTS_MOST = 1 << 20, COUNTS_LONG = 1 << 16, NUMBERS = 5 };

static void
sum_up(char *text, struct counts *c)
{
	char *rest = NULL;

	*c = (struct counts){0};
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		uint64_t n[NUMBERS] = {0};
		char *at = line, *end;
		size_t i = 0;

		for (; i < NUMBERS; i++, at = end) {
			n[i] = strtoull(at, &end, 10);
			if (end == at)
				break;
		}
		if (i < NUMBERS)
			continue; /* half a line, of a full disk */
		c->hits += n[0];
		c->misses += n[1];
		c->saved_ms += n[2];
		c->spent_ms += n[3];
		c->bytes += n[4];
	}
}

void
counts_read(struct counts *c)
{
	char *text = read_private(AT_FDCWD, COUNTS, COUNTS_MOST);

	sum_up(text, c);
	free(text);
}

static char *
line_of(const struct counts *c)
{
	return format("%llu %llu %llu %llu %llu\n", (unsigned long long)c->hits,
		      (unsigned long long)c->misses, (unsigned long long)c->saved_ms,
		      (unsigned long long)c->spent_ms, (unsigned long long)c->bytes);
}

/* Where it has become long, one line says the same. The caller has the lock. */
static void
shorten(int fd)
{
	struct counts all;
	char *line;

	counts_read(&all);
	line = line_of(&all);
	if (ftruncate(fd, 0) == 0)
		write_all(fd, line, strlen(line));
	free(line);
}

void
counts_add(const struct counts *c)
{
	int fd = open(COUNTS, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *line = line_of(c);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
		if (lseek(fd, 0, SEEK_END) > COUNTS_LONG)
			shorten(fd);
		write_all(fd, line, strlen(line));
	}
	if (fd >= 0)
		close(fd);
	free(line);
}
