/*
 * entry-write.c - the headers of an entry, for any reader.
 *
 * Names are bytes to whoever writes an image, so they stand in the header as they are; what that has no room
 * for is in a PAX header before it, and numbers in base 256 besides, for readers that know only the one or
 * the other.
 */
#include <stdlib.h>
#include <string.h>

#include "image/entry.h"

enum { BLOCK = 512 };

struct text {
	char *at;
	size_t size, room;
};

static void
add(struct text *t, const void *bytes, size_t size)
{
	if (size == 0)
		return;
	if (t->at == NULL || t->size + size > t->room) {
		t->room = (t->size + size) * 2 + BLOCK;
		t->at = xrealloc(t->at, t->room);
	}
	memcpy(t->at + t->size, bytes, size);
	t->size += size;
}

static void
fill_block(struct text *t)
{
	static const char zeros[BLOCK];

	add(t, zeros, -t->size % BLOCK);
}

/* Its length counts its own digits. */
static void
add_record(struct text *t, const char *key, const char *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, digits = 1;
	char start[32];

	while ((size_t)snprintf(start, sizeof(start), "%zu ", rest + digits) != digits + 1)
		digits++;
	add(t, start, strlen(start));
	add(t, key, strlen(key));
	add(t, "=", 1);
	add(t, value, size);
	add(t, "\n", 1);
}

static void
add_number(struct text *t, const char *key, int64_t value)
{
	char text[32];

	add_record(t, key, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

static bool
fits(int64_t value, size_t size)
{
	return value >= 0 && (uint64_t)value >> 3 * (size - 1) == 0;
}

/* In octal, with a NUL behind it, or in base 256. */
static void
put_number(unsigned char *field, size_t size, int64_t value)
{
	bool octal = fits(value, size);
	size_t digits = octal ? size - 1 : size;

	for (size_t i = digits; i-- > 0; value >>= octal ? 3 : 8)
		field[i] = (unsigned char)(octal ? '0' + (value & 7) : value & 0xff);
	if (!octal)
		field[0] = (unsigned char)(value < 0 ? 0xff : 0x80);
}

static void
add_time(struct text *t, const struct entry *e)
{
	char text[64];
	int n;

	if (e->seconds < 0 && e->nanoseconds > 0)
		n = snprintf(text, sizeof(text), "-%lld.%09ld", -(long long)(e->seconds + 1),
			     1000000000 - e->nanoseconds);
	else
		n = snprintf(text, sizeof(text), "%lld.%09ld", (long long)e->seconds, e->nanoseconds);
	if (e->nanoseconds == 0)
		n -= 10;
	add_record(t, "mtime", text, (size_t)n);
}

/* What a plain header cannot say. stored: bytes that follow the headers. */
static struct text
records_of(const struct entry *e, int64_t stored)
{
	struct text t = {NULL, 0, 0};
	char *key;

	if (e->sparse) {
		add_number(&t, "GNU.sparse.major", 1);
		add_number(&t, "GNU.sparse.minor", 0);
		add_record(&t, "GNU.sparse.name", e->path, strlen(e->path));
		add_number(&t, "GNU.sparse.realsize", e->size);
	} else if (strlen(e->path) > 100) {
		add_record(&t, "path", e->path, strlen(e->path));
	}
	if (e->link != NULL && strlen(e->link) > 100)
		add_record(&t, "linkpath", e->link, strlen(e->link));
	if (!fits(stored, 12))
		add_number(&t, "size", stored);
	if (!fits(e->uid, 8))
		add_number(&t, "uid", e->uid);
	if (!fits(e->gid, 8))
		add_number(&t, "gid", e->gid);
	if (!fits(e->seconds, 12) || e->nanoseconds != 0)
		add_time(&t, e);
	for (size_t i = 0; i < e->xattrs; i++) {
		key = format("SCHILY.xattr.%s", e->xattr[i].name);
		add_record(&t, key, e->xattr[i].value, e->xattr[i].size);
		free(key);
	}
	return t;
}

static void
add_header(struct text *t, const struct entry *e, char type, const char *path, int64_t size)
{
	unsigned char h[BLOCK] = {0};
	unsigned sum = 8 * ' ';

	memcpy(h, path, strnlen(path, 100));
	put_number(h + 100, 8, type == 'x' ? 0644 : e->mode);
	put_number(h + 108, 8, type == 'x' ? 0 : e->uid);
	put_number(h + 116, 8, type == 'x' ? 0 : e->gid);
	put_number(h + 124, 12, size);
	put_number(h + 136, 12, type == 'x' ? 0 : e->seconds);
	h[156] = (unsigned char)type;
	if (type != 'x' && e->link != NULL)
		memcpy(h + 157, e->link, strnlen(e->link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	if (type == '3' || type == '4') {
		put_number(h + 329, 8, e->major);
		put_number(h + 337, 8, e->minor);
	}
	for (size_t i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	h[155] = ' ';
	add(t, h, BLOCK);
}

/* Sparse version 1.0: how many pieces, then each one's offset and size. */
static struct text
map_of(const struct entry *e)
{
	struct text t = {NULL, 0, 0};
	char line[64];

	if (!e->sparse)
		return t;
	add(&t, line, (size_t)snprintf(line, sizeof(line), "%zu\n", e->pieces));
	for (size_t i = 0; i < e->pieces; i++)
		add(&t, line,
		    (size_t)snprintf(line, sizeof(line), "%lld\n%lld\n", (long long)e->piece[i].offset,
				     (long long)e->piece[i].size));
	fill_block(&t);
	return t;
}

size_t
entry_header(const struct entry *e, char **text)
{
	struct text t = {NULL, 0, 0}, map = map_of(e), records;
	int64_t stored = e->type == '0' && !e->sparse ? e->size : (int64_t)map.size;

	for (size_t i = 0; e->sparse && i < e->pieces; i++)
		stored += e->piece[i].size;
	records = records_of(e, stored);
	if (records.size > 0) {
		add_header(&t, e, 'x', "PaxHeader", (int64_t)records.size);
		add(&t, records.at, records.size);
		fill_block(&t);
	}
	add_header(&t, e, e->type, e->path, stored);
	add(&t, map.at, map.size);
	free(map.at);
	free(records.at);
	*text = t.at;
	return t.size;
}
