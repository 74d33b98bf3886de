/* text.c - memory that never fails, lists of strings, checked numbers, settings. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (p == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (p == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return p;
}

char *
xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}

static char *
vformat(const char *fmt, va_list args)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		die(EXIT_SYSTEM, "cannot format a message");
	s = xmalloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, args);
	return s;
}

/* As sprintf, into memory of its own: the caller frees it. */
char *
format(const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = vformat(fmt, args);
	va_end(args);
	return s;
}

/*
 * A decimal from min to max; anything else is an error that names what it is for:
 * an option ("-t", exit 100) or a setting of the user's (exit 1).
 */
long long
number(const char *what, const char *text, long long min, long long max)
{
	long long n;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < min || n > max) {
		if (*what == '-')
			die(EXIT_USAGE, "%s: '%s' is not a whole number from %lld to %lld", what, text, min,
			    max);
		refuse("%s: '%s' is not a whole number from %lld to %lld", what, text, min, max);
	}
	return n;
}

/* The value of an environment variable, "" where it is unset. */
const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* The same for what the Makefile always sets: run by hand, the program says so. */
const char *
needed(const char *name)
{
	const char *value = setting(name);

	if (*value == '\0')
		die(EXIT_USAGE, "%s is not set in the environment", name);
	return value;
}

/* Adds a copy of s. */
void
list_add(struct list *l, const char *s)
{
	if (l->count + 2 > l->room) {
		l->room = l->room ? l->room * 2 : 16;
		l->at = xrealloc(l->at, l->room * sizeof(*l->at));
	}
	l->at[l->count++] = xstrdup(s);
	l->at[l->count] = NULL;
}

void
list_addf(struct list *l, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = vformat(fmt, args);
	va_end(args);
	list_add(l, s);
	free(s);
}

void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct list){0};
}

bool
list_has(const struct list *l, const char *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i], s) == 0)
			return true;
	return false;
}

/* The value of NAME in K=V settings, "" where there is none. */
const char *
value_of(const struct list *settings, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < settings->count; i++)
		if (strncmp(settings->at[i], name, n) == 0 && settings->at[i][n] == '=')
			return settings->at[i] + n + 1;
	return "";
}
