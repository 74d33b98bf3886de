/* entries.h - all machines of CACHE_DIR, which is the working folder. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include "lib/lib.h"

struct entry_of_cache {
	char *key;
	uint64_t bytes;      /* of launcher and sidecar */
	int64_t made, used;  /* seconds since 1970 */
	struct list names;   /* every one that its image was ever asked for by, the latest last */
	char id[DIGEST];     /* of its image; "" where nothing says so */
	char smolvm[40];     /* the version that it was packed for */
	char *options;       /* "CPUS=2 MEM=1024", or "" */
	bool native, pinned; /* packed without smolvm's machine; never to be pruned */
	double seconds;      /* that it took, build and all; 0 where that is not known */
};

struct entries {
	struct entry_of_cache *at;
	size_t count;
};

/* All of them, those that were used last first. entries_free frees it. */
void entries_read(struct entries *e);

void entries_free(struct entries *e);

/*
 * The key of the machine that is meant: by a name that leads to it (`agent`, `agent:v2`), 16 hex digits or a key, or an image ID;
 * NULL where there is none. The caller frees it.
 */
char *find_key(const char *what);

/* Pins are files of this folder, called as the key. */
#define PINS ".pin"

/* Where verify-machine puts what is not whole, and from where prune-machines removes it. */
#define ASIDE ".aside"

/* CACHE_DIR is named, and there; what is said where it is not. */
bool cache_is_there(void);
#define NO_CACHE "0 machines: there is no CACHE_DIR yet"

#endif
