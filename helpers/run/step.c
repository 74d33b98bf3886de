/*
 * step.c - a stage of the pipeline: a command whose output is kept, and shown
 * where somebody would miss it: at once under V=1, after two seconds of silence
 * (a long build must not look dead), and in full when it fails. On a terminal, where the image's own line shows
 * that it lives (show.h), and of a quiet one, only when it fails.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/words.h"
#include "run/failure.h"
#include "run/status.h"
#include "run/step.h"

enum { QUIET_MS = 2000 };

struct viewer {
	int log;
	off_t shown;
	int64_t show_at;
	const char *prefix;
	bool at_start; /* of a line */
	bool quiet;
};

enum { CHUNK = 8192 };

/* A piece of a line, with its end or without, and without what would move the cursor. */
static void
show_piece(struct viewer *v, const char *piece, size_t size)
{
	bool whole = piece[size - 1] == '\n';
	char text[CHUNK + 1];

	memcpy(text, piece, size - whole);
	text[size - whole] = '\0';
	plain_line(text);
	if (v->at_start && v->prefix)
		fprintf(stderr, "%s: ", v->prefix);
	fprintf(stderr, "%s%s", text, whole ? "\n" : "");
	v->at_start = whole;
}

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
	char chunk[CHUNK];
	ssize_t n;

	while ((n = pread(v->log, chunk, sizeof(chunk), v->shown)) > 0) {
		n = (ssize_t)presentable(chunk, (size_t)n, sizeof(chunk), last);
		if (n == 0)
			break;
		for (char *p = chunk, *end = chunk + n; p < end;) {
			char *newline = memchr(p, '\n', (size_t)(end - p));
			size_t size = newline ? (size_t)(newline - p) + 1 : (size_t)(end - p);

			show_piece(v, p, size);
			p += size;
		}
		v->shown += n;
	}
	fflush(stderr);
}

static bool
is_shown(const struct viewer *v)
{
	return !*setting("SILENT") && !v->quiet && now_ms() >= v->show_at;
}

static void
watch(void *arg)
{
	if (is_shown(arg))
		show_more(arg, false);
}

static const char *
cache_folder(void)
{
	return *setting("CACHE_DIR") ? setting("CACHE_DIR") : ".";
}

/*
 * The room that is left where the folder is, and what to do; "" where that is not known. The caller frees it.
 */
static char *
room_at(const char *folder)
{
	long long left = free_bytes(folder);

	return left < 0 ? xstrdup("")
			: format("; %.1f MB are free at '%s': make room there, or give another CACHE_DIR",
				 (double)left / 1e6, folder);
}

/*
 * Where the log's disk is full or broken, the command's own message may be lost: the disk is the reason then.
 * NULL where it is sound. The caller frees it.
 */
static char *
disk_trouble(int log, const char *path)
{
	static const char bytes[1 << 14];
	off_t end = lseek(log, 0, SEEK_END);
	char *room, *trouble = NULL;
	ssize_t n;

	errno = ENOSPC; /* of a write that is cut short */
	n = write(log, bytes, sizeof(bytes));
	if (n < (ssize_t)sizeof(bytes)) {
		const char *why = error_text(errno);

		room = room_at(cache_folder());
		trouble = format("cannot write '%s': %s%s", path, why, room);
		free(room);
	}
	if (n > 0 && ftruncate(log, end) != 0)
		say("cannot cut '%s': %s", path, strerror(errno));
	return trouble;
}

/* *trouble: that of the log's disk, or NULL; the caller frees it. */
static struct outcome
run_logged(const struct step *s, const struct command *c, char **trouble)
{
	bool aloud = strcmp(setting("V"), "0") > 0;
	struct viewer v = {.prefix = s->prefix,
			   .at_start = true,
			   .show_at = now_ms() + (aloud ? 0 : QUIET_MS),
			   .quiet = !aloud && (s->quiet || strcmp(setting("WATCHED"), "screen") == 0)};
	struct command logged = *c;
	struct outcome o;

	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line and its prefix in one write: we are not alone */
	v.log = open(s->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v.log < 0)
		die_errno(EXIT_SYSTEM, "cannot create '%s'", s->log);
	logged.err = v.log;
	if (logged.out == STDERR_FILENO)
		logged.out = v.log; /* else it has a file of its own */
	logged.watch = watch;
	logged.watch_arg = &v;
	o = try_command(&logged);
	if (o.code != 0 || is_shown(&v))
		show_more(&v, true);
	if (!v.at_start)
		fputc('\n', stderr); /* what we say next is no part of its last line */
	if (o.code != 0)
		*trouble = disk_trouble(v.log, s->log);
	close(v.log);
	return o;
}

/* What it said last; "" where that is nothing. The caller frees it. */
static char *
said_last(const char *file)
{
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	char *words = last_words_in(fd);

	if (fd >= 0)
		close(fd);
	return words;
}

/*
 * A full disk is the engine's, or that of the folder where the command works. A build's step that is killed is 137 for docker: it does not
 * say by whom, also where its engine is being stopped (run: 20.10).
 */
static char *
explain_words(const struct command *c, char *words, int code)
{
	const struct program *program = program_of(c->argv[0]);
	bool engine = program && strcmp(program->setting, "DOCKER") == 0;
	char *room, *text;

	if (engine && code == 128 + SIGKILL) {
		text = format("%s; 137 is a kill: is memory short, or was the engine stopped?", words);
		free(words);
		return text;
	}
	if (!tells_full_disk(words))
		return words;
	room = engine ? xstrdup("; the engine's own disk is full: `docker system df` shows by what")
		      : room_at(cache_folder());
	text = format("%s%s", words, room);
	free(room);
	free(words);
	return text;
}

/* Of a command that said nothing on its standard error. The caller frees it. */
static char *
explain_silence(const struct step *s, const struct command *c, int code)
{
	const struct program *program = program_of(c->argv[0]);
	char *command = command_words(c->argv), *printed = said_last(s->output);
	char *text = format("%s ended with %d and said nothing; run it by hand to see why%s%s%s%s%s", command,
			    code, program ? ", or give another " : "", program ? program->setting : "",
			    *printed ? " (its output ends with '" : "", printed, *printed ? "')" : "");

	free(printed);
	free(command);
	return text;
}

/* Of one that could not be started. The caller frees it. */
static char *
explain_start(const struct command *c, int error)
{
	const struct program *program = program_of(c->argv[0]);

	if (c->dir && access(c->dir, X_OK) != 0)
		return format("'%s' cannot be run in '%s': %s", c->argv[0], c->dir, strerror(error));
	if (program && error == ENOENT)
		return format("'%s' is not installed; %s", c->argv[0], program->get);
	return format("'%s' cannot be run: %s%s%s%s", c->argv[0], strerror(error), program ? "; give " : "",
		      program ? program->setting : "", program ? "=<path>" : "");
}

/*
 * The setting that is to be changed, and the sentence. It is said now, since nothing that the command printed
 * says it.
 */
static void
tell(const struct step *s, const char *setting_name, const char *why)
{
	char *names = typed_names(s->images);

	if (setting_name)
		complain("%s: %s (%s of %s)", setting_name, why, s->stage, names);
	else
		complain("%s: %s: %s", names, s->stage, why);
	free(names);
}

/* A failure of the stage, for the images that it was for. */
static void
fail_images(const struct step *s, const struct command *c, const struct outcome *o, const char *trouble)
{
	const struct program *program = program_of(c->argv[0]);
	const char *setting_name = program ? program->setting : NULL;
	bool said = false;
	char *why;

	if (o->error)
		why = explain_start(c, o->error);
	else if (trouble) {
		why = xstrdup(trouble);
		setting_name = "CACHE_DIR";
	} else if (o->timed_out) {
		why = format("'%s' did not end within %u s and was stopped%s%s", c->argv[0], c->timeout,
			     s->limit ? "; give a larger " : "", s->limit ? s->limit : "");
		setting_name = s->limit;
	} else if (o->signo) {
		why = format("'%s' died of signal %d%s", c->argv[0], o->signo,
			     o->signo == SIGKILL ? "; is memory short?" : "");
		setting_name = NULL;
	} else {
		why = said_last(s->log);
		said = *why != '\0';
		if (said)
			why = explain_words(c, why, o->code);
		else {
			free(why);
			why = explain_silence(s, c, o->code);
		}
	}
	if (!said)
		tell(s, setting_name, why);
	failure_write(s->images, s->stage, o->code, why);
	free(why);
}

/* The same for nobody in particular. */
static void
tell_end(const struct step *s, const struct command *c, const struct outcome *o, const char *trouble)
{
	const char *stage = s->stage ? s->stage : c->argv[0];
	char *why;

	if (trouble)
		complain("CACHE_DIR: %s", trouble);
	if (o->error) {
		why = start_trouble(c, o->error);
		say("%s", why);
		free(why);
	} else if (o->timed_out)
		say("%s: '%s' did not end within %u s and was stopped%s%s", stage, c->argv[0], c->timeout,
		    s->limit ? "; give a larger " : "", s->limit ? s->limit : "");
	else if (o->signo)
		say("%s: '%s' died of signal %d", stage, c->argv[0], o->signo);
	else if (s->log && !trouble) {
		char *words = said_last(s->log);

		if (*words == '\0') {
			why = explain_silence(s, c, o->code);
			say("%s: %s", stage, why);
			free(why);
		}
		free(words);
	}
}

char *
step_verb(const char *stage)
{
	char *verb = xstrdup(stage);

	for (char *p = verb; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	verb[strnlen(verb, VERB_LONGEST)] = '\0';
	return verb;
}

/* Of a step that is shown while it goes on; NULL of one that takes no time. The caller frees it. */
static char *
shown_verb(const struct step *s)
{
	static const char *const shown[] = {"build", "push", "pack"};

	for (size_t i = 0; s->stage && s->seconds && i < LENGTH(shown); i++)
		if (strcmp(s->stage, shown[i]) == 0)
			return step_verb(s->stage);
	return NULL;
}

struct outcome
run_step(const struct step *s, const struct command *c)
{
	const char *stage = s->stage ? s->stage : c->argv[0];
	char *trouble = NULL, *verb = shown_verb(s);
	struct outcome o;

	if (verb != NULL)
		status_begin(s->images, verb);
	o = s->log ? run_logged(s, c, &trouble) : try_command(c);
	if (verb != NULL)
		status_end(s->images);
	free(verb);
	if (o.code != 0 && !caught_signal()) {
		if (s->images && s->stage)
			fail_images(s, c, &o, trouble);
		else
			tell_end(s, c, &o, trouble);
	}
	free(trouble);
	if (s->seconds && o.code == 0) {
		char *line = format("%s %lld", stage, (long long)o.ms);

		append_line(s->seconds, line);
		free(line);
	}
	return o;
}
