/* pax.c - the records of a PAX extended header, by the rules of Go's archive/tar (strconv.go). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/entry.h"

bool
parse_decimal(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	long long n;

	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtoll(text, NULL, 10);
	*value = n;
	return errno == 0;
}

/* These are names: the rest of a value behind a NUL would be lost. */
static bool
is_name(const char *key)
{
	return strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 || strcmp(key, "uname") == 0 ||
	       strcmp(key, "gname") == 0;
}

/* "LENGTH KEY=VALUE\n", LENGTH being that of all of it; its length, or 0 where it is none. */
static size_t
parse_record(char *text, size_t left, struct record *record)
{
	size_t digits = strspn(text, "0123456789"), length = 0;
	char *key = text + digits + 1, *equals;

	for (size_t i = 0; i < digits && length <= left; i++)
		length = length * 10 + (size_t)(text[i] - '0');
	if (digits == 0 || text[digits] != ' ' || length > left || length < 5 || length < digits + 2 ||
	    text[length - 1] != '\n')
		return 0;
	equals = memchr(key, '=', length - digits - 2);
	if (equals == NULL || equals == key || memchr(key, '\0', (size_t)(equals - key)) != NULL)
		return 0;
	*equals = '\0';
	text[length - 1] = '\0';
	*record = (struct record){key, equals + 1, (size_t)(text + length - 1 - (equals + 1))};
	if (is_name(key) && strlen(record->value) != record->size)
		return 0;
	return length;
}

/* Takes the text, which has a NUL behind its size bytes. What was parsed before is forgotten. */
bool
records_parse(struct records *p, char *text, size_t size, char why[WHY])
{
	struct record *at = NULL;
	size_t room = 0, count = 0, length = 1;

	for (size_t done = 0; done < size && length > 0; done += length) {
		if (count == room) {
			room = room ? room * 2 : 16;
			at = xrealloc(at, room * sizeof(*at));
		}
		length = parse_record(text + done, size - done, &at[count]);
		count += length > 0;
	}
	records_free(p);
	*p = (struct records){text, at, count};
	return length > 0 || fail(why, "damaged PAX header");
}

const struct record *
records_find(const struct records *p, const char *key)
{
	for (size_t i = p->count; i-- > 0;)
		if (strcmp(p->at[i].key, key) == 0)
			return p->at[i].size > 0 ? &p->at[i] : NULL;
	return NULL;
}

bool
records_number(const struct records *p, const char *key, int64_t *value)
{
	const struct record *r = records_find(p, key);

	return r == NULL || (strlen(r->value) == r->size && parse_decimal(r->value, value));
}

bool
records_time(const struct records *p, const char *key, int64_t *seconds, long *nanoseconds)
{
	const struct record *r = records_find(p, key);
	const char *dot;
	char whole[32];
	long fraction = 0, unit = 100000000;

	if (r == NULL)
		return true;
	dot = strchr(r->value, '.') ? strchr(r->value, '.') : r->value + strlen(r->value);
	if (strlen(r->value) != r->size || (size_t)(dot - r->value) >= sizeof(whole))
		return false;
	snprintf(whole, sizeof(whole), "%.*s", (int)(dot - r->value), r->value);
	if (!parse_decimal(whole, seconds) || (*dot && dot[1 + strspn(dot + 1, "0123456789")] != '\0'))
		return false;
	for (; *dot && *++dot && unit > 0; unit /= 10)
		fraction += unit * (*dot - '0');
	if (*whole == '-' && fraction > 0) {
		if (*seconds == INT64_MIN)
			return false;
		--*seconds;
		fraction = 1000000000 - fraction;
	}
	*nanoseconds = fraction;
	return true;
}

void
records_free(struct records *p)
{
	free(p->text);
	free(p->at);
	*p = (struct records){NULL, NULL, 0};
}
