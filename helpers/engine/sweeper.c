/* sweeper.c - starts sweep-runs, and ends it. */
#include <stdlib.h>
#include <string.h>

#include "engine/sweeper.h"

/* Milliseconds that it gets behind the run. */
enum { GRACE_MIN = 1000, GRACE_MAX = 5000 };

pid_t
sweeper_start(const char *path, const struct list *arguments)
{
	struct list argv = {0};
	struct command c = {.in = -1, .out = -1, .err = -1, .group = true};
	pid_t pid;

	list_add(&argv, path);
	for (size_t i = 0; i < arguments->count; i++)
		list_add(&argv, arguments->at[i]);
	c.argv = argv.at;
	pid = start_command(&c);
	list_free(&argv);
	return pid < 0 ? 0 : pid;
}

/*
 * An engine that answers is done by now, or soon. It gets as long as the run took, within bounds: a busy
 * machine is slow in both. What is not done then, is done by a later run.
 */
void
sweeper_finish(pid_t pid, int64_t ran_ms)
{
	int64_t end = now_ms() + (ran_ms < GRACE_MIN ? GRACE_MIN : ran_ms > GRACE_MAX ? GRACE_MAX : ran_ms);
	struct outcome o;

	if (pid == 0)
		return;
	while (!poll_command(pid, &o)) {
		int64_t left = end - now_ms();

		if (left <= 0 || caught_signal()) {
			kill_command(pid);
			break;
		}
		pause_for(-1, left);
	}
}
