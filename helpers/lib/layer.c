/*
 * layer.c - one layer of an image: read, decoded, and proved to be the one that
 * the config means.
 *
 * Two digests are taken in one reading: of the bytes as stored, which a registry
 * knows a layer by, and of the plain tar that they hold, which the config's
 * diff_id must be.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "export.h"
#include "hash.h"

enum { CHUNK = 256 << 10 };

struct decoder {
	enum coding coding;
	EVP_MD_CTX *plain; /* of what comes out */
	int out;           /* where that goes, or -1 */
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool between; /* the last frame is whole: the data may end here */
	char *why;
	unsigned char input[CHUNK], output[CHUNK];
};

static bool
deliver(struct decoder *d, const void *bytes, size_t size)
{
	hash_update(d->plain, bytes, size);
	return d->out < 0 || write_all(d->out, bytes, size) ||
	       fail_errno(d->why, "cannot write what it holds");
}

static bool
gunzip(struct decoder *d, size_t size)
{
	z_stream *z = &d->gzip;
	int rc = Z_OK;

	z->next_in = d->input;
	z->avail_in = (uInt)size;
	do {
		if (d->between && z->avail_in > 0)
			inflateReset(z); /* one member may follow another */
		z->next_out = d->output;
		z->avail_out = CHUNK;
		rc = inflate(z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return fail(d->why, "damaged gzip data: %.100s", z->msg ? z->msg : zError(rc));
		d->between = rc == Z_STREAM_END;
		if (!deliver(d, d->output, CHUNK - z->avail_out))
			return false;
	} while (z->avail_in > 0 || (z->avail_out == 0 && !d->between));
	return true;
}

static bool
unzstd(struct decoder *d, size_t size)
{
	ZSTD_inBuffer in = {d->input, size, 0};
	ZSTD_outBuffer out;

	do {
		size_t rc;

		out = (ZSTD_outBuffer){d->output, CHUNK, 0};
		rc = ZSTD_decompressStream(d->zstd, &out, &in);
		if (ZSTD_isError(rc))
			return fail(d->why, "damaged zstd data: %.100s", ZSTD_getErrorName(rc));
		d->between = rc == 0;
		if (!deliver(d, d->output, out.pos))
			return false;
	} while (in.pos < in.size || (out.pos == CHUNK && !d->between));
	return true;
}

static struct decoder *
new_decoder(enum coding coding, int out, char why[WHY])
{
	struct decoder *d = xmalloc(sizeof(*d));

	d->coding = coding;
	d->plain = hash_new();
	d->out = out;
	d->gzip = (z_stream){0};
	d->zstd = NULL;
	d->between = coding == PLAIN;
	d->why = why;
	if (coding == GZIP && inflateInit2(&d->gzip, MAX_WBITS + 16) != Z_OK)
		die(EXIT_SYSTEM, "zlib cannot be had");
	if (coding == ZSTD && (d->zstd = ZSTD_createDStream()) == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return d;
}

static void
free_decoder(struct decoder *d)
{
	EVP_MD_CTX_free(d->plain);
	if (d->coding == GZIP)
		inflateEnd(&d->gzip);
	ZSTD_freeDStream(d->zstd);
	free(d);
}

static bool
decode(struct decoder *d, size_t size)
{
	switch (d->coding) {
	case GZIP:
		return gunzip(d, size);
	case ZSTD:
		return unzstd(d, size);
	case PLAIN:
		break;
	}
	return deliver(d, d->input, size);
}

/* All of the blob through the decoder; stored gets the hash of it as it lies, NULL where that is the same. */
static bool
decode_all(const struct export *e, const struct blob *b, struct decoder *d, EVP_MD_CTX *stored)
{
	uint64_t done = 0;

	while (done < b->size) {
		size_t n = b->size - done < CHUNK ? (size_t)(b->size - done) : CHUNK;

		if (!read_at(e->spool, d->input, n, b->offset + (off_t)done))
			return fail_errno(d->why, "cannot read it");
		if (stored != NULL)
			hash_update(stored, d->input, n);
		if (!decode(d, n))
			return false;
		done += n;
	}
	return d->between || fail(d->why, "its compressed data ends too early");
}

/* Images share layers: whoever has this one at this place need not read it again. */
static void
set_verified(struct export *e, const struct blob *b, const char *diff_id)
{
	for (size_t i = 0; i < e->images; i++)
		for (size_t k = 0; k < e->image[i].layers; k++) {
			struct blob *other = &e->image[i].layer[k];

			if (other->offset == b->offset && strcmp(e->image[i].diff_id[k], diff_id) == 0) {
				memcpy(other->digest, b->digest, DIGEST);
				other->verified = true;
			}
		}
}

static bool
check(struct export *e, struct blob *b, const char *diff_id, int out, char why[WHY])
{
	struct decoder *d = new_decoder(b->coding, out, why);
	EVP_MD_CTX *stored = b->coding == PLAIN ? NULL : hash_new();
	char plain[DIGEST], digest[DIGEST];
	bool read = decode_all(e, b, d, stored);

	hash_end(d->plain, plain);
	memcpy(digest, plain, DIGEST);
	if (stored != NULL)
		hash_end(stored, digest);
	EVP_MD_CTX_free(stored);
	free_decoder(d);
	if (!read)
		return false;
	if (strcmp(plain, diff_id) != 0)
		return fail(why, "it holds %.19s..., the config says %.19s...", plain, diff_id);
	if (*b->digest && strcmp(b->digest, digest) != 0)
		return fail(why, "it is %.19s..., its name says %.19s...", digest, b->digest);
	memcpy(b->digest, digest, DIGEST);
	set_verified(e, b, diff_id);
	return true;
}

/* Decodes the layer into out (-1: nowhere), whether or not that was done before; false where a digest does
 * not hold. */
bool
decode_layer(struct export *e, struct image *m, size_t layer, int out, char why[WHY])
{
	char reason[WHY];

	return check(e, &m->layer[layer], m->diff_id[layer], out, reason) ||
	       fail(why, "layer %zu of %.19s...: %.140s", layer + 1, m->id, reason);
}

/* The same where only the answer is wanted; a layer is read once, however many images have it. */
bool
verify_layer(struct export *e, struct image *m, size_t layer, char why[WHY])
{
	return m->layer[layer].verified || decode_layer(e, m, layer, -1, why);
}
