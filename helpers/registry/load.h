/*
 * load.h - images out of the engine, by one export, into a catalog, every layer proved.
 *
 *	struct load l = {.coding = ZSTD, .folder = "/tmp", .order = ..., .orders = ...};
 *
 *	load_images(&l, &catalog, 0, why);
 *	...                                 the catalog's bytes lie in files that l keeps open
 *	load_free(&l);
 */
#ifndef LOAD_H
#define LOAD_H

#include "registry/catalog.h"
#include "registry/order.h"

struct load {
	enum coding coding;
	bool
	    early; /* only large layers are compressed, before the export ends: the puller takes plain ones */
	bool squash;       /* one layer an image */
	bool for_artifact; /* that layer goes into an artifact as it is */
	bool frames;       /* each layer is made into frames too (framed.h), for a packer of ours */
	const char *folder;
	const struct order *order;
	size_t orders;
	uint64_t expected; /* bytes of the export, about; 0: not known */

	bool exported; /* the engine's export could be read; if not, none of the images is there */

	/* what it took, once they are loaded */
	off_t bytes;          /* of the export */
	int64_t first_ms;     /* until its first byte */
	int64_t export_ms;    /* until its last */
	int64_t remainder_ms; /* from there until all could be served */

	/* private */
	struct export export;
	struct recoder recoder;
	char *keys;   /* of all orders */
	int64_t told; /* when it was said how much has come */
};

/*
 * Fills the places of the catalog from first on, one for each order. True where all are ready; else why[i]
 * says what is wrong with order i, and is "" where nothing is.
 */
bool load_images(struct load *l, struct catalog *c, size_t first, char (*why)[WHY]);

/* Where there was no export, nothing is kept. */
void load_free(struct load *l);

#endif
