/*
 * descriptors.c - what a process may have open, and that 0, 1 and 2 are nothing else than what they are for.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/lib.h"

enum { DESCRIPTORS = 8192 };

static struct rlimit at_start;
static bool raised;

void
fill_standard_descriptors(void)
{
	static const int mode[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", mode[fd]) != fd)
			_exit(EXIT_SYSTEM);
}

long
allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return DESCRIPTORS;
	if (limit.rlim_cur < DESCRIPTORS && limit.rlim_cur < limit.rlim_max) {
		at_start = limit;
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			raised = true;
		else
			limit = at_start;
	}
	return limit.rlim_cur < DESCRIPTORS ? (long)limit.rlim_cur : DESCRIPTORS;
}

void
give_back_descriptors(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &at_start);
}

long
spare_descriptors(long limit)
{
	long spare = 0;

	for (int fd = 0; fd < limit; fd++)
		spare += fcntl(fd, F_GETFD) < 0;
	return spare;
}

const char *
error_text(int code)
{
	static _Thread_local char text[100];
	struct rlimit limit;

	if (code == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		return "File too large; a limit of this shell? see `ulimit -f`";
	if (code != EMFILE || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return strerror(code);
	snprintf(text, sizeof(text), "%s (the limit is %llu; raise it by `ulimit -n`)", strerror(code),
		 (unsigned long long)limit.rlim_cur);
	return text;
}
