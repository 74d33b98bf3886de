/* header.c - headers in GNU's format. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "image/header.h"

/* Where things are in a header, and how many extents one block and one that continues it have (GNU tar, src/tar.h: oldgnu_header). */
enum {
	AT_SIZE = 124,
	AT_CHECKSUM = 148,
	AT_TYPE = 156,
	AT_EXTENTS = 386,
	AT_EXTENDED = 482,
	AT_REAL_SIZE = 483,
	EXTENT = 24,
	FIRST_EXTENTS = 4,
	MORE_EXTENTS = 21,
	NUMBER = 12,
};

void
gnu_header(char block[TAR_BLOCK], const char *name, mode_t mode, uint64_t size)
{
	struct archive_entry *entry = archive_entry_new();
	struct archive *a = archive_write_new();
	size_t used = 0;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, 0, 0);
	archive_write_set_format_gnutar(a);
	archive_write_set_bytes_per_block(a, TAR_BLOCK);
	if (archive_write_open_memory(a, block, TAR_BLOCK, &used) != ARCHIVE_OK ||
	    archive_write_header(a, entry) != ARCHIVE_OK || used != TAR_BLOCK)
		die(EXIT_SYSTEM, "cannot make a header: %s", archive_error_string(a));
	archive_write_free(a); /* which would fill the file with zeros, had it the room */
	archive_entry_free(entry);
}

/* Eleven octal digits, or, from 8 GiB on, big-endian with the highest bit set. */
static void
put_number(char field[NUMBER], uint64_t n)
{
	if (n < UINT64_C(1) << 33) {
		char text[NUMBER + 12];

		snprintf(text, sizeof(text), "%011llo", (unsigned long long)n);
		memcpy(field, text, NUMBER);
		return;
	}
	for (int i = NUMBER - 1; i > 0; i--, n >>= 8)
		field[i] = (char)(n & 255);
	field[0] = (char)0x80;
}

static void
put_extent(char *field, const struct extent *e)
{
	put_number(field, e->offset);
	put_number(field + NUMBER, e->size);
}

static void
put_checksum(char block[TAR_BLOCK])
{
	char text[8];
	unsigned sum = 0;

	memset(block + AT_CHECKSUM, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(block + AT_CHECKSUM, text, 7); /* the NUL too, and a blank stays */
}

size_t
gnu_sparse_header(const char *name, uint64_t size, const struct extent *extent, size_t extents, char **text)
{
	size_t more = extents > FIRST_EXTENTS ? extents - FIRST_EXTENTS : 0,
	       blocks = 1 + (more + MORE_EXTENTS - 1) / MORE_EXTENTS;
	uint64_t stored = 0;
	char *block = xmalloc(blocks * TAR_BLOCK);

	memset(block, 0, blocks * TAR_BLOCK);
	gnu_header(block, name, S_IFREG | 0644, 0);
	for (size_t i = 0; i < extents; i++) {
		size_t k = i - FIRST_EXTENTS;

		stored += extent[i].size;
		if (i < FIRST_EXTENTS)
			put_extent(block + AT_EXTENTS + i * EXTENT, &extent[i]);
		else
			put_extent(block + (1 + k / MORE_EXTENTS) * TAR_BLOCK + k % MORE_EXTENTS * EXTENT,
				   &extent[i]);
	}
	for (size_t i = 1; i + 1 < blocks; i++)
		block[i * TAR_BLOCK + MORE_EXTENTS * EXTENT] = 1;
	block[AT_TYPE] = 'S';
	block[AT_EXTENDED] = (char)(blocks > 1);
	put_number(block + AT_SIZE, stored);
	put_number(block + AT_REAL_SIZE, size);
	put_checksum(block);
	*text = block;
	return blocks * TAR_BLOCK;
}
