/* failure.c - the files of failed steps, and the lines that are made of them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/failure.h"

enum { FAILURE_MAX = 8192, IMAGES_MAX = 1 << 20 };

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
}

static void
write_one(const char *name, const char *step, int code, const char *reason)
{
	char *path = run_file(name, "failed"), *text = format("%s\n%d\n%s", step, code, reason);

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
	path = run_file(name, "failed");
	unlink(path);
	free(path);
}

bool
failure_read(const char *name, struct failure *f)
{
	char *path = run_file(name, "failed"), *text = read_text(path, FAILURE_MAX, NULL), *rest = NULL;
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
	path = run_file(name, "env");
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

/* Of the image by its slug, or of the machine that it is to become. */
static bool
find_failure(const char *slug, struct failure *f)
{
	char *path, *key;
	bool found;

	if (failure_read(slug, f))
		return true;
	path = run_file(slug, "key");
	key = first_line(path);
	found = key != NULL && failure_read(key, f);
	free(key);
	free(path);
	return found;
}

/* The slugs of the run, in order, each once. */
static void
read_slugs(struct list *slugs)
{
	char *path = format("%s/%s/images", setting("CACHE_DIR"), setting("RUN")),
	     *images = read_text(path, IMAGES_MAX, NULL), *rest = NULL;

	for (char *slug = images ? strtok_r(images, "\n", &rest) : NULL; slug;
	     slug = strtok_r(NULL, "\n", &rest))
		if (!list_has(slugs, slug))
			list_add(slugs, slug);
	free(images);
	free(path);
}

void
failure_lines(struct list *lines)
{
	struct list slugs = {0}, names = {0};
	char *all = xstrdup("");

	read_slugs(&slugs);
	for (size_t i = 0; i < slugs.count; i++) {
		struct failure f;
		char *typed, *longer;

		if (!find_failure(slugs.at[i], &f))
			continue;
		typed = typed_name(slugs.at[i]);
		list_addf(lines, "%s: %s: %s", typed, f.step, f.reason);
		longer = format("%s%s%s", all, *all ? ", " : "", typed);
		free(all);
		all = longer;
		list_add(&names, typed);
		free(typed);
		failure_free(&f);
	}
	if (names.count == 1) {
		char *line = format("1 of %zu failed: %s", slugs.count, lines->at[lines->count - 1]);

		free(lines->at[lines->count - 1]);
		lines->at[lines->count - 1] = line;
	} else if (names.count > 1)
		list_addf(lines, "%zu of %zu failed: %s", names.count, slugs.count, all);
	free(all);
	list_free(&names);
	list_free(&slugs);
}
