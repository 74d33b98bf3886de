/* digest.c - SHA-256: OpenSSL's, which uses the processor's instructions. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

enum { CHUNK = 256 << 10, SHA256_BYTES = SHA256_HEX / 2 };

struct hash {
	EVP_MD_CTX *state;
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

	h->state = EVP_MD_CTX_new();
	if (h->state == NULL || EVP_DigestInit_ex(h->state, EVP_sha256(), NULL) != 1)
		die(EXIT_SYSTEM, "SHA-256 is not to be had from libcrypto");
	return h;
}

void
hash_update(struct hash *h, const void *bytes, size_t size)
{
	EVP_DigestUpdate(h->state, bytes, size);
}

void
hash_end(struct hash *h, char digest[DIGEST])
{
	unsigned char bytes[SHA256_BYTES];

	EVP_DigestFinal_ex(h->state, bytes, NULL);
	memcpy(digest, DIGEST_PREFIX, strlen(DIGEST_PREFIX));
	to_hex(bytes, sizeof(bytes), digest + strlen(DIGEST_PREFIX));
}

void
hash_free(struct hash *h)
{
	if (h != NULL)
		EVP_MD_CTX_free(h->state);
	free(h);
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
