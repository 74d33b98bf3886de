/*
 * load.h - images out of the engine into a catalog, every layer proved.
 *
 *	struct load l = {.coding = ZSTD, .folder = "/tmp", .order = ..., .orders = ...};
 *
 *	load_images(&l, &catalog, why);
 *	...                                 the catalog's bytes lie in files that l keeps open
 *	load_free(&l);
 */
#ifndef LOAD_H
#define LOAD_H

#include "registry/catalog.h"
#include "registry/order.h"

struct load {
	enum coding coding;
	bool early; /* compress only large layers, and before the export ends: the puller takes plain ones too
		     */
	bool squash; /* one layer an image */
	const char *folder;
	const struct order *order;
	size_t orders;

	/* what it took, once they are loaded */
	off_t bytes;                               /* of the export */
	int64_t first_ms, export_ms, remainder_ms; /* until its first byte and its last; from there until all
						      could be served */

	/* private */
	struct export export;
	struct recoder recoder;
};

bool load_images(struct load *l, struct catalog *c, char why[WHY]);
void load_free(struct load *l);

#endif
