/*
 * store.h - the layers that were pushed once, kept in CACHE_DIR/.store for the next push. The working folder
 * is CACHE_DIR.
 *
 * The engine remembers the digests of the layers that it has pushed, and asks for them; so
 * a layer is found by that digest, though it is kept in the form that smolvm unpacks fastest.
 */
#ifndef STORE_H
#define STORE_H

#include "image/export.h"

enum { STORE_MIB = 10240, STORE_MIB_MAX = 1 << 30 }; /* what STORE_MAX is without a word, and at most */

struct kept {
	char pushed[DIGEST];  /* the digest that it came under */
	uint64_t sent;        /* and how many bytes it was then */
	char diff_id[DIGEST]; /* of the plain tar in it; "" where it is no layer */
	uint64_t plain;       /* bytes of that */
	enum coding coding;   /* as it lies in the file */
	char digest[DIGEST];  /* of that; of FRAMES what frames_make says */
	uint64_t size;
	int fd; /* the file; who holds it has the blob, even when it was evicted */
};

/* Bytes that STORE_MAX allows; 0: nothing is to be kept. */
uint64_t store_most(void);

/* False, and why, where nothing can be kept. */
bool store_open(char why[WHY]);

/*
 * The layer that was pushed under this digest, in the form that is wanted (PLAIN: as it was pushed);
 * its file, k->fd, is the caller's to close. One in another form is not there, and stays.
 */
bool store_find(const char *pushed, enum coding wanted, struct kept *k);

/*
 * Moves the file at path, which k->fd is, into the store. False: it is not in there, and nothing else is
 * lost.
 */
bool store_add(const struct kept *k, const char *path, char why[WHY]);

/* Whatever it is: it comes again with the next push. */
void store_forget(const char *pushed);

/* Down to so many bytes: what was used longest ago goes first. One at a time does so; others need not. */
void store_trim(uint64_t most);

/* What is in it, by diff_id. */
struct stock {
	char diff_id[DIGEST];
	uint64_t plain;
	enum coding coding;
};

/*
 * What is in it, of whatever coding; records alone are read. The caller frees the array; NULL where there is
 * none.
 */
struct stock *store_stock(size_t *count);

/* The layers of the last image of a repository that was missed, diff_ids, the lowest first. */
bool store_last(const char *repository, struct list *diff_ids);

/* Remembers them; that it cannot is no failure. */
void store_set_last(const char *repository, const struct list *diff_ids);

/* The port that the engine knows the kept layers by; 0: none yet. */
int store_port(void);

/* Remembers it; that it cannot is no failure. */
void store_set_port(int port);

#endif
