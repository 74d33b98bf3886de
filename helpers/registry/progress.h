/*
 * progress.h - how much of each layer has reached a client.
 *
 * Two threads meet here: the server's, which begin and end transfers, and the one
 * that calls progress_show several times a second. The images are the catalog's as far
 * as they are ready: others may become so meanwhile.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <pthread.h>

#include "registry/catalog.h"
#include "registry/meter.h"
#include "registry/order.h"

struct track { /* a layer of an image */
	const struct served *image;
	const struct content *layer;
	uint64_t bytes, told;
};

struct progress {
	const struct catalog *catalog;
	const struct order *orders;
	int64_t started;
	int lines;        /* where lines of JSON go, or -1 */
	bool lines_shown; /* to stderr too */
	struct meter meter;

	pthread_mutex_t lock; /* of all that follows */
	struct track *track;
	size_t tracks, images; /* how many of the catalog's have their tracks here */
	struct transfer *transfer;
};

/* lines: a descriptor for lines of JSON, or -1. orders: one of each image of the catalog, whose state is noted (run/status.h). */
void progress_start(struct progress *p, const struct catalog *c, const struct order *orders, int lines);

/* The server is about to send a piece of content; content is the catalog's. */
struct transfer *progress_transfer(struct progress *p, const char *repository, const struct content *content,
				   uint64_t first, uint64_t count, int socket);

/* Before the socket is closed: it could be another one's a moment later. */
void progress_ended(struct progress *p, struct transfer *t, bool whole);

/* To be called several times a second, always by the same thread; nothing is written under the lock. */
void progress_show(void *progress);

/* When the server is gone. */
void progress_end(struct progress *p);

#endif
