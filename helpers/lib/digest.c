/*
 * digest.c - SHA-256: OpenSSL's, which uses the processor's instructions.
 *
 * By its older interface: EVP, which it recommends since 3.0, does not give its state away, and without that no digest can go on
 * where another one was.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"

enum { CHUNK = 256 << 10, SHA256_BYTES = SHA256_HEX / 2 };

struct hash {
	SHA256_CTX state;
};

static void
to_hex(const unsigned char *bytes, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*hex++ = digits[bytes[i] >> 4];
		*hex++ = digits[bytes[i] & 15];
	}
	*hex = '\0';
}

void
random_hex(size_t size, char *hex)
{
	unsigned char *bytes = xmalloc(size);

	if (RAND_bytes(bytes, (int)size) != 1)
		die(EXIT_SYSTEM, "libcrypto has no random bytes");
	to_hex(bytes, size, hex);
	free(bytes);
}

struct hash *
hash_new(void)
{
	struct hash *h = xmalloc(sizeof(*h));

	SHA256_Init(&h->state);
	return h;
}

void
hash_update(struct hash *h, const void *bytes, size_t size)
{
	SHA256_Update(&h->state, bytes, size);
}

void
hash_end(struct hash *h, char digest[DIGEST])
{
	unsigned char bytes[SHA256_BYTES];

	SHA256_Final(bytes, &h->state);
	memcpy(digest, DIGEST_PREFIX, strlen(DIGEST_PREFIX));
	to_hex(bytes, sizeof(bytes), digest + strlen(DIGEST_PREFIX));
}

void
hash_free(struct hash *h)
{
	free(h);
}

bool
hash_save(const struct hash *h, unsigned char state[HASH_STATE])
{
	if (h->state.num != 0)
		return false;
	for (size_t i = 0; i < SHA256_BYTES / 4; i++)
		put_little(state + 4 * i, h->state.h[i], 4);
	put_little(state + SHA256_BYTES, h->state.Nl, 4);
	put_little(state + SHA256_BYTES + 4, h->state.Nh, 4);
	return true;
}

void
hash_resume(struct hash *h, const unsigned char state[HASH_STATE])
{
	SHA256_Init(&h->state);
	for (size_t i = 0; i < SHA256_BYTES / 4; i++)
		h->state.h[i] = (SHA_LONG)get_little(state + 4 * i, 4);
	h->state.Nl = (SHA_LONG)get_little(state + SHA256_BYTES, 4);
	h->state.Nh = (SHA_LONG)get_little(state + SHA256_BYTES + 4, 4);
}

void
digest_bytes(const void *bytes, size_t size, char digest[DIGEST])
{
	struct hash *h = hash_new();

	hash_update(h, bytes, size);
	hash_end(h, digest);
	hash_free(h);
}

bool
digest_file(int fd, uint64_t size, char digest[DIGEST])
{
	unsigned char *chunk = xmalloc(CHUNK);
	struct hash *h = hash_new();
	uint64_t done = 0;
	ssize_t n = 1;

	while (done < size && n > 0) {
		n = pread(fd, chunk, size - done < CHUNK ? (size_t)(size - done) : CHUNK, (off_t)done);
		if (n > 0) {
			hash_update(h, chunk, (size_t)n);
			done += (uint64_t)n;
		} else if (n < 0 && errno == EINTR)
			n = 1;
	}
	hash_end(h, digest);
	hash_free(h);
	free(chunk);
	return n >= 0 && (done == size || size == UINT64_MAX);
}

void
sha256_hex(const void *bytes, size_t size, char hex[SHA256_HEX + 1])
{
	char digest[DIGEST];

	digest_bytes(bytes, size, digest);
	memcpy(hex, digest_digits(digest), SHA256_HEX + 1);
}

bool
sha256_file(const char *path, char hex[SHA256_HEX + 1])
{
	char digest[DIGEST];
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	bool whole;

	if (fd < 0)
		return false;
	whole = digest_file(fd, UINT64_MAX, digest);
	saved = errno;
	close(fd);
	errno = saved;
	memcpy(hex, digest_digits(digest), SHA256_HEX + 1);
	return whole;
}
