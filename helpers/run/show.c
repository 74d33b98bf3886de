/* show.c - what somebody sees while a run goes on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/words.h"
#include "run/rows.h"
#include "run/screen.h"
#include "run/show.h"

enum {
	LOOK_MS = 100,
	LINE_MS = 1900,     /* no silence of more than two seconds, ... */
	LATER_MS = 10000,   /* ... but for what takes long: lines that nobody reads while they come */
	OFTEN_MS = 20000,   /* from then on */
	HELD_MAX = 1 << 16, /* bytes of a line that has not ended */
};

enum source { SAID, ANSWERED, SOURCES };

static struct {
	enum { NOTHING, LINES, SCREEN } style;
	struct screen screen;
	int was[SOURCES]; /* what stderr and stdout were; -1: still are */
	int from[SOURCES];
	char held[SOURCES][HELD_MAX]; /* what has come of a line */
	size_t size[SOURCES];
	int end[2]; /* closed when the run has ended */
	pthread_t thread;
	struct rows rows;
} show = {.was = {-1, -1}, .from = {-1, -1}, .end = {-1, -1}};

/* --- On a terminal */

static void
add_live_lines(struct list *lines)
{
	int64_t now = now_ms();

	rows_look(&show.rows, now);
	for (size_t i = 0; i < show.rows.count; i++) {
		const struct row *r = &show.rows.at[i];
		char *far, *last;

		if (*r->now.verb == '\0')
			continue;
		far = row_amount(r);
		last = is_built(r) ? row_last_line(r) : xstrdup("");
		list_addf(lines, "  %-7s %3lld s  %s%s%s%s", r->now.verb, row_seconds(r, now), r->typed, far,
			  *last ? "  " : "", last);
		free(last);
		free(far);
	}
}

/* What is said may have passed on what would move the cursor. An answer is what it is. */
static void
add_line(enum source from, FILE *out, char *line)
{
	if (from == SAID)
		plain_line(line);
	fprintf(out, "%s\n", line);
}

/* Whole lines of what has come; all: the rest too. */
static void
add_said(enum source from, FILE *out, bool all)
{
	char *at = show.held[from], *end = at + show.size[from], *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		*newline = '\0';
		add_line(from, out, at);
		at = newline + 1;
	}
	if (at < end && (all || (size_t)(end - at) == HELD_MAX - 1)) {
		*end = '\0';
		add_line(from, out, at);
		at = end;
	}
	show.size[from] = (size_t)(end - at);
	memmove(show.held[from], at, show.size[from]);
}

/* What is there now; false where nothing can come any more. */
static bool
take(enum source from)
{
	ssize_t n;

	if (show.from[from] < 0)
		return false;
	n = read(show.from[from], show.held[from] + show.size[from], HELD_MAX - 1 - show.size[from]);
	if (n > 0)
		show.size[from] += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

/*
 * Only who has the terminal draws in it: what runs in the background says its lines and no more. One that is nobody's controlling
 * terminal has no foreground.
 */
static bool
has_terminal(void)
{
	pid_t foreground = tcgetpgrp(show.screen.terminal);

	return foreground < 0 || foreground == getpgrp();
}

static void
draw(bool last)
{
	struct list lines = {0};
	char *said = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&said, &size);

	if (out == NULL)
		return;
	for (int from = 0; from < SOURCES; from++)
		add_said((enum source)from, out, last);
	if (!last && has_terminal())
		add_live_lines(&lines);
	if (fclose(out) == 0)
		screen_draw(&show.screen, said, size, &lines);
	free(said);
	list_free(&lines);
}

/* Whether the run has ended. */
static bool
wait_for_more(int64_t ms)
{
	struct pollfd fds[1 + SOURCES] = {{.fd = show.end[0], .events = POLLIN},
					  {.fd = show.from[SAID], .events = POLLIN},
					  {.fd = show.from[ANSWERED], .events = POLLIN}};

	return poll(fds, LENGTH(fds), (int)ms) > 0 && fds[0].revents != 0;
}

static void *
show_screen(void *arg)
{
	while (!wait_for_more(LOOK_MS)) {
		for (int from = 0; from < SOURCES; from++)
			take((enum source)from);
		draw(false);
	}
	for (int from = 0; from < SOURCES; from++)
		while (take((enum source)from))
			draw(false);
	draw(true);
	return arg;
}

/* --- Elsewhere */

/* A build's output is shown as it comes: where it goes on, nothing is to be added. */
static bool
is_silent(struct row *r, int64_t now)
{
	off_t before = r->log;

	if (is_built(r))
		r->log = row_log_size(r);
	if (r->log != before)
		r->spoken = now;
	return now - r->spoken >= (now - r->since < OFTEN_MS ? LINE_MS : LATER_MS);
}

static void
say_rows(void)
{
	int64_t now = now_ms();

	rows_look(&show.rows, now);
	for (size_t i = 0; i < show.rows.count; i++) {
		struct row *r = &show.rows.at[i];
		char *far;

		if (*r->now.verb == '\0' || !is_silent(r, now))
			continue;
		far = row_amount(r);
		step_line(r->now.verb, "%s %lld s%s", r->typed, row_seconds(r, now), far);
		r->spoken = now;
		free(far);
	}
}

static void *
show_lines(void *arg)
{
	while (!wait_for_more(LOOK_MS))
		say_rows();
	return arg;
}

/* --- Begin and end */

static bool
is_terminal(int fd)
{
	const char *name = setting("TERM"), *ci = setting("CI");

	return isatty(fd) && *name && strcmp(name, "dumb") != 0 && (*ci == '\0' || strcmp(ci, "false") == 0);
}

/* Above what the programs that we start use. */
static int
set_apart(int fd)
{
	int apart = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	close(fd);
	return apart;
}

/* What is written to the descriptor comes to us from here on. */
static bool
divert(enum source from, int fd)
{
	int ends[2];

	if (pipe(ends) != 0)
		return false;
	show.from[from] = set_apart(ends[0]);
	show.was[from] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (show.from[from] < 0 || show.was[from] < 0 || fcntl(show.from[from], F_SETFL, O_NONBLOCK) != 0 ||
	    dup2(ends[1], fd) != fd) {
		close(ends[1]);
		return false;
	}
	close(ends[1]);
	return true;
}

static bool
is_same_terminal(int a, int b)
{
	struct stat one, other;

	return isatty(a) && fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_rdev == other.st_rdev;
}

/* A signal is for the thread that runs the command; and who is in the background may write here. */
static bool
start_thread(void *(*run)(void *))
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&show.thread, NULL, run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* What is written from here on goes where it went before. */
static void
give_back(void)
{
	if (show.was[SAID] >= 0)
		dup2(show.was[SAID], STDERR_FILENO);
	if (show.was[ANSWERED] >= 0)
		dup2(show.was[ANSWERED], STDOUT_FILENO);
}

static void
close_all(void)
{
	int *const fds[] = {&show.was[SAID],      &show.was[ANSWERED], &show.from[SAID],
			    &show.from[ANSWERED], &show.end[0],        &show.end[1]};

	for (size_t i = 0; i < LENGTH(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static bool
start(void)
{
	if (pipe(show.end) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		show.end[i] = set_apart(show.end[i]);
	if (show.style == LINES)
		return start_thread(show_lines);
	if (!divert(SAID, STDERR_FILENO))
		return false;
	if (is_same_terminal(STDOUT_FILENO, show.was[SAID]) && !divert(ANSWERED, STDOUT_FILENO))
		return false;
	show.screen.terminal = show.was[SAID];
	return start_thread(show_screen);
}

void
show_begin(void)
{
	if (*setting("SILENT") || strcmp(setting("PROGRESS"), "json") == 0)
		return;
	show.style = is_terminal(STDERR_FILENO) ? SCREEN : LINES;
	if (atexit(show_end) != 0 || !start()) {
		give_back();
		close_all();
		show.style = NOTHING;
		return;
	}
	setenv("WATCHED", show.style == SCREEN ? "screen" : "lines", 1);
}

void
show_end(void)
{
	if (show.style == NOTHING)
		return;
	give_back();
	close(show.end[1]);
	show.end[1] = -1;
	pthread_join(show.thread, NULL);
	close_all();
	list_free(&show.screen.shown);
	rows_free(&show.rows);
	show.style = NOTHING;
}
