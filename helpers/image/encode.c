/*
 * encode.c - a stream of bytes, compressed.
 *
 * It becomes one zstd frame or one gzip member, never several of them one after the other, though that is
 * allowed: smolvm's zstd decoder (ruzstd) takes the end of the first frame for the end of the layer, and says
 * nothing (QUIRK_ONE_FRAME). libzstd splits its frame between threads itself; gzip is for the few old smolvms
 * that know no zstd, and is done by one.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/encode.h"

enum {
	LEVEL = 1,              /* of both: what follows is the loopback, not a modem */
	ZSTD_THREADS = 2,       /* a stream: more outrun the hash, and cost memory */
	PARALLEL_MIN = 4 << 20, /* bytes: threads are not worth their start for less */
	ZSTD_JOB = 512 << 10,   /* the least that libzstd gives a thread; it bounds memory */
	OUTPUT = 256 << 10,
};

struct encoder {
	enum coding coding;
	int out;
	struct hash *hash;
	uint64_t length; /* written so far */

	ZSTD_CCtx *zstd;
	z_stream gzip;
	unsigned char *output;
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
begin_gzip(struct encoder *c)
{
	c->output = xmalloc(OUTPUT);
	/* zlib's header has no time and no name: the same bytes in are the same bytes out */
	if (deflateInit2(&c->gzip, LEVEL, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		die(EXIT_SYSTEM, "out of memory");
}

static bool
add_gzip(struct encoder *c, const void *bytes, size_t size, int mode, char why[WHY])
{
	z_stream *z = &c->gzip;
	int rc;

	if (size > UINT_MAX)
		return fail(why, "cannot compress %zu bytes at once", size);
	z->next_in = (unsigned char *)bytes;
	z->avail_in = (uInt)size;
	do {
		z->next_out = c->output;
		z->avail_out = OUTPUT;
		rc = deflate(z, mode);
		if (rc == Z_STREAM_ERROR)
			return fail(why, "cannot compress it: zlib is called wrongly");
		if (!put(c, c->output, OUTPUT - z->avail_out, why))
			return false;
	} while (mode == Z_FINISH ? rc != Z_STREAM_END : z->avail_in > 0);
	return true;
}

struct encoder *
encoder_new(enum coding coding, uint64_t size, int out)
{
	struct encoder *c = xmalloc(sizeof(*c));

	*c = (struct encoder){.coding = coding, .out = out, .hash = hash_new()};
	if (coding == ZSTD)
		begin_zstd(c, size);
	if (coding == GZIP)
		begin_gzip(c);
	return c;
}

void
encoder_level(struct encoder *c, int level)
{
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level);
}

size_t
encode_small(const void *bytes, size_t size, void *to, size_t room)
{
	size_t length = ZSTD_compress(to, room, bytes, size, LEVEL);

	if (ZSTD_isError(length))
		die(EXIT_SYSTEM, "cannot compress %zu bytes: %s", size, ZSTD_getErrorName(length));
	return length;
}

/* RFC 8878, 3.1.1: magic number, a descriptor (single segment, four bytes of content size), that size, one raw and last block. */
size_t
encode_stored(const void *bytes, size_t size, void *to)
{
	unsigned char *at = to;

	put_little(at, ZSTD_MAGICNUMBER, 4);
	at[4] = 2 << 6 | 1 << 5;
	put_little(at + 5, size, 4);
	put_little(at + 9, size << 3 | 1, 3);
	memcpy(at + STORED_FRAME, bytes, size);
	return STORED_FRAME + size;
}

bool
encoder_add(struct encoder *c, const void *bytes, size_t size, char why[WHY])
{
	switch (c->coding) {
	case ZSTD:
		return add_zstd(c, bytes, size, ZSTD_e_continue, why);
	case GZIP:
		return add_gzip(c, bytes, size, Z_NO_FLUSH, why);
	case PLAIN:
	case FRAMES:
	case BEGINNING:
		break;
	}
	return put(c, bytes, size, why);
}

bool
encoder_end(struct encoder *c, char digest[DIGEST], uint64_t *length, char why[WHY])
{
	if (c->coding == ZSTD && !add_zstd(c, NULL, 0, ZSTD_e_end, why))
		return false;
	if (c->coding == GZIP && !add_gzip(c, NULL, 0, Z_FINISH, why))
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
	if (c->coding == GZIP)
		deflateEnd(&c->gzip);
	ZSTD_freeCCtx(c->zstd);
	free(c->output);
	hash_free(c->hash);
	free(c);
}
