/*
 * gate - holds a helper at one moment, and breaks the disk, for tests/faults (LD_PRELOAD).
 *
 * GATE is a folder with a fifo `go`. GATE_AT="PROGRAM CALL PATTERN": the first time that PROGRAM calls CALL
 * (open, write, rename, unlinkat) for a path that fits PATTERN (fnmatch), its pid appears in $GATE/at, and it
 * waits for a line of `go`, or for a signal. While $GATE/eio exists, all that would change something below
 * CACHE_DIR fails with EIO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

#define NEXT(name) __extension__((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* A file of the folder GATE; its descriptor, or -1. */
static int
in_gate(const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", setting("GATE"), name);
	return NEXT(open)(path, flags | O_CLOEXEC, 0600);
}

static void
wait_at_gate(void)
{
	struct pollfd go = {.events = POLLIN};
	struct timespec patience = {.tv_sec = PATIENCE_S};
	sigset_t mask;
	char pid[16];
	int at = in_gate("at", O_WRONLY | O_CREAT | O_EXCL);

	if (at < 0)
		return; /* somebody was here before */
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (NEXT(write)(at, pid, strlen(pid)) < 0)
		perror("gate");
	close(at);
	go.fd = in_gate("go", O_RDWR | O_NONBLOCK);
	/*
	 * Not restarted by a signal, which the helper is to notice; but a child of its own may end. By the
	 * bare system call, since a clock that is set, as another library here pretends, ends no wait.
	 */
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sigaddset(&mask, SIGCHLD);
	syscall(SYS_ppoll, &go, 1, &patience, &mask, _NSIG / 8);
	close(go.fd);
}

static void
pass(const char *call, const char *path)
{
	char program[64], wanted[64], pattern[256];
	int saved = errno;

	if (sscanf(setting("GATE_AT"), "%63s %63s %255s", program, wanted, pattern) == 3 &&
	    strcmp(call, wanted) == 0 && strcmp(program_invocation_short_name, program) == 0 &&
	    fnmatch(pattern, path, 0) == 0)
		wait_at_gate();
	errno = saved;
}

static bool
below_cache(const char *path)
{
	const char *cache = setting("CACHE_DIR");
	char here[PATH_MAX] = "";
	size_t n = strlen(cache);

	if (*path != '/')
		path = getcwd(here, sizeof(here)) ? here : "";
	return n > 0 && strncmp(path, cache, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* True, and errno is EIO, where the disk is broken. */
static bool
broken(const char *path)
{
	int saved = errno, eio;

	if (*setting("GATE") == '\0' || !below_cache(path))
		return false;
	eio = in_gate("eio", O_RDONLY);
	if (eio >= 0)
		close(eio);
	errno = eio >= 0 ? EIO : saved;
	return eio >= 0;
}

/* The path of a descriptor; of a pipe or the like what does not begin with a slash. */
static const char *
path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
	return path;
}

static bool
write_passes(int fd)
{
	char path[PATH_MAX];
	int saved = errno;

	path_of(fd, path);
	errno = saved;
	pass("write", path);
	return *path != '/' || !broken(path);
}

/* --- The calls, as the C library names them. */
static int
open_at(int at, const char *path, int flags, mode_t mode)
{
	pass("open", path);
	if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && broken(path))
		return -1;
	return NEXT(openat)(at, path, flags, mode);
}

static mode_t
mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_at(AT_FDCWD, path, flags, mode);
}

int
openat(int at, const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_at(at, path, flags, mode);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	return write_passes(fd) ? NEXT(write)(fd, bytes, size) : -1;
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return write_passes(fd) ? NEXT(pwrite)(fd, bytes, size, offset) : -1;
}

int
fsync(int fd)
{
	char path[PATH_MAX];

	return *path_of(fd, path) == '/' && broken(path) ? -1 : NEXT(fsync)(fd);
}

int
rename(const char *from, const char *to)
{
	pass("rename", to);
	return broken(to) ? -1 : NEXT(rename)(from, to);
}

int
mkdir(const char *path, mode_t mode)
{
	return broken(path) ? -1 : NEXT(mkdir)(path, mode);
}

int
unlink(const char *path)
{
	return broken(path) ? -1 : NEXT(unlink)(path);
}

int
unlinkat(int at, const char *path, int flags)
{
	pass("unlinkat", path);
	return broken(path) ? -1 : NEXT(unlinkat)(at, path, flags);
}

/* The names under which programs with large files know them. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) __attribute__((alias("pwrite")));
