/* composed.h - layers that are put together (private to compose.c and compose-write.c). */
#ifndef COMPOSED_H
#define COMPOSED_H

#include "image/compose.h"

struct compose {
	struct framed *layer;
	size_t layers;
	unsigned char **keep; /* of each entry of each layer: whether it stays */
	int loose;            /* what is put before all layers, and behind them, in a file without a name */
	off_t early_end, loose_end;
	uint64_t size, files;
	size_t uncut; /* see compose_uncut */
	char *outward;
};

#endif
