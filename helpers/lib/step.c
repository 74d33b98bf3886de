/*
 * step.c - a stage of the pipeline: a command whose output is kept, and shown
 * where somebody would miss it: at once under V=1, after two seconds of silence
 * (a long build must not look dead), and in full when it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

enum { QUIET_MS = 2000 };

struct viewer {
	int log;
	off_t shown;
	int64_t show_at;
	const char *prefix;
	bool at_start; /* of a line */
};

/*
 * How much of what was read is to be shown now: a line that still lacks its end waits for it, unless it is
 * longer than we can hold or the last; shown in two pieces, another step's line could come between them.
 */
static size_t
presentable(const char *chunk, size_t n, size_t room, bool last)
{
	size_t whole = n;

	while (whole > 0 && chunk[whole - 1] != '\n')
		whole--;
	return whole > 0 && (!last || n == room) ? whole : last || n == room ? n : 0;
}

/* What has come into the log since the last look, each line behind its prefix; last: no more will come. */
static void
show_more(struct viewer *v, bool last)
{
	char chunk[8192];
	ssize_t n;

	while ((n = pread(v->log, chunk, sizeof(chunk), v->shown)) > 0) {
		n = (ssize_t)presentable(chunk, (size_t)n, sizeof(chunk), last);
		if (n == 0)
			break;
		for (char *p = chunk, *end = chunk + n; p < end;) {
			char *newline = memchr(p, '\n', (size_t)(end - p));
			size_t size = newline ? (size_t)(newline - p) + 1 : (size_t)(end - p);

			if (v->at_start && v->prefix)
				fprintf(stderr, "%s: ", v->prefix);
			fwrite(p, 1, size, stderr);
			v->at_start = newline != NULL;
			p += size;
		}
		v->shown += n;
	}
	fflush(stderr);
}

static bool
is_shown(const struct viewer *v)
{
	return !*setting("SILENT") && now_ms() >= v->show_at;
}

static void
watch(void *arg)
{
	if (is_shown(arg))
		show_more(arg, false);
}

/* Where the log's disk is full or broken, what the command had to say is not in it: said is that. */
static void
explain_disk(int log, const char *path)
{
	static const char bytes[1 << 14];
	off_t end = lseek(log, 0, SEEK_END);
	ssize_t n;

	errno = ENOSPC; /* of a write that is cut short */
	n = write(log, bytes, sizeof(bytes));
	if (n < (ssize_t)sizeof(bytes))
		say("error: CACHE_DIR: cannot write '%s': %s", path, strerror(errno));
	if (n > 0 && ftruncate(log, end) != 0)
		say("cannot cut '%s': %s", path, strerror(errno));
}

static struct outcome
run_logged(const struct step *s, const struct command *c)
{
	struct viewer v = {.prefix = s->prefix, .at_start = true, .show_at = now_ms()};
	struct command logged = *c;
	struct outcome o;

	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line and its prefix in one write: we are not alone */
	if (strcmp(setting("V"), "0") <= 0)
		v.show_at += QUIET_MS;
	v.log = open(s->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v.log < 0)
		die_errno(EXIT_SYSTEM, "cannot create '%s'", s->log);
	logged.err = v.log;
	if (logged.out == STDERR_FILENO)
		logged.out = v.log; /* else it has a file of its own */
	logged.watch = watch;
	logged.watch_arg = &v;
	o = run_command(&logged);
	if (o.code != 0 || is_shown(&v))
		show_more(&v, true);
	if (!v.at_start)
		fputc('\n', stderr); /* what we say next is no part of its last line */
	if (o.code != 0)
		explain_disk(v.log, s->log);
	close(v.log);
	return o;
}

/* Runs c as the stage s says; a failed one shows all that it printed, and why it ended. */
struct outcome
run_step(const struct step *s, const struct command *c)
{
	const char *stage = s->stage ? s->stage : c->argv[0];
	struct outcome o = s->log ? run_logged(s, c) : run_command(c);

	if (o.timed_out)
		say("%s: '%s' did not end within %u s and was stopped", stage, c->argv[0], c->timeout);
	else if (o.signo)
		say("%s: '%s' died of signal %d", stage, c->argv[0], o.signo);
	if (s->seconds && o.code == 0) {
		char *line = format("%s %lld", stage, (long long)o.ms);

		append_line(s->seconds, line);
		free(line);
	}
	return o;
}
