/*
 * json.c - JSON that others wrote, read as the engines read it.
 *
 * The engines are written in Go, whose encoding/json takes what jansson refuses: bytes that are not UTF-8 and
 * half surrogates in strings (each is U+FFFD there), \u0000, numbers of any size, and 10,000 levels of
 * nesting. An image whose config or labels hold such a thing runs, so it must be packed too. Such a text is
 * mended for the reading alone: what is hashed and served are the bytes as they came.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

enum { DEPTH_MAX = 1000 }; /* jansson refuses 2,048; nothing that is read here lies deeper than 5 */

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_ESCAPE "\\ufffd"

/* Text on its way from p to end, mended into at. */
struct mender {
	const unsigned char *p, *end;
	char *at;
	size_t count, room;
};

static void
put(struct mender *m, const void *bytes, size_t n)
{
	if (m->at == NULL || m->room - m->count < n) {
		m->room = 2 * m->room + n;
		m->at = xrealloc(m->at, m->room);
	}
	memcpy(m->at + m->count, bytes, n);
	m->count += n;
}

/* The next n bytes go on as they are. */
static void
copy(struct mender *m, size_t n)
{
	put(m, m->p, n);
	m->p += n;
}

/* Others go on in their place. */
static void
replace(struct mender *m, size_t n, const char *by)
{
	put(m, by, strlen(by));
	m->p += n;
}

/* How many bytes the character at p has; 0 where they are not UTF-8 (RFC 3629, table 3-7 of Unicode). */
static size_t
character(const unsigned char *p, const unsigned char *end)
{
	unsigned char first = p[0], low = 0x80, high = 0xbf;
	size_t n;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if ((size_t)(end - p) < n)
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* overlong */
	else if (first == 0xed)
		high = 0x9f; /* a surrogate */
	else if (first == 0xf0)
		low = 0x90; /* overlong */
	else if (first == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

/* The number of \uXXXX at p, -1 where there is none. */
static long
escape(const unsigned char *p, const unsigned char *end)
{
	char hex[5] = "";

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(hex, p + 2, 4);
	return strspn(hex, "0123456789abcdefABCDEF") == 4 ? strtol(hex, NULL, 16) : -1;
}

static void
mend_escape(struct mender *m)
{
	long code = escape(m->p, m->end), next;

	if (code < 0)
		copy(m, m->end - m->p < 2 ? 1 : 2); /* of another kind, or none: jansson knows */
	else if (code >= 0xd800 && code <= 0xdbff) {
		next = escape(m->p + 6, m->end);
		if (next >= 0xdc00 && next <= 0xdfff)
			copy(m, 12);
		else
			replace(m, 6, REPLACEMENT_ESCAPE);
	} else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff))
		replace(m, 6, REPLACEMENT_ESCAPE);
	else
		copy(m, 6);
}

/* A string, from its first quotation mark to its last. */
static void
mend_string(struct mender *m)
{
	copy(m, 1);
	while (m->p < m->end && *m->p != '"') {
		size_t n = character(m->p, m->end);

		if (*m->p == '\\')
			mend_escape(m);
		else if (n > 0)
			copy(m, n);
		else
			replace(m, 1, REPLACEMENT);
	}
	if (m->p < m->end)
		copy(m, 1);
}

/* A whole number that 64 bits do not hold becomes a real one; what a real one does not hold, the largest. */
static void
mend_number(struct mender *m)
{
	size_t n = 0;
	double value;
	char *text, *end;

	while (m->p + n < m->end && m->p[n] != '\0' && strchr("+-.0123456789eE", m->p[n]) != NULL)
		n++;
	text = format("%.*s", (int)n, (const char *)m->p);
	value = strtod(text, &end);
	if (*end == '\0' && (value == HUGE_VAL || value == -HUGE_VAL))
		replace(m, n, value < 0 ? "-1.7976931348623157e308" : "1.7976931348623157e308");
	else {
		copy(m, n);
		errno = 0;
		strtoll(text, &end, 10);
		if (*end == '\0' && errno == ERANGE)
			put(m, ".0", 2);
	}
	free(text);
}

/* A value that lies too deep: nobody looks there. */
static void
skip_value(struct mender *m)
{
	size_t depth = 0, before = m->count;

	do {
		if (*m->p == '"')
			mend_string(m);
		else {
			depth += *m->p == '[' || *m->p == '{';
			depth -= *m->p == ']' || *m->p == '}';
			m->p++;
		}
		m->count = before;
	} while (m->p < m->end && depth > 0);
	if (depth == 0)
		put(m, "null", 4);
}

static void
mend(struct mender *m)
{
	size_t depth = 0;

	while (m->p < m->end) {
		bool opens = *m->p == '[' || *m->p == '{', closes = *m->p == ']' || *m->p == '}';

		if (*m->p == '"')
			mend_string(m);
		else if (*m->p == '-' || (*m->p >= '0' && *m->p <= '9'))
			mend_number(m);
		else if (opens && depth == DEPTH_MAX)
			skip_value(m);
		else {
			depth += opens;
			depth -= closes && depth > 0;
			copy(m, 1);
		}
	}
}

json_t *
read_json(const char *text, size_t size, char why[WHY])
{
	struct mender m = {.p = (const unsigned char *)text, .end = (const unsigned char *)text + size};
	json_error_t error;
	json_t *root = json_loadb(text, size, 0, &error);

	if (root != NULL)
		return root;
	put(&m, "", 0);
	mend(&m);
	root = json_loadb(m.at, m.count, 0, &error);
	if (root == NULL)
		fail(why, "%.150s", error.text);
	free(m.at);
	return root;
}

json_t *
json_words(const char *text)
{
	struct mender m = {.p = (const unsigned char *)text,
			   .end = (const unsigned char *)text + strlen(text)};
	json_t *value;
	size_t n;

	while (m.p < m.end)
		if ((n = character(m.p, m.end)) > 0)
			copy(&m, n);
		else
			replace(&m, 1, REPLACEMENT);
	put(&m, "", 1);
	value = json_string(m.at);
	free(m.at);
	if (value == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return value;
}

const char *
json_text(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
