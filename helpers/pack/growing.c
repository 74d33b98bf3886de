/* growing.c - a file that is read again while it is written. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "pack/growing.h"

enum {
	PIECE = 1 << 18,       /* read at once */
	FOR_THE_DISK = 8 << 20 /* bytes between two requests that the disk begins with them */
};

struct growing {
	int fd;
	uint64_t size, asked; /* written; of that, what the disk was asked to take */
	uint32_t crc;         /* of what is behind the gap, or of all, where there is none */
	uint32_t crc_before;
	uint64_t gap, behind; /* where the gap begins, and what is behind it */
	size_t gap_size;      /* 0: there is none, or it is filled */

	pthread_mutex_t lock;
	pthread_cond_t more;
	uint64_t readable; /* from here on nothing is final yet */
	bool closed;
	pthread_t thread;
	bool threaded;
	struct hash *hash;
	char why[WHY]; /* "" while all could be read */
};

/* Where reading may go on to; at, where the file ends there. */
static uint64_t
wait_for_more(struct growing *g, uint64_t at)
{
	uint64_t to;

	pthread_mutex_lock(&g->lock);
	while (g->readable == at && !g->closed)
		pthread_cond_wait(&g->more, &g->lock);
	to = g->readable;
	pthread_mutex_unlock(&g->lock);
	return to;
}

static void *
read_again(void *growing)
{
	struct growing *g = growing;
	unsigned char *piece = xmalloc(PIECE);
	uint64_t at = 0, to;

	while (*g->why == '\0' && (to = wait_for_more(g, at)) > at)
		for (; at < to && *g->why == '\0';) {
			size_t n = to - at < PIECE ? (size_t)(to - at) : PIECE;

			if (read_at(g->fd, piece, n, (off_t)at))
				hash_update(g->hash, piece, n);
			else
				fail_errno(g->why, "cannot read again what was written");
			at += n;
		}
	free(piece);
	return NULL;
}

struct growing *
growing_new(int fd)
{
	struct growing *g = xmalloc(sizeof(*g));

	*g = (struct growing){.fd = fd, .crc = (uint32_t)crc32(0, NULL, 0), .hash = hash_new()};
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->more, NULL);
	g->threaded = pthread_create(&g->thread, NULL, read_again, g) == 0;
	return g;
}

/* All that is written, up to a gap, may be read. */
static void
tell(struct growing *g, bool closed)
{
	pthread_mutex_lock(&g->lock);
	g->readable = g->gap_size > 0 ? g->gap : g->size;
	g->closed = closed;
	pthread_cond_signal(&g->more);
	pthread_mutex_unlock(&g->lock);
}

/*
 * At least so many bytes that it was not asked to take: so that little is left to wait for when they are flushed. That it cannot be asked
 * is no fault.
 */
static void
ask_disk(struct growing *g, uint64_t least)
{
#ifdef SYNC_FILE_RANGE_WRITE
	if (g->size - g->asked < least)
		return;
	sync_file_range(g->fd, (off_t)g->asked, (off_t)(g->size - g->asked), SYNC_FILE_RANGE_WRITE);
#endif
	g->asked = g->size;
}

static bool
put(struct growing *g, const void *bytes, size_t size, char why[WHY])
{
	if (!write_all(g->fd, bytes, size))
		return fail_errno(why, "cannot write the machine");
	g->size += size;
	ask_disk(g, FOR_THE_DISK);
	tell(g, false);
	return true;
}

bool
growing_add(struct growing *g, const void *bytes, size_t size, uint32_t crc, char why[WHY])
{
	g->crc = (uint32_t)crc32_combine(g->crc, crc, (z_off_t)size);
	g->behind += size;
	return put(g, bytes, size, why);
}

bool
growing_gap(struct growing *g, size_t size, char why[WHY])
{
	static const char zeros[GAP_MOST];

	g->gap = g->size;
	g->gap_size = size;
	g->behind = 0;
	g->crc_before = g->crc;
	g->crc = (uint32_t)crc32(0, NULL, 0);
	return put(g, zeros, size, why);
}

bool
growing_fill(struct growing *g, const void *bytes, char why[WHY])
{
	uint32_t crc = (uint32_t)crc32(g->crc_before, bytes, (uInt)g->gap_size);

	if (pwrite(g->fd, bytes, g->gap_size, (off_t)g->gap) != (ssize_t)g->gap_size)
		return fail_errno(why, "cannot write the machine");
	g->crc = (uint32_t)crc32_combine(crc, g->crc, (z_off_t)g->behind);
	g->gap_size = 0;
	tell(g, false);
	return true;
}

uint64_t
growing_size(const struct growing *g)
{
	return g->size;
}

uint32_t
growing_crc(const struct growing *g)
{
	return g->crc;
}

bool
growing_end(struct growing *g, bool good, char sha256[SHA256_HEX + 1], char why[WHY])
{
	char digest[DIGEST];

	tell(g, true);
	if (g->threaded)
		pthread_join(g->thread, NULL);
	else if (good)
		read_again(g);
	hash_end(g->hash, digest);
	memcpy(sha256, digest_digits(digest), SHA256_HEX + 1);
	ask_disk(g, 0);
	if (good && *g->why != '\0')
		good = fail(why, "%s", g->why);
	if (close(g->fd) != 0 && good)
		good = fail_errno(why, "cannot write the machine");
	hash_free(g->hash);
	pthread_cond_destroy(&g->more);
	pthread_mutex_destroy(&g->lock);
	free(g);
	return good;
}
