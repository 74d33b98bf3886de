/* layers.h - layers for the unit tests, in each coding. */
#ifndef LAYERS_H
#define LAYERS_H

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

#endif
