/* composed.h - layers that are put together (private to compose*.c). */
#ifndef COMPOSED_H
#define COMPOSED_H

#include "image/compose.h"
#include "image/flat.h"

/* Marks of a node. */
enum {
	SEEN = 1,   /* it stands somewhere */
	EARLY = 2,  /* a folder, to be put before all layers */
	LATE = 4,   /* to be put behind all layers */
	CLOSED = 8, /* a folder, behind which stands what is not in it */
	AGAIN = 16, /* a folder, to be put once more: something comes into it though it is closed */
	GROUP = 32, /* a folder that has its set-group-ID bit, or may: what is made in it has that too */
};

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

/* A flat_content (flat.h), whose content_arg is the struct compose: from the layers' frames. */
bool put_content(struct flat *f, struct member_sink *s, const struct file *file, uint64_t size);

/* Writes the nodes that are marked EARLY, LATE or AGAIN into c->loose, and says where they end there. */
bool put_loose(struct compose *c, struct flat *f, char why[WHY]);

#endif
