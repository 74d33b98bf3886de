/* layers.h - layers for the unit tests, in each coding. */
#ifndef LAYERS_H
#define LAYERS_H

#include "image/decode.h"
#include "image/encode.h"

/* What a tar begins with, then bytes that compress a little; room for size, 512 at least. */
__attribute__((unused)) static void
fill_tar(unsigned char *tar, size_t size, unsigned seed)
{
	memset(tar, 0, 512);
	memcpy(tar + 257, "ustar", 5);
	for (size_t i = 512; i < size; i++)
		tar[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 28);
}

/* The same, compressed; the caller frees it. */
__attribute__((unused)) static unsigned char *
encoded(enum coding coding, const unsigned char *bytes, size_t size, size_t *length)
{
	int fd = unlinked_file(".");
	struct encoder *c = encoder_new(coding, size, fd);
	char digest[DIGEST], why[WHY];
	uint64_t n = 0;
	unsigned char *out;

	assert_true(encoder_add(c, bytes, size, why) && encoder_end(c, digest, &n, why));
	encoder_free(c);
	out = xmalloc(n);
	assert_true(read_at(fd, out, n, 0));
	close(fd);
	*length = n;
	return out;
}

__attribute__((unused)) static void
digest_of_bytes(const void *bytes, size_t size, char digest[DIGEST])
{
	char hex[SHA256_HEX + 1];

	sha256_hex(bytes, size, hex);
	snprintf(digest, DIGEST, "sha256:%s", hex);
}

/* A decoder's sink that puts what comes behind one another: arg is where the next byte goes. */
__attribute__((unused)) static bool
collect(void *arg, const void *bytes, size_t size, char why[WHY])
{
	unsigned char **to = arg;

	(void)why;
	memcpy(*to, bytes, size);
	*to += size;
	return true;
}

/*
 * What compressed data can be made of besides one member or frame, and whether that is a layer. It is written
 * as a row of pieces: A and B the two halves of the tar compressed, e nothing compressed, k a skippable frame
 * (zstd), 0 a block of zeros, z one zero, j junk, h the first byte of a member or frame, - the last byte cut
 * off.
 */
static const struct made {
	const char *pieces;
	enum coding coding;
	const char *why; /* NULL: it is a layer */
} made_layers[] = {
    {"AB", GZIP, NULL},
    {"eAeeBe", GZIP, NULL},
    {"AB0", GZIP, NULL},
    {"ABz", GZIP, NULL},
    {"ABzzz000", GZIP, NULL},
    {"ABe0", GZIP, NULL},
    {"ABj", GZIP, "something else follows its gzip data"},
    {"AB0j", GZIP, "something else follows its gzip data"},
    {"ABzj", GZIP, "something else follows its gzip data"},
    {"A0B", GZIP, "something else follows its gzip data"},
    {"ABh", GZIP, "ends too early"},
    {"AB-", GZIP, "ends too early"},
    {"ABe-", GZIP, "ends too early"},
    {"AB", ZSTD, NULL},
    {"eAeeBe", ZSTD, NULL},
    {"kAkBk", ZSTD, NULL},
    {"AB0", ZSTD, NULL},
    {"ABz", ZSTD, NULL},
    {"ABkzz0", ZSTD, NULL},
    {"ABj", ZSTD, "something else follows its zstd data"},
    {"AB0j", ZSTD, "something else follows its zstd data"},
    {"ABkj", ZSTD, "something else follows its zstd data"},
    {"A0B", ZSTD, "something else follows its zstd data"},
    {"ABh", ZSTD, "ends too early"},
    {"AB-", ZSTD, "ends too early"},
    {"ABk-", ZSTD, "ends too early"},
};

/* That layer of a tar; the caller frees it. */
__attribute__((unused)) static unsigned char *
make_layer_of(const struct made *m, const unsigned char *tar, size_t size, size_t *length)
{
	static const unsigned char skippable[] = {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}, zeros[512];
	unsigned char *out = xmalloc(2 * size + 65536), *bytes;
	size_t n;

	*length = 0;
	for (const char *p = m->pieces; *p != '\0'; p++) {
		bytes = NULL;
		if (strchr("ABe", *p) != NULL)
			bytes = encoded(m->coding, *p == 'B' ? tar + size / 2 : tar,
					*p == 'e'   ? 0
					: *p == 'A' ? size / 2
						    : size - size / 2,
					&n);
		memcpy(out + *length,
		       bytes != NULL ? bytes
		       : *p == 'k'   ? skippable
		       : *p == 'j'   ? (const unsigned char *)"hello"
		       : *p == 'h'   ? (const unsigned char *)(m->coding == GZIP ? "\x1f" : "\x28")
				     : zeros,
		       bytes != NULL ? n
				     : (n = *p == 'k'   ? sizeof(skippable)
					    : *p == 'j' ? 5
					    : *p == '0' ? sizeof(zeros)
							: 1));
		*length += n;
		free(bytes);
		if (*p == '-')
			*length -= 2; /* the zero just put, and one that counts */
	}
	return out;
}

#endif
