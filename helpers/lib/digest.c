/* digest.c - SHA-256: OpenSSL's, which uses the processor's instructions. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "lib/lib.h"

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
sha256_hex(const void *bytes, size_t size, char hex[SHA256_HEX + 1])
{
	unsigned char digest[32];

	if (EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL) != 1)
		die(EXIT_SYSTEM, "SHA-256 is not to be had from libcrypto");
	to_hex(digest, sizeof(digest), hex);
}

bool
sha256_file(const char *path, char hex[SHA256_HEX + 1])
{
	unsigned char buffer[65536], digest[32];
	EVP_MD_CTX *hash;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	hash = EVP_MD_CTX_new();
	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		die(EXIT_SYSTEM, "SHA-256 is not to be had from libcrypto");
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		EVP_DigestUpdate(hash, buffer, (size_t)n);
	EVP_DigestFinal_ex(hash, digest, NULL);
	EVP_MD_CTX_free(hash);
	close(fd);
	to_hex(digest, sizeof(digest), hex);
	return n == 0;
}
