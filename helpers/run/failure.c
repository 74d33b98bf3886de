/* failure.c - the files of failed steps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/failure.h"
#include "run/files.h"
#include "run/status.h"

enum { FAILURE_MAX = 8192 };

static char *about;
static const char *about_step;

static bool
has_run(void)
{
	return *setting("CACHE_DIR") && *setting("RUN");
}

void
failure_about(const char *names, const char *step)
{
	free(about);
	about = names ? xstrdup(names) : NULL;
	about_step = step;
	set_on_death(about ? failure_note : NULL);
}

static void
write_one(const char *name, const char *step, int code, const char *reason)
{
	char *path = run_file(name, OF_FAILED), *text = format("%s\n%d\n%s", step, code, reason);

	for (char *p = text + strlen(text) - strlen(reason); *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	try_file(path, text, strlen(text),
		 0600); /* where the disk is full, the message itself has been said */
	free(text);
	free(path);
}

void
failure_write(const char *names, const char *step, int code, const char *reason)
{
	char *copy, *rest = NULL;

	if (names == NULL || !has_run() || caught_signal())
		return;
	copy = xstrdup(names);
	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		write_one(name, step, code, reason);
	free(copy);
	status_end(names);
}

void
failure_note(int code, const char *reason)
{
	char *names = about;

	about = NULL; /* what fails while this is written must not come here again */
	failure_write(names, about_step, code, reason);
	about = names;
}

void
failure_forget(const char *name)
{
	char *path;

	if (!has_run())
		return;
	path = run_file(name, OF_FAILED);
	unlink(path);
	free(path);
}

bool
failure_read(const char *name, struct failure *f)
{
	char *path = run_file(name, OF_FAILED), *text = read_text(path, FAILURE_MAX, NULL), *rest = NULL;
	const char *step = text ? strtok_r(text, "\n", &rest) : NULL,
		   *code = step ? strtok_r(NULL, "\n", &rest) : NULL;

	if (code != NULL)
		*f = (struct failure){
		    .code = (int)strtol(code, NULL, 10), .step = xstrdup(step), .reason = xstrdup(rest)};
	free(text);
	free(path);
	return code != NULL;
}

void
failure_free(struct failure *f)
{
	free(f->step);
	free(f->reason);
	*f = (struct failure){0};
}

char *
typed_name(const char *name)
{
	struct list settings = {0};
	char *path, *typed;

	if (!has_run())
		return xstrdup(name);
	path = run_file(name, OF_ENV);
	read_request(path, &settings);
	typed = xstrdup(*value_of(&settings, "IMAGE") ? value_of(&settings, "IMAGE") : name);
	list_free(&settings);
	free(path);
	return typed;
}

char *
typed_names(const char *names)
{
	char *copy = xstrdup(names), *rest = NULL, *first = strtok_r(copy, " ", &rest), *typed, *all;
	size_t others = 0;

	typed = typed_name(first ? first : names);
	while (strtok_r(NULL, " ", &rest))
		others++;
	all =
	    others == 0 ? xstrdup(typed) : format("%s and %zu other%s", typed, others, others > 1 ? "s" : "");
	free(typed);
	free(copy);
	return all;
}
