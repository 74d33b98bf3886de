/* hash.h - SHA-256 of what comes piece by piece, as "sha256:<64 hex>". */
#ifndef HASH_H
#define HASH_H

#include <openssl/evp.h>
#include <stddef.h>

EVP_MD_CTX *hash_new(void);

/* More bytes of what is hashed; that libcrypto cannot is the end of the program. */
void hash_update(EVP_MD_CTX *hash, const void *bytes, size_t size);

/* The digest of all that came; the hash itself stays the caller's to free. */
void hash_end(EVP_MD_CTX *hash, char digest[72]);

#endif
