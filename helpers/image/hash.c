/* hash.c - SHA-256 of what comes piece by piece, as "sha256:<64 hex>". */
#include <string.h>

#include "image/hash.h"
#include "lib/lib.h"

EVP_MD_CTX *
hash_new(void)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		die(EXIT_SYSTEM, "SHA-256 is not to be had from libcrypto");
	return hash;
}

void
hash_update(EVP_MD_CTX *hash, const void *bytes, size_t size)
{
	EVP_DigestUpdate(hash, bytes, size);
}

void
hash_end(EVP_MD_CTX *hash, char digest[72])
{
	unsigned char bytes[32];

	EVP_DigestFinal_ex(hash, bytes, NULL);
	memcpy(digest, "sha256:", 8);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(digest + 7 + 2 * i, 3, "%02x", bytes[i]);
}
