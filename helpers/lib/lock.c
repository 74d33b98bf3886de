/*
 * lock.c - flock(2) on files that are never unlinked.
 *
 * A kernel lock dies with its last holder, kill -9 included; unlinking a locked
 * file would let a second holder in. The descriptor is inherited on purpose: a
 * command's orphans keep the lock for as long as they could still write. Foreign
 * programs do not get it (start_command closes what is above 2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/lib.h"

int
lock_try(const char *path)
{
	struct stat st;
	char why[200];
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open the lock '%s'", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		die(EXIT_SYSTEM, "the lock '%s' is no regular file; move it away", path);
	if (!is_private(&st, why))
		die(EXIT_SYSTEM, "the lock '%s' is not yours alone: %s; move it away", path, why);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno != EWOULDBLOCK)
		die_errno(EXIT_SYSTEM, "cannot lock '%s'", path);
	close(fd);
	return -1;
}

void
lock_sign(int fd, const char *text)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

char *
lock_holder(const char *path)
{
	char *text = read_private(AT_FDCWD, path, 65536);

	if (text == NULL || *text == '\0') {
		free(text);
		return xstrdup("somebody");
	}
	text[strcspn(text, "\n")] = '\0';
	return text;
}
