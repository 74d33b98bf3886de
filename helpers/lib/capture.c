/*
 * capture.c - what a foreign program prints.
 *
 * Both streams go to files and not pipes, since what the program leaves running could hold a pipe open.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "lib/lib.h"

/* Bytes: an image's labels have no bound of their own; of a reason the beginning will do. */
enum { PRINTED_MAX = 64 << 20, SAID_MAX = 1 << 20 };

/* A file without a name; in memory where that can be, since a full /tmp must not hide what a command says. */
static FILE *
make_scratch(void)
{
#ifdef MFD_CLOEXEC
	int fd = memfd_create("output", MFD_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "w+") : tmpfile();
#else
	FILE *f = tmpfile();
#endif

	if (f == NULL)
		die_errno(EXIT_SYSTEM, "cannot make a temporary file");
	return f;
}

/* The text of a temporary file, most bytes at most, without the newlines at its end. Closes it. */
static char *
take_text(FILE *f, size_t most)
{
	struct stat st;
	char *text;
	size_t n;

	if (fstat(fileno(f), &st) != 0)
		die_errno(EXIT_SYSTEM, "cannot read a temporary file");
	if ((size_t)st.st_size < most)
		most = (size_t)st.st_size;
	text = xmalloc(most + 1);
	rewind(f);
	n = fread(text, 1, most, f);
	fclose(f);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return text;
}

static bool
printed_too_much(const struct capture *c)
{
	struct stat st;

	return fstat(fileno(c->printed), &st) == 0 && st.st_size > PRINTED_MAX;
}

/* One that prints without end must not fill the memory until its deadline. */
static void
bound(void *arg)
{
	struct capture *c = arg;

	if (printed_too_much(c))
		kill(-c->pid, SIGKILL);
}

void
capture_start(struct capture *c, char *const *argv, char *const *environment, unsigned timeout)
{
	c->printed = make_scratch();
	c->said = make_scratch();
	c->command = (struct command){.argv = argv,
				      .environment = environment,
				      .in = -1,
				      .out = fileno(c->printed),
				      .err = fileno(c->said),
				      .timeout = timeout,
				      .foreign = true};
	c->pid = start_command(&c->command);
	c->error = c->pid < 0 ? errno : 0;
}

struct outcome
capture_end(struct capture *c, char **out, char **err)
{
	const char *program = c->command.argv[0];
	struct outcome o = {.code = c->error == ENOENT ? 127 : 126};
	char *reason = NULL;

	if (c->pid < 0)
		reason = format("cannot run '%s': %s", program, strerror(c->error));
	else {
		c->command.watch = bound;
		c->command.watch_arg = c;
		o = wait_command(c->pid, &c->command);
		if (o.timed_out)
			reason = format("no answer from '%s' within %u s", program, c->command.timeout);
	}
	if (reason == NULL && printed_too_much(c)) {
		reason = format("'%s' printed more than %d MiB", program, PRINTED_MAX >> 20);
		o.code = o.code == 0 ? EXIT_SYSTEM : o.code;
	}
	*out = take_text(c->printed, PRINTED_MAX);
	*err = take_text(c->said, SAID_MAX);
	if (reason == NULL && o.code != 0 && **err == '\0')
		reason = o.signo ? format("'%s' died of signal %d and said nothing", program, o.signo)
				 : format("'%s' ended with status %d and said nothing", program, o.code);
	if (reason != NULL) {
		char *both = **err ? format("%s; %s", *err, reason) : xstrdup(reason);

		free(*err);
		free(reason);
		*err = both;
	}
	return o;
}

struct outcome
capture_with(char *const *argv, char *const *environment, unsigned timeout, char **out, char **err)
{
	struct capture c;

	capture_start(&c, argv, environment, timeout);
	return capture_end(&c, out, err);
}

struct outcome
capture(char *const *argv, unsigned timeout, char **out, char **err)
{
	return capture_with(argv, NULL, timeout, out, err);
}
