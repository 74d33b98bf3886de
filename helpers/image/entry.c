/*
 * entry.c - the entries of a layer, read as Go's archive/tar reads them (reader.go: next, readHeader,
 * mergePAX).
 */
#include <stdlib.h>
#include <string.h>

#include "image/entry.h"

enum {
	BLOCK = 512,
	SPECIAL_MAX = 1 << 20, /* bytes of one extended header or long name, as archive/tar has it */
	XATTRS_MAX = 1000,     /* Linux keeps 64 KiB of names a file */
};

static void
forget(struct entry_reader *r)
{
	free(r->entry.xattr);
	free(r->entry.piece);
	free(r->long_path);
	free(r->long_link);
	free(r->path);
	free(r->link);
	r->entry.xattr = NULL;
	r->entry.piece = NULL;
	r->long_path = r->long_link = r->path = r->link = NULL;
	records_free(&r->pax);
}

void
entry_reader_at(struct entry_reader *r, int fd, off_t start, off_t end)
{
	forget(r);
	*r = (struct entry_reader){.fd = fd, .at = start, .end = end};
}

bool
bad_header(const struct entry_reader *r, char why[WHY])
{
	return fail(why, "damaged tar header at byte %lld", (long long)r->at);
}

bool
read_bytes_of(struct entry_reader *r, void *bytes, size_t size, char why[WHY])
{
	if (size > (uint64_t)(r->end - r->at))
		return fail(why, "the tar archive ends too early");
	if (!read_at(r->fd, bytes, size, r->at))
		return fail_errno(why, "cannot read it");
	r->at += (off_t)size;
	return true;
}

bool
header_number(const unsigned char *field, size_t size, int64_t *value)
{
	unsigned char flip = (field[0] & 0x40) != 0 ? 0xff : 0;
	uint64_t n = 0;

	if ((field[0] & 0x80) != 0) {
		for (size_t i = 0; i < size; i++) {
			unsigned char byte = (unsigned char)((field[i] ^ flip) & (i == 0 ? 0x7f : 0xff));

			if (n >> 56 != 0)
				return false;
			n = n << 8 | byte;
		}
		*value = flip != 0 ? (int64_t)~n : (int64_t)n;
		return n >> 63 == 0;
	}
	while (size > 0 && (*field == ' ' || *field == '\0'))
		field++, size--;
	while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
		size--;
	for (; size > 0 && *field != '\0'; field++, size--) {
		if (*field < '0' || *field > '7' || n >> 60 != 0)
			return false;
		n = n << 3 | (unsigned)(*field - '0');
	}
	*value = (int64_t)n;
	return true;
}

static bool
check_sum(const unsigned char *block)
{
	int64_t claimed, plain = 0, with_sign = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		unsigned char byte = i >= 148 && i < 156 ? ' ' : block[i];

		plain += byte;
		with_sign += (signed char)byte;
	}
	return header_number(block + 148, 8, &claimed) && (claimed == plain || claimed == with_sign);
}

static char *
text_of(const unsigned char *field, size_t size)
{
	return format("%.*s", (int)size, (const char *)field);
}

/* The name, behind what ustar and star have of it in another place. */
static char *
header_path(const unsigned char *block)
{
	char *name = text_of(block, 100), *prefix = NULL, *path;

	if (memcmp(block + 257, "ustar\0", 6) == 0)
		prefix = text_of(block + 345, memcmp(block + 508, "tar\0", 4) == 0 ? 131 : 155);
	path = prefix != NULL && *prefix != '\0' ? format("%s/%s", prefix, name) : xstrdup(name);
	free(prefix);
	free(name);
	return path;
}

/* What the block says without any extended header. */
static bool
read_block(struct entry_reader *r, char why[WHY])
{
	const unsigned char *b = r->block;
	bool old = memcmp(b + 257, "ustar\0", 6) != 0 && memcmp(b + 257, "ustar  \0", 8) != 0;
	struct entry *e = &r->entry;
	int64_t mode;

	if (!check_sum(b) || !header_number(b + 100, 8, &mode) || !header_number(b + 108, 8, &e->uid) ||
	    !header_number(b + 116, 8, &e->gid) || !header_number(b + 124, 12, &e->size) ||
	    !header_number(b + 136, 12, &e->seconds))
		return bad_header(r, why);
	if (!old && (!header_number(b + 329, 8, &e->major) || !header_number(b + 337, 8, &e->minor)))
		return bad_header(r, why);
	e->mode = (unsigned)mode & 07777;
	e->type = (char)b[156];
	return true;
}

/* The end is two blocks of zeros, or where nothing more is. */
static enum found
next_block(struct entry_reader *r, char why[WHY])
{
	static const unsigned char zeros[BLOCK];

	if (r->at == r->end)
		return END;
	if (!read_bytes_of(r, r->block, BLOCK, why))
		return BROKEN;
	if (memcmp(r->block, zeros, BLOCK) != 0)
		return ENTRY;
	if (r->at == r->end)
		return END;
	if (!read_bytes_of(r, r->block, BLOCK, why))
		return BROKEN;
	if (memcmp(r->block, zeros, BLOCK) == 0)
		return END;
	bad_header(r, why);
	return BROKEN;
}

/* What a header says about the next: all of it, with a NUL behind. NULL: why says why not. */
static char *
read_special(struct entry_reader *r, size_t *size, char why[WHY])
{
	int64_t n = r->entry.size;
	char *text;

	if (n < 0 || n > SPECIAL_MAX) {
		fail(why, "an extended header of %lld bytes", (long long)n);
		return NULL;
	}
	*size = (size_t)n;
	text = xmalloc(*size + 1);
	text[*size] = '\0';
	if (!read_bytes_of(r, text, *size, why)) {
		free(text);
		return NULL;
	}
	r->at += (off_t)(-(uint64_t)n % BLOCK);
	return text;
}

static bool
merge_xattrs(struct entry_reader *r, char why[WHY])
{
	static const char prefix[] = "SCHILY.xattr.";
	struct entry *e = &r->entry;

	for (size_t i = 0; i < r->pax.count; i++) {
		const struct record *record = &r->pax.at[i];
		const char *name = record->key + strlen(prefix);
		size_t k = 0;

		if (strncmp(record->key, prefix, strlen(prefix)) != 0)
			continue;
		while (k < e->xattrs && strcmp(e->xattr[k].name, name) != 0)
			k++;
		if (k == XATTRS_MAX)
			return fail(why, "more than %d extended attributes", XATTRS_MAX);
		if (k == e->xattrs)
			e->xattr = xrealloc(e->xattr, ++e->xattrs * sizeof(*e->xattr));
		e->xattr[k] = (struct xattr){name, record->value, record->size};
	}
	for (size_t i = e->xattrs; i-- > 0;) /* the last one was empty: it undoes those before */
		if (e->xattr[i].size == 0)
			memmove(&e->xattr[i], &e->xattr[i + 1], (--e->xattrs - i) * sizeof(*e->xattr));
	return true;
}

static bool
merge_records(struct entry_reader *r, char why[WHY])
{
	const struct record *path = records_find(&r->pax, "path"), *link = records_find(&r->pax, "linkpath");
	struct entry *e = &r->entry;
	int64_t seconds;
	long nanoseconds;

	if (path != NULL)
		e->path = path->value;
	if (link != NULL)
		e->link = link->value;
	if (r->long_path != NULL && *r->long_path != '\0')
		e->path = r->long_path;
	if (r->long_link != NULL && *r->long_link != '\0')
		e->link = r->long_link;
	if (!records_number(&r->pax, "uid", &e->uid) || !records_number(&r->pax, "gid", &e->gid) ||
	    !records_number(&r->pax, "size", &e->size) ||
	    !records_time(&r->pax, "mtime", &e->seconds, &e->nanoseconds) ||
	    !records_time(&r->pax, "atime", &seconds, &nanoseconds) ||
	    !records_time(&r->pax, "ctime", &seconds, &nanoseconds))
		return fail(why, "'%.100s' has a damaged PAX header", e->path);
	return merge_xattrs(r, why);
}

/* The files' own types; contiguous files and other people's are nothing that an engine extracts. */
static bool
check_type(struct entry *e, char why[WHY])
{
	if (e->type == '\0')
		e->type = *e->path != '\0' && e->path[strlen(e->path) - 1] == '/' ? '5' : '0';
	if (e->type != 'S' && (e->type < '0' || e->type > '6'))
		return fail(why, "'%.100s' is of a type that no engine extracts: %d", e->path, e->type);
	if ((e->type == '1' || e->type == '2') && *e->link == '\0')
		return fail(why, "'%.100s' is a %s link without a target", e->path,
			    e->type == '1' ? "hard" : "symbolic");
	return true;
}

/* In their order, within the file, and as many bytes as are there. */
static bool
check_pieces(const struct entry_reader *r)
{
	int64_t end = 0, left = r->stored;

	for (size_t i = 0; i < r->entry.pieces; i++) {
		const struct piece *p = &r->entry.piece[i];

		if (p->offset < end || p->size < 0 || p->size > left || p->offset > INT64_MAX - p->size)
			return false;
		left -= p->size;
		end = p->offset + p->size;
	}
	return left == 0 && end <= r->entry.size;
}

/* Where its bytes lie, and which of the file they are. */
static bool
place_content(struct entry_reader *r, char why[WHY])
{
	struct entry *e = &r->entry;
	bool file = e->type == '0' || e->type == 'S';
	off_t start;

	if (file && e->size < 0)
		return fail(why, "'%.100s' claims to have %lld bytes", e->path, (long long)e->size);
	r->stored = file ? e->size : 0;
	if (e->type == 'S' && !read_sparse_blocks(r, r->block, why))
		return false;
	start = r->data = r->at;
	e->sparse = e->type == 'S';
	if (!r->bare && r->stored > r->end - start)
		return fail(why, "the tar archive ends within '%.100s'", e->path);
	if (e->type == '0' && !read_sparse_records(r, &e->sparse, why))
		return false;
	r->at = r->bare ? r->data : start + r->stored + (off_t)(-(uint64_t)r->stored % BLOCK);
	r->stored -= r->data - start; /* a map of holes stands before the bytes */
	if (e->sparse && !check_pieces(r))
		return fail(why, "'%.100s' has a damaged map of holes", e->path);
	if (e->type == 'S')
		e->type = '0';
	if (e->type != '0')
		e->size = 0;
	return true;
}

/* A header that says something about the next one, or about none. */
static bool
read_about_next(struct entry_reader *r, char why[WHY])
{
	struct records ignored = {NULL, NULL, 0};
	char type = r->entry.type, **where = type == 'L' ? &r->long_path : &r->long_link, *text;
	size_t size;
	bool good;

	text = read_special(r, &size, why);
	if (text == NULL)
		return false;
	if (type == 'x')
		return records_parse(&r->pax, text, size, why);
	if (type != 'g') {
		free(*where);
		*where = text;
		return true;
	}
	/* The engines skip headers for all entries; archive/tar forgets what stood before one. */
	good = records_parse(&ignored, text, size, why);
	records_free(&ignored);
	forget(r);
	r->header = r->at;
	return good;
}

static bool
read_entry(struct entry_reader *r, char why[WHY])
{
	r->path = header_path(r->block);
	r->link = text_of(r->block + 157, 100);
	r->entry.path = r->path;
	r->entry.link = r->link;
	return merge_records(r, why) && check_type(&r->entry, why) && place_content(r, why);
}

enum found
entry_next(struct entry_reader *r, char why[WHY])
{
	enum found found;

	forget(r);
	r->header = r->at;
	for (;;) {
		r->entry = (struct entry){.type = 0};
		found = next_block(r, why);
		if (found != ENTRY)
			return found;
		if (!read_block(r, why))
			return BROKEN;
		if (r->entry.type == '\0' || strchr("xgLK", r->entry.type) == NULL)
			return read_entry(r, why) ? ENTRY : BROKEN;
		if (!read_about_next(r, why))
			return BROKEN;
	}
}

void
entry_reader_free(struct entry_reader *r)
{
	forget(r);
	r->entry = (struct entry){.type = 0};
}
