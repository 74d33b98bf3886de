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

/*
 * Where 0, 1 or 2 is closed, the next file that is opened would get its number, and what is meant for the
 * user would be written into it. Of a closed input nothing can be read, a closed output takes nothing (that
 * is an error, and the answer is lost), and who closed stderr wants to hear nothing.
 */
void
fill_standard_descriptors(void)
{
	static const int mode[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", mode[fd]) != fd)
			_exit(EXIT_SYSTEM);
}

/*
 * As many as may be, and that makes sense; the commands that are run get what we had. Returns how many that
 * is.
 */
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

/* In a child, before exec: programs that walk through all descriptors take the limit for their number. */
void
give_back_descriptors(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &at_start);
}

/* How many more of limit can be opened. */
long
spare_descriptors(long limit)
{
	long spare = 0;

	for (int fd = 0; fd < limit; fd++)
		spare += fcntl(fd, F_GETFD) < 0;
	return spare;
}

/* strerror, with the remedy where there is one. */
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
