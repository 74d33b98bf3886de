/*
 * with-lock - runs a command under exclusive locks.
 *
 * Every FILE is to be had; those that are free now are taken together, the command
 * runs for this batch with their names (last path components) in LOCKED, then the
 * next batch, until each FILE had its turn. A lock is a descriptor, also of all that
 * the command starts: a batch takes few of those that there are. Nothing is waited for while a lock is
 * held, so no two of these can block each other. With -s any one of FILE.1 to
 * FILE.COUNT will do: COUNT commands at once, the others queue.
 * Who waits says for whom. The lock is the kernel's (flock) and dies with its last
 * holder; the command and its children inherit it, so an orphan still holds it.
 * Exit: the command's (of several batches the first that is not 0); 111 trouble.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/lib.h"

#define USAGE                                                                                                \
	"usage: with-lock [-hkq] [-m TEXT] [-s COUNT] FILE... -- COMMAND [ARGUMENT...]\n"                    \
	"  -h, -q   this text; wait without a word\n"                                                        \
	"  -k       go on with the next batch when the command failed\n"                                     \
	"  -m TEXT  what those who wait are told of us\n"                                                    \
	"  -s COUNT any one of FILE.1 to FILE.COUNT is enough\n"

enum {
	FIRST_PAUSE_MS = 5,
	LONGEST_PAUSE_MS = 100,
	REMIND_MS = 30000,
	SHARE = 8, /* of the descriptors: a registry needs several for each image of a batch */
	BATCH_MAX = 512,
};

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *
signature(const char *text)
{
	time_t now = time(NULL);
	struct tm tm;
	char since[32] = "?";

	if (localtime_r(&now, &tm))
		strftime(since, sizeof(since), "%H:%M:%S", &tm);
	return format("pid %ld (%s), since %s", (long)getpid(), text, since);
}

/* Takes what is free of files, at most most of them; their descriptors go to fds (-1: not taken). */
static int
take(char **files, int count, int *fds, int most, const char *text)
{
	char *sign = signature(text);
	int taken = 0;

	for (int i = 0; i < count; i++) {
		fds[i] = -1;
		if (files[i] == NULL || taken == most)
			continue;
		fds[i] = lock_try(files[i]);
		if (fds[i] >= 0) {
			lock_sign(fds[i], sign);
			taken++;
		}
	}
	free(sign);
	return taken;
}

/* The same, but waits until there is at least one. 0 only after a signal. */
static int
take_or_wait(char **files, int count, int *fds, int most, const char *text, bool quiet)
{
	int64_t pause = FIRST_PAUSE_MS, say_at = 0;
	int taken;

	while ((taken = take(files, count, fds, most, text)) == 0 && !caught_signal()) {
		if (!quiet && now_ms() >= say_at) {
			int first = 0;
			char *holder;

			while (files[first] == NULL)
				first++;
			holder = lock_holder(files[first]);
			say("waiting for '%s', held by %s", base(files[first]), holder);
			free(holder);
			say_at = now_ms() + REMIND_MS;
		}
		pause_for(-1, pause);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	return taken;
}

/* How many locks may be held at once. */
static int
batch_size(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / SHARE >= BATCH_MAX)
		return BATCH_MAX;
	return limit.rlim_cur < SHARE ? 1 : (int)(limit.rlim_cur / SHARE);
}

static int
run_batch(char **files, int count, const int *fds, char *const *command)
{
	struct command c = {.argv = command, .in = 0, .out = 1, .err = 2};
	struct outcome o;
	char *names = xstrdup("");

	for (int i = 0; i < count; i++)
		if (fds[i] >= 0) {
			char *longer = format("%s%s%s", names, *names ? " " : "", base(files[i]));

			free(names);
			names = longer;
		}
	if (setenv("LOCKED", names, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set LOCKED");
	free(names);
	o = run_command(&c);
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0) {
			lock_sign(fds[i], "");
			close(fds[i]);
			free(files[i]);
			files[i] = NULL;
		}
	return o.code;
}

int
main(int argc, char **argv)
{
	const char *text = "with-lock";
	bool quiet = false, keep_going = false;
	int opt, count, left, code = 0, *fds, slots = 0;
	struct list files = {0};

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hkm:qs:")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'k':
			keep_going = true;
			break;
		case 'm':
			text = optarg;
			break;
		case 'q':
			quiet = true;
			break;
		case 's':
			slots = (int)number("-s", optarg, 1, 1000);
			break;
		default:
			bad_usage(USAGE);
		}
	argv += optind;
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		for (int i = 1; i <= slots; i++)
			list_addf(&files, "%s.%d", *argv, i);
		if (slots == 0)
			list_add(&files, *argv);
	}
	if (files.count == 0 || argv[0] == NULL || argv[1] == NULL)
		bad_usage(USAGE);
	supervise();
	count = (int)files.count;
	fds = xmalloc(files.count * sizeof(*fds));
	for (left = slots ? 1 : count; left > 0 && (code == 0 || keep_going) && !caught_signal();) {
		int taken = take_or_wait(files.at, count, fds, slots ? 1 : batch_size(), text, quiet);
		int rc = taken > 0 ? run_batch(files.at, count, fds, argv + 1) : 0;

		if (code == 0)
			code = rc;
		left -= taken;
	}
	free(fds);
	list_free(&files);
	end_as_caught();
	return code;
}
