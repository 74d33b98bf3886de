/*
 * copy-machine - puts a machine's launcher and sidecar at OUT and OUT.smolmachine.
 *
 * As a reflink or a hard link where the filesystem allows, else as a copy; each
 * appears whole, by rename, the sidecar last. What is there already stays.
 * Exit: 0 there; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#include "lib/failure.h"
#include "machine/machine.h"

#define USAGE "usage: copy-machine [-h] KEY OUT\n"

static bool
reflink(int to, int from)
{
#ifdef FICLONE
	return ioctl(to, FICLONE, from) == 0;
#else
	(void)to;
	(void)from;
	return false;
#endif
}

static void
copy_bytes(int to, int from, const char *path)
{
	static char chunk[1 << 16];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t put = write(to, chunk + done, (size_t)(n - done));

			if (put < 0 && errno != EINTR)
				die_errno(EXIT_SYSTEM, "OUT: cannot write '%s'", path);
			done += put > 0 ? put : 0;
		}
	if (n < 0)
		die_errno(EXIT_SYSTEM, "cannot read the machine");
}

/* The hard link of an earlier call. */
static bool
there_already(const struct stat *from, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_ino == from->st_ino && st.st_dev == from->st_dev;
}

/* What is being made; gone again if it does not become OUT. */
static char *temporary;

static void
remove_temporary(void)
{
	if (temporary)
		unlink(temporary);
}

static int
make_temporary(const char *path, mode_t mode)
{
	int fd = temporary_file(path, &temporary, mode);

	if (fd < 0)
		die_errno(EXIT_SYSTEM, "OUT: cannot create '%s'", temporary);
	return fd;
}

/* In place of what is being made, which a link cannot replace: under a name of its own, then by rename. */
static bool
put_link(const char *source)
{
	char *name = format("%s.link", temporary);
	bool put = linkat(AT_FDCWD, source, AT_FDCWD, name, 0) == 0;

	if (put && rename(name, temporary) != 0) {
		unlink(name);
		put = false;
	}
	free(name);
	return put;
}

static void
put(const char *source, const char *path)
{
	struct stat st;
	int from, to;

	from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0 || fstat(from, &st) != 0)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", source);
	if (!there_already(&st, path)) {
		to = make_temporary(path, st.st_mode & 0777);
		if (!reflink(to, from) && !put_link(source))
			copy_bytes(to, from, path);
		if (close(to) != 0 || rename(temporary, path) != 0)
			die_errno(EXIT_SYSTEM, "OUT: cannot write '%s'", path);
	}
	close(from);
	free(temporary);
	temporary = NULL;
}

int
main(int argc, char **argv)
{
	struct finding found;
	struct machine m;
	char *sidecar;
	int first;

	first = operands(argc, argv, USAGE);
	if (argc - first != 2)
		bad_usage(USAGE);
	supervise();
	failure_about(argv[first], "copy");
	atexit(remove_temporary);
	enter_cache();
	if (machine_state(argv[first], NULL, &found) != WHOLE)
		die(EXIT_NO, "there is no whole machine '%s'", argv[first]);
	m = name_machine(argv[first]);
	sidecar = format("%s.smolmachine", argv[first + 1]);
	put(m.launcher, argv[first + 1]);
	put(m.sidecar, sidecar);
	remember_whole(&m); /* a hard link changes the ctime of what was whole a moment ago */
	free(sidecar);
	free_machine(&m);
	return 0;
}
