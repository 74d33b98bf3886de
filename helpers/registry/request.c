/*
 * request.c - what a client of the registry asks for.
 *
 * Whatever is not of the grammar below is nothing that we have, so it is not told
 * apart any further: a name or digest that passes is still only looked up in a table.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registry/request.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* All of s to end, if it is not empty, has room and is made of set. */
static bool
take(char *to, size_t room, const char *s, const char *end, const char *set)
{
	size_t n = (size_t)(end - s);

	if (n == 0 || n >= room || strspn(s, set) < n)
		return false;
	memcpy(to, s, n);
	to[n] = '\0';
	return true;
}

/* The last slash before end; NULL. */
static const char *
slash_before(const char *start, const char *end)
{
	while (end > start)
		if (*--end == '/')
			return end;
	return NULL;
}

static bool
is_word(const char *s, const char *end, const char *word)
{
	size_t n = (size_t)(end - s);

	return n == strlen(word) && memcmp(s, word, n) == 0;
}

/* /v2/<name>/blobs/uploads/ asks for an upload, and what follows that is one. */
static void
parse_upload(const char *name, const char *uploads, const char *after, const char *end, struct target *r)
{
	const char *blobs = slash_before(name, uploads);

	if (blobs == NULL || !is_word(blobs + 1, uploads, "blobs") ||
	    !take(r->name, sizeof(r->name), name, blobs, LOWER DIGITS "._-/"))
		return;
	if (after + 1 == end)
		r->kind = UPLOADS;
	else if (take(r->reference, sizeof(r->reference), after + 1, end, LOWER DIGITS))
		r->kind = UPLOAD;
}

void
parse_target(const char *path, struct target *r)
{
	static const char root[] = "/v2/";
	const char *name, *end, *before, *after;

	*r = (struct target){.kind = NOWHERE};
	if (strncmp(path, root, strlen(root)) != 0)
		return;
	name = path + strlen(root);
	end = name + strlen(name);
	if (name == end) {
		r->kind = ROOT;
		return;
	}
	after = slash_before(name, end);
	before = after ? slash_before(name, after) : NULL;
	if (before != NULL && is_word(before + 1, after, "uploads")) {
		parse_upload(name, before, after, end, r);
		return;
	}
	if (before == NULL || !take(r->name, sizeof(r->name), name, before, LOWER DIGITS "._-/") ||
	    !take(r->reference, sizeof(r->reference), after + 1, end, LOWER UPPER DIGITS "_.-:"))
		return;
	r->by_digest = is_digest(r->reference);
	if (is_word(before + 1, after, "manifests"))
		r->kind = MANIFEST;
	else if (is_word(before + 1, after, "blobs"))
		r->kind = BLOB;
	else if (is_word(before + 1, after, "tags") && strcmp(r->reference, "list") == 0)
		r->kind = TAGS;
}

/* Decimal digits: how many, 0 where there are none or too large a number. */
static size_t
digits(const char *s, uint64_t *n)
{
	size_t used = 0;

	for (*n = 0; s[used] >= '0' && s[used] <= '9'; used++) {
		unsigned digit = (unsigned)(s[used] - '0');

		if (*n > (UINT64_MAX - digit) / 10)
			return 0;
		*n = *n * 10 + digit;
	}
	return used;
}

void
parse_range(const char *value, uint64_t size, struct range *r)
{
	static const char unit[] = "bytes=";
	uint64_t first, last = UINT64_MAX;
	size_t n;

	*r = (struct range){.kind = RANGE_WHOLE, .count = size};
	if (value == NULL || strncasecmp(value, unit, strlen(unit)) != 0)
		return;
	value += strlen(unit);
	n = digits(value, &first);
	if (value[n] != '-')
		return;
	value += n + 1;
	if (n > 0 && *value != '\0') {
		size_t m = digits(value, &last);

		if (m == 0 || value[m] != '\0' || last < first)
			return;
	} else if (n == 0) {
		uint64_t suffix;
		size_t m = digits(value, &suffix);

		if (m == 0 || value[m] != '\0')
			return;
		first = suffix == 0 ? size : suffix < size ? size - suffix : 0;
	}
	if (first >= size) {
		*r = (struct range){.kind = RANGE_UNSATISFIABLE};
		return;
	}
	if (last > size - 1)
		last = size - 1;
	*r = (struct range){.kind = RANGE_PART, .first = first, .count = last - first + 1};
}

bool
parse_span(const char *value, uint64_t *first, uint64_t *count)
{
	uint64_t last;
	size_t n = digits(value, first), m;

	if (n == 0 || value[n] != '-')
		return false;
	m = digits(value + n + 1, &last);
	if (m == 0 || value[n + 1 + m] != '\0' || last < *first || last - *first == UINT64_MAX)
		return false;
	*count = last - *first + 1;
	return true;
}

uint64_t
parse_length(const char *value)
{
	uint64_t n = 0;

	if (value != NULL && value[digits(value, &n)] != '\0')
		n = 0;
	return n;
}

bool
digest_parameter(const char *value, char digest[DIGEST])
{
	static const char word[] = "sha256";
	size_t n = strlen(word);

	if (value == NULL || strncmp(value, word, n) != 0)
		return false;
	value += n;
	n = *value == ':' ? 1 : strncasecmp(value, "%3a", 3) == 0 ? 3 : 0;
	return n > 0 && digest_of_hex(value + n, "", digest);
}

bool
names_etag(const char *value, const char *digest)
{
	size_t n = strlen(digest);

	if (strcmp(value, "*") == 0)
		return true;
	while ((value = strchr(value, '"')) != NULL) {
		size_t length = strcspn(++value, "\"");

		if (value[length] == '\0')
			return false;
		if (length == n && memcmp(value, digest, n) == 0)
			return true;
		value += length + 1;
	}
	return false;
}
