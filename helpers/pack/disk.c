/* disk.c - a template of a disk: where it is not zeros, and what is there. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/header.h"
#include "image/pour.h"
#include "pack/disk.h"

enum { HOLE = 4096 /* a block of ext4 */, EXTENTS_MAX = 1 << 16 };

struct disk {
	struct extent extent[EXTENTS_MAX + 1];
	size_t extents;
	uint64_t size; /* seen so far */
	int fd;        /* what is not a hole, one piece behind the other */
	unsigned char block[HOLE];
	size_t used;
};

static bool
is_hole(const unsigned char *block, size_t size)
{
	return block[0] == 0 && memcmp(block, block + 1, size - 1) == 0;
}

static bool
end_block(struct disk *d, char why[WHY])
{
	struct extent *last = d->extents > 0 ? &d->extent[d->extents - 1] : NULL;
	size_t n = d->used;

	d->used = 0;
	d->size += n;
	if (n == 0 || is_hole(d->block, n))
		return true;
	if (last != NULL && last->offset + last->size == d->size - n)
		last->size += n;
	else if (d->extents == EXTENTS_MAX)
		return fail(why, "it has too many holes");
	else
		d->extent[d->extents++] = (struct extent){d->size - n, n};
	return write_all(d->fd, d->block, n) || fail_errno(why, "cannot write a copy of it");
}

/* Whole blocks of zeros, which are nearly all of it, are not copied first. */
static bool
take_blocks(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct disk *d = arg;
	const unsigned char *from = bytes;

	while (size > 0) {
		size_t n = size < HOLE - d->used ? size : HOLE - d->used;

		if (d->used == 0 && n == HOLE && is_hole(from, HOLE))
			d->size += HOLE;
		else {
			memcpy(d->block + d->used, from, n);
			d->used += n;
			if (d->used == HOLE && !end_block(d, why))
				return false;
		}
		from += n;
		size -= n;
	}
	return true;
}

struct disk *
disk_read(const char *path, const char *folder, char why[WHY])
{
	struct disk *d = xmalloc(sizeof(*d));
	bool good;

	memset(d, 0, sizeof(*d));
	d->fd = unlinked_file(folder);
	good = d->fd >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);
	if (good && (path == NULL || (pour_decoded(path, take_blocks, d, why) && end_block(d, why))))
		return d;
	disk_free(d);
	return NULL;
}

uint64_t
disk_size(const struct disk *d)
{
	return d->size;
}

bool
disk_write(struct disk *d, const char *name, decoder_sink sink, void *arg, char why[WHY])
{
	static const char zeros[TAR_BLOCK];
	uint64_t stored = (uint64_t)lseek(d->fd, 0, SEEK_END);
	size_t size;
	char *text;
	bool good;

	if (d->size == 0)
		return true;
	/* a last piece without bytes says where the file ends, as GNU tar and smolvm have it (run: 1.32.2) */
	d->extent[d->extents] = (struct extent){d->size, 0};
	size = gnu_sparse_header(name, d->size, d->extent, d->extents + 1, &text);
	good = sink(arg, text, size, why) && pour(d->fd, 0, stored, sink, arg, why) &&
	       sink(arg, zeros, (size_t)(-stored % TAR_BLOCK), why);
	free(text);
	return good;
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}
