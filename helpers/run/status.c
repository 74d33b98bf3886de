/* status.c - two small files an image: <name>.now holds the verb, <name>.bytes the verb and how far it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/files.h"
#include "run/status.h"

enum { STATUS_MAX = 128 };

static bool
is_watched(void)
{
	return *setting("WATCHED") && *setting("CACHE_DIR") && *setting("RUN");
}

static void
write_each(const char *names, const char *kind, const char *text)
{
	char *copy = xstrdup(names), *rest = NULL;

	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		char *path = run_file(name, kind);

		if (text == NULL)
			unlink(path);
		else
			try_file(path, text, strlen(text), 0600);
		free(path);
	}
	free(copy);
}

void
status_begin(const char *names, const char *verb)
{
	if (names != NULL && is_watched())
		write_each(names, OF_NOW, verb);
}

void
status_bytes(const char *names, const char *verb, uint64_t bytes, uint64_t total)
{
	char *text;

	if (names == NULL || !is_watched())
		return;
	text = format("%s %llu %llu", verb, (unsigned long long)bytes, (unsigned long long)total);
	write_each(names, OF_BYTES, text);
	free(text);
}

void
status_end(const char *names)
{
	if (names != NULL && is_watched())
		write_each(names, OF_NOW, NULL);
}

static char *
read_kind(const char *name, const char *kind)
{
	char *path = run_file(name, kind), *text = read_text(path, STATUS_MAX, NULL);

	free(path);
	return text;
}

bool
status_read(const char *name, struct status *s)
{
	char *now = read_kind(name, OF_NOW), *far = now ? read_kind(name, OF_BYTES) : NULL, verb[8];
	unsigned long long bytes, total;

	*s = (struct status){0};
	if (now != NULL)
		snprintf(s->verb, sizeof(s->verb), "%s", now);
	if (far != NULL && sscanf(far, "%7s %llu %llu", verb, &bytes, &total) == 3 &&
	    strcmp(verb, s->verb) == 0) {
		s->bytes = bytes;
		s->total = total;
	}
	free(far);
	free(now);
	return *s->verb != '\0';
}
