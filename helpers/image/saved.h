/*
 * saved.h - an archive as `docker save` writes it and `docker load` takes it, written from its front to its end.
 *
 *	saved_begin(&s, sink, arg);
 *	saved_layer(&s, "name", size, why);             then that many bytes:
 *	saved_bytes(&s, bytes, n, why); ...
 *	saved_image(&s, "name", config, "a:1", why);    of the layer of that name
 *	saved_end(&s, why);
 *	saved_free(&s);
 *
 * False where the sink fails, whose reason it is. The format is that of Docker's image/tarexport of before Docker 25, which
 * every later one takes too.
 */
#ifndef SAVED_H
#define SAVED_H

#include <jansson.h>

#include "image/decode.h"

struct saved {
	decoder_sink sink;
	void *arg;
	json_t *manifest;
};

/* The archive's bytes go to sink with arg. */
void saved_begin(struct saved *s, decoder_sink sink, void *arg);

/* A layer of size bytes, a plain tar, whose length is a multiple of 512 as every tar's is. */
bool saved_layer(struct saved *s, const char *name, uint64_t size, char why[WHY]);
bool saved_bytes(struct saved *s, const void *bytes, size_t size, char why[WHY]);

/* The image of that one layer, with its config; reference: by which it is known when it is loaded, or NULL. */
bool saved_image(struct saved *s, const char *layer, const char *config, const char *reference,
		 char why[WHY]);

bool saved_end(struct saved *s, char why[WHY]);

void saved_free(struct saved *s);

#endif
