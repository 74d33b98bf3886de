/* msg.c - what the helpers say: one write to stderr a message. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

static const char *progname = "smolmake";

static void
put(const char *line, size_t size)
{
	if (write(STDERR_FILENO, line, size) < 0)
		return; /* nowhere left to say it */
}

/* Values from outside end up in messages: no terminal sequence may. */
static void
emit(const char *prefix, const char *fmt, va_list args, const char *suffix)
{
	char line[4096];
	size_t used = 0, end;
	int n;

	n = snprintf(line, sizeof(line) - 2, "%s", prefix);
	if (n > 0)
		used = (size_t)n < sizeof(line) - 2 ? (size_t)n : sizeof(line) - 3;
	n = vsnprintf(line + used, sizeof(line) - 2 - used, fmt, args);
	if (n > 0)
		used += (size_t)n < sizeof(line) - 2 - used ? (size_t)n : sizeof(line) - 3 - used;
	n = snprintf(line + used, sizeof(line) - 2 - used, "%s", suffix);
	if (n > 0)
		used += (size_t)n < sizeof(line) - 2 - used ? (size_t)n : sizeof(line) - 3 - used;
	for (end = 0; end < used; end++)
		if ((unsigned char)line[end] < ' ' || line[end] == 127)
			line[end] = '?';
	line[used++] = '\n';
	put(line, used);
}

static void
emit_named(const char *fmt, va_list args, const char *suffix)
{
	char prefix[128];

	snprintf(prefix, sizeof(prefix), "%s: ", progname);
	emit(prefix, fmt, args, suffix);
}

void
say_line(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit("", fmt, args, "");
	va_end(args);
}

void
complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit("error: ", fmt, args, "");
	va_end(args);
}

/* The answer of a program is what it prints: where that is lost, the program has failed. */
static void
finish_stdout(void)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	failed = fflush(stdout) != 0 || failed;
	/* some file systems tell at the end */
	if (!failed && (close(STDOUT_FILENO) == 0 || errno == EBADF))
		return;
	complain("stdout: %s cannot write its answer%s%s", progname, errno ? ": " : "",
		 errno ? error_text(errno) : "");
	_exit(EXIT_SYSTEM);
}

/*
 * To be called first. From here on standard files are open, and an answer that cannot be written is exit 111.
 */
void
set_progname(const char *name)
{
	static bool called;

	progname = base_name(name);
	fill_standard_descriptors(); /* every program calls this before anything else */
	if (called)
		return;
	called = true;
	/*
	 * A file that may not grow any more (ulimit -f) is an error like a full disk, for what we start too.
	 */
	signal(SIGXFSZ, SIG_IGN);
	if (atexit(finish_stdout) != 0)
		die(EXIT_SYSTEM, "out of memory");
}

void
say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit_named(fmt, args, "");
	va_end(args);
}

void
step_line(const char *verb, const char *fmt, ...)
{
	char prefix[32];
	va_list args;

	if (*setting("SILENT"))
		return;
	snprintf(prefix, sizeof(prefix), "  %-7s ", verb);
	va_start(args, fmt);
	emit(prefix, fmt, args, "");
	va_end(args);
}

static void (*on_death)(int code, const char *reason);

void
set_on_death(void (*f)(int code, const char *reason))
{
	on_death = f;
}

/* The end of the program may be that of an image's step. */
static void
note(int code, const char *fmt, va_list args, const char *suffix)
{
	static const char error[] = "error: ";
	char text[4096];
	size_t used;

	if (on_death == NULL)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, "%s", suffix);
	on_death(code, strncmp(text, error, strlen(error)) == 0 ? text + strlen(error) : text);
}

void
die(int code, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	emit_named(fmt, args, "");
	note(code, fmt, again, "");
	va_end(again);
	va_end(args);
	exit(code);
}

void
die_errno(int code, const char *fmt, ...)
{
	char suffix[128];
	va_list args, again;

	snprintf(suffix, sizeof(suffix), ": %s", error_text(errno));
	va_start(args, fmt);
	va_copy(again, args);
	emit_named(fmt, args, suffix);
	note(code, fmt, again, suffix);
	va_end(again);
	va_end(args);
	exit(code);
}

void
refuse(const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	emit("error: ", fmt, args, "");
	note(EXIT_NO, fmt, again, "");
	va_end(again);
	va_end(args);
	exit(EXIT_NO);
}

void
bad_usage(const char *usage)
{
	fprintf(stderr, "%s", usage);
	exit(EXIT_USAGE);
}

void
show_usage(const char *usage)
{
	fputs(usage, stdout);
	exit(0);
}
