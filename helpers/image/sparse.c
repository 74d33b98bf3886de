/*
 * sparse.c - the maps of holes that GNU tar writes, by the rules of Go's archive/tar (reader.go:
 * readGNUSparse...).
 */
#include <stdlib.h>
#include <string.h>

#include "image/entry.h"

enum { BLOCK = 512, PIECES_MAX = 1 << 20, NUMBER_MAX = 20 };

static bool
bad_map(const struct entry_reader *r, char why[WHY])
{
	return fail(why, "'%.100s' has a damaged map of holes", r->entry.path);
}

static bool
add_piece(struct entry *e, int64_t offset, int64_t size)
{
	if (e->pieces == PIECES_MAX)
		return false;
	if ((e->pieces & (e->pieces - 1)) == 0)
		e->piece = xrealloc(e->piece, (e->pieces ? 2 * e->pieces : 1) * sizeof(*e->piece));
	e->piece[e->pieces++] = (struct piece){offset, size};
	return true;
}

/* Type 'S': four pieces in the header, 21 in each block that follows. */
bool
read_sparse_blocks(struct entry_reader *r, unsigned char *block, char why[WHY])
{
	const unsigned char *at = block + 386;
	int64_t offset = -1, size = -1;
	size_t count = 4;

	if (memcmp(block + 257, "ustar  ", 8) != 0 || !header_number(block + 483, 12, &r->entry.size))
		return bad_header(r, why);
	for (;;) {
		for (size_t i = 0; i < count && at[24 * i] != '\0'; i++)
			if (!header_number(at + 24 * i, 12, &offset) ||
			    !header_number(at + 24 * i + 12, 12, &size) ||
			    !add_piece(&r->entry, offset, size))
				return bad_map(r, why);
		if (at[24 * count] == '\0')
			return true;
		if (!read_bytes_of(r, block, BLOCK, why))
			return false;
		at = block;
		count = 21;
	}
}

/* Version 1.0: decimal numbers, each on a line, in blocks of their own before the bytes. */
struct map_reader {
	char block[BLOCK];
	size_t at;
};

static bool
next_number(struct entry_reader *r, struct map_reader *m, off_t end, int64_t *value, char why[WHY])
{
	char text[NUMBER_MAX + 1];
	size_t length = 0;

	for (;; m->at++) {
		if (m->at == BLOCK) {
			if (end - r->at < BLOCK)
				return bad_map(r, why);
			if (!read_bytes_of(r, m->block, BLOCK, why))
				return false;
			m->at = 0;
		}
		if (m->block[m->at] == '\n')
			break;
		if (length == NUMBER_MAX)
			return bad_map(r, why);
		text[length++] = m->block[m->at];
	}
	m->at++;
	text[length] = '\0';
	return (strlen(text) == length && parse_decimal(text, value)) || bad_map(r, why);
}

static bool
read_map_1_0(struct entry_reader *r, char why[WHY])
{
	off_t end = r->at + r->stored + (off_t)(-(uint64_t)r->stored % BLOCK);
	struct map_reader m = {.at = BLOCK};
	int64_t count = -1, offset = -1, size = -1;

	if (!next_number(r, &m, end, &count, why))
		return false;
	if (count < 0 || count > PIECES_MAX)
		return bad_map(r, why);
	while (count-- > 0) {
		if (!next_number(r, &m, end, &offset, why) || !next_number(r, &m, end, &size, why))
			return false;
		add_piece(&r->entry, offset, size);
	}
	r->data = r->at;
	return true;
}

/* Version 0.1: all numbers in one record, with commas. */
static bool
read_map_0_1(struct entry_reader *r, char why[WHY])
{
	const struct record *map = records_find(&r->pax, "GNU.sparse.map");
	int64_t count = -1, number[2] = {-1, -1};
	size_t numbers = 0;
	char text[NUMBER_MAX + 1];

	if (!records_number(&r->pax, "GNU.sparse.numblocks", &count) || count < 0)
		return bad_map(r, why);
	for (const char *at = map != NULL ? map->value : NULL; at != NULL; numbers++) {
		size_t length = strcspn(at, ",");

		if (length > NUMBER_MAX)
			return bad_map(r, why);
		memcpy(text, at, length);
		text[length] = '\0';
		if (!parse_decimal(text, &number[numbers % 2]) ||
		    (numbers % 2 == 1 && !add_piece(&r->entry, number[0], number[1])))
			return bad_map(r, why);
		at = at[length] == ',' ? at + length + 1 : NULL;
	}
	return numbers % 2 == 0 && r->entry.pieces == (size_t)count ? true : bad_map(r, why);
}

/* Version 0.0: pairs of records of the same names. */
static bool
read_map_0_0(struct entry_reader *r, char why[WHY])
{
	int64_t offset = -1, size = -1;

	for (size_t i = 0; i < r->pax.count; i++) {
		const struct record *record = &r->pax.at[i];
		bool first = strcmp(record->key, "GNU.sparse.offset") == 0;

		if (!first && strcmp(record->key, "GNU.sparse.numbytes") != 0)
			continue;
		if (first != (offset < 0) || !parse_decimal(record->value, first ? &offset : &size) ||
		    offset < 0)
			return bad_map(r, why);
		if (first)
			continue;
		if (!add_piece(&r->entry, offset, size))
			return bad_map(r, why);
		offset = -1;
	}
	return offset < 0 || bad_map(r, why);
}

static bool
has(const struct entry_reader *r, const char *key, const char *value)
{
	const struct record *record = records_find(&r->pax, key);

	return strcmp(record != NULL ? record->value : "", value) == 0;
}

bool
read_sparse_records(struct entry_reader *r, bool *sparse, char why[WHY])
{
	const struct record *name = records_find(&r->pax, "GNU.sparse.name");
	bool v1 = has(r, "GNU.sparse.major", "1") && has(r, "GNU.sparse.minor", "0");
	bool v0 = has(r, "GNU.sparse.major", "0") &&
		  (has(r, "GNU.sparse.minor", "0") || has(r, "GNU.sparse.minor", "1"));
	bool map = records_find(&r->pax, "GNU.sparse.map") != NULL;
	bool pairs = records_find(&r->pax, "GNU.sparse.offset") != NULL;
	bool unnamed = has(r, "GNU.sparse.major", "") && has(r, "GNU.sparse.minor", "");

	*sparse = v1 || v0 || (unnamed && (map || pairs));
	if (!*sparse)
		return true;
	if (name != NULL)
		r->entry.path = name->value;
	if (!records_number(
		&r->pax, records_find(&r->pax, "GNU.sparse.size") ? "GNU.sparse.size" : "GNU.sparse.realsize",
		&r->entry.size))
		return bad_map(r, why);
	return v1 ? read_map_1_0(r, why) : pairs ? read_map_0_0(r, why) : read_map_0_1(r, why);
}
