/*
 * status.c - two small files an image, where somebody watches: <name>.now holds the verb, <name>.bytes the verb and how far it is;
 * and a line in the run's events for each step that has ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/files.h"
#include "run/status.h"

enum { STATUS_MAX = 128 };

static struct {
	const char *verb; /* NULL: nothing is done */
	int64_t began;
} step;

static bool
has_run(void)
{
	return *setting("CACHE_DIR") && *setting("RUN");
}

static bool
is_watched(void)
{
	return *setting("WATCHED") && has_run();
}

/* f with each of the names. */
static void
for_each(const char *names, void (*f)(const char *name, void *arg), void *arg)
{
	char *copy = xstrdup(names), *rest = NULL;

	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		f(name, arg);
	free(copy);
}

static void
write_now(const char *name, void *verb)
{
	char *path = run_file(name, OF_NOW);

	if (verb == NULL)
		unlink(path);
	else
		try_file(path, verb, strlen(verb), 0600);
	free(path);
}

static void
write_bytes(const char *name, void *text)
{
	char *path = run_file(name, OF_BYTES);

	try_file(path, text, strlen(text), 0600);
	free(path);
}

static void
add_event(const char *name, void *events)
{
	char *line = format("%lld %lld %s %s", (long long)step.began, (long long)(now_ms() - step.began),
			    step.verb, name);

	append_line(events, line);
	free(line);
}

void
status_begin(const char *names, const char *verb)
{
	step.verb = verb;
	step.began = now_ms();
	if (names != NULL && is_watched())
		for_each(names, write_now, (char *)verb);
}

void
status_bytes(const char *names, const char *verb, uint64_t bytes, uint64_t total)
{
	char *text;

	if (names == NULL || !is_watched())
		return;
	text = format("%s %llu %llu", verb, (unsigned long long)bytes, (unsigned long long)total);
	for_each(names, write_bytes, text);
	free(text);
}

void
status_end(const char *names)
{
	char *events;

	if (names == NULL || step.verb == NULL || !has_run())
		return;
	if (is_watched())
		for_each(names, write_now, NULL);
	events = run_path(RUN_EVENTS);
	for_each(names, add_event, events);
	free(events);
	step.verb = NULL;
}

void
status_waits(const char *names, bool wait)
{
	if (names != NULL && is_watched())
		for_each(names, write_now, wait ? "WAIT" : NULL);
}

static char *
read_kind(const char *name, const char *kind)
{
	char *path = run_file(name, kind), *text = read_text(path, STATUS_MAX, NULL);

	free(path);
	return text;
}

/* "VERB BYTES TOTAL", which is changed. */
static void
parse_bytes(char *text, struct status *s)
{
	char *rest = NULL, *word[3];

	for (size_t i = 0; i < LENGTH(word); i++)
		if ((word[i] = strtok_r(i == 0 ? text : NULL, " ", &rest)) == NULL)
			return;
	if (strcmp(word[0], s->verb) != 0)
		return; /* of the step before */
	s->bytes = strtoull(word[1], NULL, 10);
	s->total = strtoull(word[2], NULL, 10);
}

bool
status_read(const char *name, struct status *s)
{
	char *now = read_kind(name, OF_NOW), *far = now ? read_kind(name, OF_BYTES) : NULL;

	*s = (struct status){0};
	if (now != NULL)
		snprintf(s->verb, sizeof(s->verb), "%s", now);
	if (far != NULL)
		parse_bytes(far, s);
	free(far);
	free(now);
	return *s->verb != '\0';
}
