/*
 * whole.h - an image that a registry serves, as the one layer that an artifact holds: a plain tar, compressed as a frame of zstd.
 *
 * smolvm does not apply the whiteouts of layers that are in an artifact (run: 1.32.2: deleted files come back), so there is one.
 */
#ifndef WHOLE_H
#define WHOLE_H

#include "image/flatten.h"
#include "image/recode.h"
#include "registry/fetch.h"

struct whole {
	char digest[DIGEST];  /* of the plain tar */
	uint64_t size, files; /* bytes of that, and of the files in it */
	int fd;          /* where the frame lies, from its beginning; -1: it is the layer that is served */
	char *outward;   /* as flat_outward; NULL: none, or it is the layer that is served */
	uint64_t length; /* of the frame, where fd is not -1 */

	/* private */
	struct export export;
	struct recoder recoder;
};

/*
 * Fetches all layers, proves each against the config, and makes them one; folder: for what has no name on disk. False: why says
 * what does not hold, and w holds nothing; else whole_free frees it.
 */
bool whole_flatten(struct whole *w, struct fetched *f, const char *folder, char why[WHY]);

void whole_free(struct whole *w);

#endif
