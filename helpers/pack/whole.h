/*
 * whole.h - an image that a registry serves, as the one layer that an artifact holds.
 *
 * smolvm does not apply the whiteouts of layers that are in an artifact (run: 1.32.2: deleted files come back), so there is one.
 */
#ifndef WHOLE_H
#define WHOLE_H

#include "image/compose.h"
#include "registry/fetch.h"

struct whole {
	struct framed *layer; /* of the image, the lowest first */
	size_t layers;
	char (*diff_id)[DIGEST]; /* of each */
	struct compose *compose; /* what is made of them */
};

/*
 * The layers in frames, of which those that are not at hand are fetched, proved against the config, and made; folder: for what has
 * no name on disk. False: why says what does not hold, and w holds nothing; else whole_free frees it.
 */
bool whole_open(struct whole *w, struct fetched *f, const char *folder, char why[WHY]);

/* The digest of the one layer, as a plain tar. */
bool whole_digest(const struct whole *w, char digest[DIGEST], char why[WHY]);

void whole_free(struct whole *w);

#endif
