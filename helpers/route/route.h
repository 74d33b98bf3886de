/*
 * route.h - who packs, and how the images get there: decided once a run, here, and read by everybody else as a fact.
 *
 * By archive only where that is asked for: it takes nine tenths of direct's time (check-real, 1.32.2), and leaves a manifest that
 * names neither the image nor its digest. We pack where that is proved for the installed smolvm, its parts are at hand, and nothing asked for is smolvm's alone to read.
 * A push costs what the engine compresses: only the layers that the store does not have. An export is all of
 * the image, but uncompressed. So the first miss goes by export, and so does every one where most of the
 * image is new. A second one is pushed, though that is slower once, if from then on each would be faster: the
 * layers below the one that changes every time are in the store then.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "registry/order.h"

enum source {
	FROM_EXPORT,   /* our own registry over the engine's export */
	FROM_PUSH,     /* our own registry, which the engine pushes to */
	FROM_CONTAINER /* a registry's container, which the engine pushes to */
};

struct route {
	enum source source;
	enum coding coding; /* of the layers that our own registry serves */
	bool early;         /* layers that are small, or hardly begun when the export ends, stay plain */
	bool squash;        /* each image is served as one layer */
	char *parts;        /* of smolvm, where we pack without it: a folder of CACHE_DIR; else NULL */
	bool archive;       /* smolvm is handed each image as an archive; FROM_EXPORT */
	bool told; /* the choice is worth a line: it was ours, or is not the one that was asked for */
	char why[WHY];
};

/* Of what the choice is made. */
struct facts {
	const char *asked; /* ROUTE: push, direct, archive or auto */
	bool named;        /* the user has named a registry image */
	bool one_layer;    /* several layers are to be one: SQUASH says so, or smolvm merges wrongly */
	bool keeps;        /* STORE_MAX allows a store */
	bool compressed;   /* the engine keeps layers compressed */
	uint64_t total;    /* bytes of the images */
	uint64_t unknown;  /* of those, in layers that are not in the store */
	bool again;        /* an image of each of these repositories was missed before */
	uint64_t changed;  /* bytes of the layers that are in neither the store nor that image; where again */
};

/* What ROUTE calls it, once it is decided. */
const char *route_name(const struct route *r);

/* Source and reason, as long as the engine can reach us. Asks nobody. */
void route_choose(const struct facts *f, struct route *r);

/*
 * The route of this run's images. smolvm: what it says of its version. Reads ROUTE, PACK, SMOLVM, REGISTRY_IMAGE, SQUASH
 * and STORE_MAX; makes smolvm's parts where they are not there yet; asks the engine where that matters, and remembers the images' layers for the next miss. What
 * is decided is said in a line where it is worth one. Trouble ends the program.
 */
void route_decide(const struct order *order, size_t orders, const char *smolvm, struct route *r);

#endif
