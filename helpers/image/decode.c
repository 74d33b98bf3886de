/*
 * decode.c - a stream of bytes whose compression is undone as they come.
 *
 * Several gzip members or zstd frames, skippable frames among them, one behind the
 * other, are one stream. Zeros behind the last of them are padding, as they are to
 * gzip; anything else there is refused, as Go's compress/gzip and with it the
 * engines do.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "image/decode.h"

enum { OUTPUT = 256 << 10, GZIP_MAGIC = 2 };

struct decoder {
	enum coding coding;
	decoder_sink sink;
	void *arg;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool between;    /* the last piece is whole: the data may end here */
	bool padded;     /* zeros have come behind it */
	unsigned pieces; /* gzip members or zstd frames that have begun */
	unsigned char output[OUTPUT];
};

bool
tell_coding(const unsigned char *start, size_t size, enum coding *coding)
{
	static const unsigned char gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd},
				   skippable[] = {0x2a, 0x4d, 0x18}, zeros[MAGIC];

	*coding = PLAIN;
	if (size >= sizeof(gzip) && memcmp(start, gzip, sizeof(gzip)) == 0)
		*coding = GZIP;
	else if (size >= sizeof(zstd) &&
		 (memcmp(start, zstd, sizeof(zstd)) == 0 ||
		  ((start[0] & 0xf0) == 0x50 && memcmp(start + 1, skippable, sizeof(skippable)) == 0)))
		*coding = ZSTD;
	else
		return size >= MAGIC &&
		       (memcmp(start + 257, "ustar", 5) == 0 || memcmp(start, zeros, MAGIC) == 0);
	return true;
}

struct decoder *
decoder_new(enum coding coding, decoder_sink sink, void *arg)
{
	struct decoder *d = xmalloc(sizeof(*d));

	d->coding = coding;
	d->sink = sink;
	d->arg = arg;
	d->gzip = (z_stream){0};
	d->zstd = NULL;
	d->between = coding == PLAIN;
	d->padded = false;
	d->pieces = coding == PLAIN ? 0 : 1;
	if (coding == GZIP && inflateInit2(&d->gzip, MAX_WBITS + 16) != Z_OK)
		die(EXIT_SYSTEM, "zlib cannot be had");
	if (coding == ZSTD && (d->zstd = ZSTD_createDStream()) == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return d;
}

static bool
junk(const struct decoder *d, char why[WHY])
{
	return fail(why, "something else follows its %s data", d->coding == GZIP ? "gzip" : "zstd");
}

/* Behind a whole piece: takes zeros away, and says whether another piece begins. */
static bool
next_piece(struct decoder *d, const unsigned char **bytes, size_t *size)
{
	while (*size > 0 && **bytes == 0) {
		d->padded = true;
		++*bytes;
		--*size;
	}
	if (*size == 0 || d->padded)
		return false;
	d->pieces++;
	d->between = false;
	return true;
}

static bool
gunzip(struct decoder *d, const unsigned char *bytes, size_t size, char why[WHY])
{
	z_stream *z = &d->gzip;
	int rc = Z_OK;

	do {
		if (d->between) {
			if (!next_piece(d, &bytes, &size))
				return size == 0 || junk(d, why);
			inflateReset(z);
		}
		z->next_in = (unsigned char *)bytes;
		z->avail_in = (uInt)size;
		z->next_out = d->output;
		z->avail_out = OUTPUT;
		rc = inflate(z, Z_NO_FLUSH);
		if (rc == Z_DATA_ERROR && d->pieces > 1 && z->total_in <= GZIP_MAGIC)
			return junk(d, why);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return fail(why, "damaged gzip data: %.100s", z->msg ? z->msg : zError(rc));
		bytes += size - z->avail_in;
		size = z->avail_in;
		d->between = rc == Z_STREAM_END;
		if (!d->sink(d->arg, d->output, OUTPUT - z->avail_out, why))
			return false;
	} while (size > 0 || (z->avail_out == 0 && !d->between));
	return true;
}

static bool
unzstd(struct decoder *d, const unsigned char *bytes, size_t size, char why[WHY])
{
	ZSTD_outBuffer out;

	do {
		ZSTD_inBuffer in;
		size_t rc;

		if (d->between && !next_piece(d, &bytes, &size))
			return size == 0 || junk(d, why);
		in = (ZSTD_inBuffer){bytes, size, 0};
		out = (ZSTD_outBuffer){d->output, OUTPUT, 0};
		rc = ZSTD_decompressStream(d->zstd, &out, &in);
		if (d->pieces > 1 && ZSTD_getErrorCode(rc) == ZSTD_error_prefix_unknown)
			return junk(d, why);
		if (ZSTD_isError(rc))
			return fail(why, "damaged zstd data: %.100s", ZSTD_getErrorName(rc));
		bytes += in.pos;
		size -= in.pos;
		d->between = rc == 0;
		if (!d->sink(d->arg, d->output, out.pos, why))
			return false;
	} while (size > 0 || (out.pos == OUTPUT && !d->between));
	return true;
}

bool
decoder_add(struct decoder *d, const void *bytes, size_t size, char why[WHY])
{
	if (size == 0)
		return true;
	switch (d->coding) {
	case GZIP:
		return gunzip(d, bytes, size, why);
	case ZSTD:
		return unzstd(d, bytes, size, why);
	case PLAIN:
	case FRAMES:
	case BEGINNING:
		break;
	}
	return d->sink(d->arg, bytes, size, why);
}

bool
decoder_end(const struct decoder *d, char why[WHY])
{
	return d->between || fail(why, "its compressed data ends too early");
}

bool
decoder_simple(const struct decoder *d)
{
	return d->pieces <= 1 && !d->padded;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	if (d->coding == GZIP)
		inflateEnd(&d->gzip);
	ZSTD_freeDStream(d->zstd);
	free(d);
}
