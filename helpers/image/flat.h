/* flat.h - an image that is being flattened (private to flatten.c and flat-write.c). */
#ifndef FLAT_H
#define FLAT_H

#include "image/entry.h"
#include "image/flatten.h"
#include "image/tree.h"

struct place {
	int fd;
	off_t start, end;
};

struct flat {
	bool for_artifact; /* see flat_for_artifact */
	struct tree tree;
	char *outward;       /* see flat_outward */
	uint64_t files;      /* bytes of those that are there in the end; 0 until it is measured */
	uint64_t size;       /* bytes of all files, those that a later layer replaces and holes included */
	struct place *place; /* of each layer, as a plain tar */
	int scratch;         /* what was compressed, decoded; -1: nothing was */
	struct entry_reader reader; /* of the layer that is being read */
	struct place *read;         /* which one that is */
};

#endif
