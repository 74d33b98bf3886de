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
#include "run/failure.h"
#include "run/files.h"
#include "run/screen.h"
#include "run/show.h"
#include "run/status.h"

enum {
	LOOK_MS = 100,
	LINE_MS = 1900,      /* no silence of more than two seconds, ... */
	LATER_MS = 10000,    /* ... but for what takes long: lines that nobody reads while they come */
	OFTEN_MS = 20000,    /* from then on */
	HELD_MAX = 1 << 16,  /* bytes of a line that has not ended */
	LAST_LINE_MAX = 512, /* bytes of a build's last line */
};

enum source { SAID, ANSWERED, SOURCES };

/* An image at which something is done, or was. */
struct row {
	char *slug, *typed;
	char *key; /* NULL: not known yet */
	struct status now;
	int64_t since;  /* that is done */
	int64_t spoken; /* when something was said of it last */
	off_t log;      /* bytes of its build's output then */
};

static struct {
	enum { NOTHING, LINES, SCREEN } style;
	struct screen screen;
	int was[SOURCES]; /* what stderr and stdout were; -1: still are */
	int from[SOURCES];
	char held[SOURCES][HELD_MAX]; /* what has come of a line */
	size_t size[SOURCES];
	int end[2]; /* closed when the run has ended */
	pthread_t thread;
	struct row *row;
	size_t rows;
} show = {.was = {-1, -1}, .from = {-1, -1}, .end = {-1, -1}};

/* --- What is done */

static void
add_rows(void)
{
	struct list slugs = {0};

	if (show.rows > 0)
		return;
	read_slugs(&slugs);
	show.row = xmalloc((slugs.count + 1) * sizeof(*show.row));
	for (size_t i = 0; i < slugs.count; i++)
		show.row[i] = (struct row){.slug = xstrdup(slugs.at[i]), .typed = typed_name(slugs.at[i])};
	show.rows = slugs.count;
	if (show.rows == 0)
		free(show.row);
	list_free(&slugs);
}

static void
free_rows(void)
{
	for (size_t i = 0; i < show.rows; i++) {
		free(show.row[i].slug);
		free(show.row[i].typed);
		free(show.row[i].key);
	}
	if (show.rows > 0)
		free(show.row);
	show.rows = 0;
}

static void
look(struct row *r, int64_t now)
{
	struct status before = r->now;

	if (r->key == NULL) {
		char *path = run_file(r->slug, OF_KEY);

		r->key = first_line(path);
		free(path);
	}
	if (r->key == NULL || !status_read(r->key, &r->now))
		status_read(r->slug, &r->now);
	if (strcmp(r->now.verb, before.verb) != 0)
		r->since = r->spoken = now;
}

/* What a build said last, in one row, and how much in all; the caller frees it. */
static char *
last_of_build(const struct row *r, off_t *size)
{
	char *path = run_file(r->slug, OF_LOG), text[LAST_LINE_MAX + 1], *line;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), from = end > LAST_LINE_MAX ? end - LAST_LINE_MAX : 0;
	bool good = end > 0 && read_at(fd, text, (size_t)(end - from), from);

	text[good ? end - from : 0] = '\0';
	line = strrchr(text, '\n');
	if (line != NULL && line[1] == '\0') {
		*line = '\0';
		line = strrchr(text, '\n');
	}
	line = xstrdup(line ? line + 1 : text);
	plain_line(line);
	for (char *tab = line; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
	if (fd >= 0)
		close(fd);
	free(path);
	*size = end > 0 ? end : 0;
	return line;
}

/* ", 45 %, 36.0 MB of 80.0 MB", as far as it is known. The caller frees it. */
static char *
amount(const struct status *s)
{
	char *bytes = bytes_text(s->bytes), *total = bytes_text(s->total), *text;

	if (s->bytes == 0)
		text = xstrdup("");
	else if (s->total == 0)
		text = format(", %s", bytes);
	else
		text = format(", %u %%, %s of %s", (unsigned)(s->bytes * 100 / s->total), bytes, total);
	free(total);
	free(bytes);
	return text;
}

static long long
seconds(const struct row *r, int64_t now)
{
	return (now - r->since) / 1000;
}

/* --- On a terminal */

static void
add_live_lines(struct list *lines)
{
	int64_t now = now_ms();

	add_rows();
	for (size_t i = 0; i < show.rows; i++) {
		struct row *r = &show.row[i];
		char *far, *last;
		off_t size;

		look(r, now);
		if (*r->now.verb == '\0')
			continue;
		far = amount(&r->now);
		last = strcmp(r->now.verb, "BUILD") == 0 ? last_of_build(r, &size) : xstrdup("");
		list_addf(lines, "  %-7s %3lld s  %s%s%s%s", r->now.verb, seconds(r, now), r->typed, far,
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
builds_aloud(struct row *r)
{
	off_t size;
	bool grown;

	if (strcmp(r->now.verb, "BUILD") != 0)
		return false;
	free(last_of_build(r, &size));
	grown = size != r->log;
	r->log = size;
	return grown;
}

static void
say_rows(void)
{
	int64_t now = now_ms();

	add_rows();
	for (size_t i = 0; i < show.rows; i++) {
		struct row *r = &show.row[i];
		char *far;

		look(r, now);
		if (builds_aloud(r))
			r->spoken = now;
		if (*r->now.verb == '\0' ||
		    now - r->spoken < (now - r->since < OFTEN_MS ? LINE_MS : LATER_MS))
			continue;
		far = amount(&r->now);
		step_line(r->now.verb, "%s %lld s%s", r->typed, seconds(r, now), far);
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
	if (!start() || atexit(show_end) != 0) {
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
	free_rows();
	show.style = NOTHING;
}
