/* text.c - memory that never fails, lists of strings, checked numbers, settings. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
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

struct unit {
	const char *name;
	long long factor;
};

/*
 * As number(), with a unit behind the decimal where there is one: the number of the smallest. hint: which
 * units.
 */
static long long
amount(const char *what, const char *text, long long min, long long max, const struct unit *units,
       const char *hint)
{
	size_t digits = strspn(text, "0123456789");
	long long n, factor = 0;

	errno = 0;
	n = digits > 0 ? strtoll(text, NULL, 10) : -1;
	if (text[digits] == '\0')
		factor = 1;
	for (; units->name && factor == 0; units++)
		if (strcasecmp(text + digits, units->name) == 0)
			factor = units->factor;
	if (n < 0 || errno != 0 || factor == 0 || n > max / factor || n * factor < min) {
		if (*what == '-')
			die(EXIT_USAGE, "%s: '%s' is not a whole number from %lld to %lld", what, text, min,
			    max);
		refuse("%s: '%s' is not a whole number from %lld to %lld (%s)", what, text, min, max, hint);
	}
	return n * factor;
}

unsigned
seconds_of(const char *what, const char *text)
{
	static const struct unit units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};

	return (unsigned)amount(what, text, 0, 1000000, units, "seconds, or as 90s, 30m, 1h");
}

long long
mebibytes_of(const char *what, const char *text, long long min, long long max)
{
	static const struct unit units[] = {{"m", 1},         {"mib", 1},     {"g", 1 << 10},
					    {"gib", 1 << 10}, {"t", 1 << 20}, {"tib", 1 << 20},
					    {NULL, 0}};

	return amount(what, text, min, max, units, "MiB, or as 2048M, 2G");
}

const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

const char *
needed(const char *name)
{
	const char *value = setting(name);

	if (*value == '\0')
		die(EXIT_USAGE, "%s is not set in the environment", name);
	return value;
}

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

char *
list_join(const struct list *l, const char *between)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < l->count; i++) {
		char *longer = format("%s%s%s", all, i > 0 ? between : "", l->at[i]);

		free(all);
		all = longer;
	}
	return all;
}

char *
bytes_text(uint64_t bytes)
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
	double n = (double)bytes;
	size_t u = 0;

	for (; n >= 999.5 && u + 1 < LENGTH(unit); u++)
		n /= 1000;
	return format("%.*f %s", u > 0 && n < 99.95 ? 1 : 0, n, unit[u]);
}

bool
list_has(const struct list *l, const char *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i], s) == 0)
			return true;
	return false;
}

const char *
value_of(const struct list *settings, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < settings->count; i++)
		if (strncmp(settings->at[i], name, n) == 0 && settings->at[i][n] == '=')
			return settings->at[i] + n + 1;
	return "";
}
