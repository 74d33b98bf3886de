/*
 * reference.c - image references, by the grammar of distribution/reference
 * (regexp.go): [domain/]component(/component)*[:tag], at most 255 bytes of name.
 * The first component is a domain only if it holds '.', ':' or
 * an upper-case letter, or is "localhost".
 * Digest references (name@sha256:...) name no image that can be built or tagged
 * here and are refused; sha256:<64 hex> alone is an image's ID.
 */
#include <ctype.h>
#include <string.h>

#include "lib/lib.h"

static bool
lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* [a-z0-9]+((?:[._]|__|[-]+)[a-z0-9]+)* : its length, 0 where p is none. */
static size_t
component(const char *p)
{
	const char *start = p;

	for (;;) {
		const char *run = p;

		while (lower_or_digit(*p))
			p++;
		if (p == run)
			return 0;
		if (*p == '.')
			p++;
		else if (*p == '_')
			p += p[1] == '_' ? 2 : 1;
		else if (*p == '-')
			while (*p == '-')
				p++;
		else
			return (size_t)(p - start);
	}
}

/*
 * Is the '.' or '-' at p[n] inside of a host name? Labels neither start nor end with one ("xn--a" is fine).
 */
static bool
joins(const char *p, size_t n)
{
	if (n == 0 || (p[n] == '.' && p[n - 1] == '-'))
		return false;
	return isalnum((unsigned char)p[n + 1]) || (p[n] == '-' && p[n + 1] == '-');
}

/* host or [IPv6], with an optional port: its length, 0 where p is none. */
static size_t
domain(const char *p)
{
	size_t n;

	if (*p == '[') {
		n = strspn(p + 1, "0123456789abcdefABCDEF:");
		if (n == 0 || p[n + 1] != ']')
			return 0;
		n += 2;
	} else {
		for (n = 0; isalnum((unsigned char)p[n]) || p[n] == '.' || p[n] == '-'; n++)
			if (!isalnum((unsigned char)p[n]) && !joins(p, n))
				return 0;
	}
	if (n > 0 && p[n] == ':') {
		size_t digits = strspn(p + n + 1, "0123456789");

		if (digits == 0)
			return 0;
		n += 1 + digits;
	}
	return n;
}

static bool
is_domain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '.' || p[i] == ':' || isupper((unsigned char)p[i]))
			return true;
	return n == 9 && memcmp(p, "localhost", 9) == 0;
}

static bool
valid_tag(const char *p)
{
	size_t n = strlen(p);

	if (n == 0 || n > 128 || *p == '.' || *p == '-')
		return false;
	for (; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return true;
}

/*
 * Docker Hub's names of an image are one: "x" is what people say. The rest of a
 * name stands alone only where it still means the same: "a/b" is not Hub's
 * "library/a/b", nor "a.b/c" its "a.b/c".
 */
static const char *
without_hub(const char *p)
{
	static const char *const prefixes[] = {"docker.io/", "index.docker.io/"};
	const char *rest = p;
	size_t n;

	for (size_t i = 0; i < LENGTH(prefixes); i++)
		if (strncmp(p, prefixes[i], strlen(prefixes[i])) == 0)
			rest = p + strlen(prefixes[i]);
	if (rest != p && strncmp(rest, "library/", 8) == 0 && strchr(rest + 8, '/') == NULL)
		rest += 8;
	n = strcspn(rest, "/");
	return rest[n] == '/' && is_domain(rest, n) ? p : rest;
}

bool
parse_reference(const char *text, struct reference *r)
{
	const char *p, *path, *tag = "latest";
	size_t n;

	memset(r, 0, sizeof(*r));
	if (is_digest(text)) {
		r->is_id = true;
		memcpy(r->path, "image", sizeof("image"));
		return true;
	}
	text = without_hub(text);
	n = strspn(text, "0123456789abcdef");
	if (strncmp(text, "sha256:", 7) == 0 || (n == SHA256_HEX && text[n] == '\0'))
		return false; /* an ID, short or bare, is no name */
	p = path = text;
	n = strcspn(p, "/");
	if (p[n] == '/' && is_domain(p, n)) {
		if (domain(p) != n)
			return false;
		path = p = p + n + 1;
	}
	for (;;) {
		n = component(p);
		if (n == 0)
			return false;
		p += n;
		if (*p != '/')
			break;
		p++;
	}
	n = (size_t)(p - text);
	if (n > 255 || (*p != '\0' && (*p != ':' || !valid_tag(p + 1))))
		return false;
	if (*p == ':')
		tag = p + 1;
	memcpy(r->name, text, n);
	memcpy(r->path, path, (size_t)(p - path));
	memcpy(r->tag, tag, strlen(tag));
	return true;
}
