/*
 * import.h - the images of a registry out of the engine's export, with a word for each that cannot be had.
 *
 *	import_images(&im, &like, &catalog);
 *	...
 *	import_free(&im);                    the catalog's bytes lie in files that im keeps open
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "registry/load.h"

struct import {
	struct load *load; /* one export of all, or where that failed one of each */
	size_t loads;
};

/*
 * like: the orders, of which each has its place in the catalog, and how they are to be served. An image that
 * cannot be had is told on stderr and written down as a failure of its machines (run/failure.h). Under -k
 * (KEEP_GOING) the others are served nevertheless; else that ends the program (exit 1).
 */
void import_images(struct import *im, const struct load *like, struct catalog *c);

/* Closes the exports. */
void import_free(struct import *im);

#endif
