/*
 * fetch.h - an image out of a registry beside us, by its reference: what smolvm's own client pulls, for a packer of ours.
 *
 *	fetch_image(&f, "127.0.0.1:5000/a:1", why);
 *	fetch_layer(&f, 0, sink, arg, why);
 *	fetch_end(&f);
 *
 * Whatever is named by a digest is checked by it.
 */
#ifndef FETCH_H
#define FETCH_H

#include "image/decode.h"

struct fetched_layer {
	char digest[DIGEST]; /* of the bytes as they are served */
	uint64_t size;       /* of those, in bytes */
};

struct fetched {
	char manifest[DIGEST], config[DIGEST];
	char *config_json;
	size_t layers; /* the lowest first */
	struct fetched_layer *layer;

	/* private */
	char *base, *reference; /* http://HOST:PORT/v2/REPOSITORY; what is asked for */
	void *curl;
};

/*
 * Manifest and config of HOST:PORT/REPOSITORY:TAG, by plain HTTP and without a proxy. False: why says what is
 * wrong, and f holds nothing; else fetch_end frees it.
 */
bool fetch_image(struct fetched *f, const char *reference, char why[WHY]);

/* The layer as it is served, piece by piece, into sink. False, and why; also where its digest does not hold. */
bool fetch_layer(struct fetched *f, size_t layer, decoder_sink sink, void *arg, char why[WHY]);

void fetch_end(struct fetched *f);

#endif
