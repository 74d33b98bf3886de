/*
 * record.h - the store's files but for the layers; for store.c. What others own or may write to is not read.
 */
#ifndef RECORD_H
#define RECORD_H

#include "registry/store.h"

#define STORE ".store"
#define RECORD ".record"
#define LAST ".last"

/* "sha256:<64 hex>" -> .store/<64 hex><suffix>. The caller frees it. */
char *store_path(const char *digest, const char *suffix);

/*
 * What a file is like, and since when that is so: the first 12 digits of an owner's name are the boot. The
 * caller frees it.
 */
char *record_seen(const struct stat *st);

/* False where there is none that is whole and this layer's. The caller frees *seen, never NULL. */
bool record_read(const char *pushed, struct kept *k, char **seen);

/* Writes the record of a blob whose file is st; false, with errno, where it cannot. */
bool record_write(const struct kept *k, const struct stat *st);

/* A request that is this user's alone. */
bool read_own(const char *path, struct list *l);

#endif
