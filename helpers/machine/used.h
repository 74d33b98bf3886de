/*
 * used.h - what the cache remembers of the use of a machine: when, and under which names.
 *
 * .used/<key> has every name that its image was ever asked for by, one a line; its time is that of the last use.
 * by-name/<name> leads to the launcher that was made or found for the name last, by-name/<name>.smolmachine to its sidecar; a name
 * that ends like the latter has neither. The working folder is CACHE_DIR.
 */
#ifndef USED_H
#define USED_H

#include "lib/lib.h"

#define USED ".used"
#define BY_NAME "by-name"

/* What is said of a machine that could not be noted is nothing: it was made or found all the same. image: as it was typed. */
void use_machine(const char *key, const char *image);

/* Adds the names of a key; when it was used last, in seconds since 1970, or 0 where nobody knows. */
int64_t read_use(const char *key, struct list *names);

/* Takes away what is remembered of a key: also the links that lead to it. */
void forget_use(const char *key);

/* The key that a name leads to, as `agent`, `agent:v2`; NULL. The caller frees it. */
char *key_by_name(const char *image);

#endif
