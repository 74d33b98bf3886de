/*
 * encode.c - a stream of bytes, compressed on several processors.
 *
 * What comes out is one zstd frame or one gzip member, never several of them one
 * after the other, though that would be simpler and is allowed: smolvm's zstd
 * decoder (ruzstd) takes the end of the first frame for the end of the layer, and
 * says nothing. So libzstd splits its frame itself; for gzip, blocks are deflated
 * each on its own, ended on a byte, and put behind one another as pigz does it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/encode.h"

enum {
	LEVEL = 1,        /* of both: what follows is the loopback, not a modem */
	ZSTD_THREADS = 2, /* a stream: more outrun the hash, and cost memory */
	GZIP_THREADS = 4,
	PARALLEL_MIN = 4 << 20, /* bytes: threads are not worth their start for less */
	ZSTD_JOB = 512 << 10,   /* the least that libzstd gives a thread; it bounds memory */
	OUTPUT = 256 << 10,
	BLOCK = 256 << 10,
	BLOCK_OUTPUT = BLOCK + BLOCK / 8, /* more than deflate makes of the worst input */
};

struct block {
	z_stream z;
	uLong crc;
	size_t used, made;
	unsigned char input[BLOCK], output[BLOCK_OUTPUT];
};

struct encoder {
	enum coding coding;
	int out;
	struct hash *hash;
	uint64_t length; /* written so far */

	ZSTD_CCtx *zstd;
	unsigned char *output;

	struct block *block; /* gzip: a row of them is filled, then deflated together */
	size_t blocks, filling;
	uLong crc;
	uint32_t plain; /* bytes that came, as far as gzip counts */
};

unsigned
processors(unsigned most)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n < (long)most ? (unsigned)n : most;
}

static bool
put(struct encoder *c, const void *bytes, size_t size, char why[WHY])
{
	hash_update(c->hash, bytes, size);
	c->length += size;
	return write_all(c->out, bytes, size) || fail_errno(why, "cannot write it compressed");
}

static void
begin_zstd(struct encoder *c, uint64_t size)
{
	c->output = xmalloc(OUTPUT);
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		die(EXIT_SYSTEM, "out of memory");
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, LEVEL);
	if (size < PARALLEL_MIN)
		return;
	/* A libzstd without threads refuses these, and works all the same. */
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_nbWorkers, (int)processors(ZSTD_THREADS));
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_jobSize, ZSTD_JOB);
}

static bool
add_zstd(struct encoder *c, const void *bytes, size_t size, ZSTD_EndDirective mode, char why[WHY])
{
	ZSTD_inBuffer in = {bytes, size, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {c->output, OUTPUT, 0};

		left = ZSTD_compressStream2(c->zstd, &out, &in, mode);
		if (ZSTD_isError(left))
			return fail(why, "cannot compress it: %.100s", ZSTD_getErrorName(left));
		if (!put(c, c->output, out.pos, why))
			return false;
	} while (mode == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return true;
}

static void
begin_gzip(struct encoder *c, uint64_t size)
{
	c->blocks = size < PARALLEL_MIN ? 1 : processors(GZIP_THREADS);
	c->block = xmalloc(c->blocks * sizeof(*c->block));
	for (size_t i = 0; i < c->blocks; i++) {
		c->block[i].z = (z_stream){0};
		c->block[i].used = 0;
		if (deflateInit2(&c->block[i].z, LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
		    Z_OK)
			die(EXIT_SYSTEM, "out of memory");
	}
}

static void *
deflate_block(void *arg)
{
	struct block *b = arg;
	z_stream *z = &b->z;

	deflateReset(z);
	z->next_in = b->input;
	z->avail_in = (uInt)b->used;
	z->next_out = b->output;
	z->avail_out = sizeof(b->output);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in > 0 || z->avail_out == 0)
		die(EXIT_SYSTEM, "zlib cannot deflate a block");
	b->made = sizeof(b->output) - z->avail_out;
	b->crc = crc32(0, b->input, (uInt)b->used);
	return NULL;
}

/* A thread costs 20 us and a block some milliseconds: no pool is kept for that. */
static void
deflate_blocks(struct encoder *c, size_t count)
{
	pthread_t thread[GZIP_THREADS];
	bool started[GZIP_THREADS] = {false};

	for (size_t i = 1; i < count; i++)
		started[i] = pthread_create(&thread[i], NULL, deflate_block, &c->block[i]) == 0;
	for (size_t i = 0; i < count; i++)
		if (started[i])
			pthread_join(thread[i], NULL);
		else
			deflate_block(&c->block[i]);
}

static bool
put_blocks(struct encoder *c, char why[WHY])
{
	/* No time, no name: the same bytes in are the same bytes out. */
	static const unsigned char header[10] = {0x1f, 0x8b, Z_DEFLATED, [8] = 4 /* fastest */, 255};
	size_t count = c->filling < c->blocks && c->block[c->filling].used > 0 ? c->filling + 1 : c->filling;

	if (c->length == 0 && !put(c, header, sizeof(header), why))
		return false;
	deflate_blocks(c, count);
	c->filling = 0;
	for (size_t i = 0; i < count; i++) {
		struct block *b = &c->block[i];

		c->crc = crc32_combine(c->crc, b->crc, (z_off_t)b->used);
		c->plain += (uint32_t)b->used;
		b->used = 0;
		if (!put(c, b->output, b->made, why))
			return false;
	}
	return true;
}

static bool
add_gzip(struct encoder *c, const void *bytes, size_t size, char why[WHY])
{
	const unsigned char *p = bytes;

	while (size > 0) {
		struct block *b = &c->block[c->filling];
		size_t n = size < BLOCK - b->used ? size : BLOCK - b->used;

		memcpy(b->input + b->used, p, n);
		b->used += n;
		p += n;
		size -= n;
		if (b->used == BLOCK && ++c->filling == c->blocks && !put_blocks(c, why))
			return false;
	}
	return true;
}

/* The rest, an empty last block, and what gzip wants behind it. */
static bool
end_gzip(struct encoder *c, char why[WHY])
{
	unsigned char end[10] = {0x03, 0x00};

	if (!put_blocks(c, why))
		return false;
	for (size_t i = 0; i < 4; i++) {
		end[2 + i] = (unsigned char)(c->crc >> (8 * i));
		end[6 + i] = (unsigned char)(c->plain >> (8 * i));
	}
	return put(c, end, sizeof(end), why);
}

struct encoder *
encoder_new(enum coding coding, uint64_t size, int out)
{
	struct encoder *c = xmalloc(sizeof(*c));

	*c = (struct encoder){.coding = coding, .out = out, .hash = hash_new(), .crc = crc32(0, NULL, 0)};
	if (coding == ZSTD)
		begin_zstd(c, size);
	if (coding == GZIP)
		begin_gzip(c, size);
	return c;
}

bool
encoder_add(struct encoder *c, const void *bytes, size_t size, char why[WHY])
{
	switch (c->coding) {
	case ZSTD:
		return add_zstd(c, bytes, size, ZSTD_e_continue, why);
	case GZIP:
		return add_gzip(c, bytes, size, why);
	case PLAIN:
		break;
	}
	return put(c, bytes, size, why);
}

bool
encoder_end(struct encoder *c, char digest[DIGEST], uint64_t *length, char why[WHY])
{
	if (c->coding == ZSTD && !add_zstd(c, NULL, 0, ZSTD_e_end, why))
		return false;
	if (c->coding == GZIP && !end_gzip(c, why))
		return false;
	hash_end(c->hash, digest);
	*length = c->length;
	return true;
}

void
encoder_free(struct encoder *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->blocks; i++)
		deflateEnd(&c->block[i].z);
	free(c->block);
	ZSTD_freeCCtx(c->zstd);
	free(c->output);
	hash_free(c->hash);
	free(c);
}
