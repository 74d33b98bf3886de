/* way.h - by which way an image gets to smolvm fastest, judged by measured rates. */
#ifndef WAY_H
#define WAY_H

#include "lib/io.h"

enum way { BY_CONTAINER, BY_STORE, BY_DIRECT };

struct miss {
	const char *route; /* ROUTE: push, direct or auto */
	bool named;        /* the user has named a registry image */
	bool flat;         /* it is to be one layer: SQUASH says so, or smolvm merges several wrongly */
	bool keeps;        /* STORE_MAX allows a store */
	bool compressed;   /* the engine keeps layers compressed: a push need not do that */
	uint64_t total;    /* bytes of the images */
	uint64_t unknown;  /* of those, in layers that are not in the store */
	bool again;        /* an image of each of these repositories was missed before */
	uint64_t changed;  /* bytes of the layers that are in neither the store nor that image; where again */
};

/* Tenths of a second. */
uint64_t push_time(const struct miss *m, uint64_t bytes);
uint64_t direct_time(const struct miss *m);

enum way choose_way(const struct miss *m, char why[WHY]);

#endif
