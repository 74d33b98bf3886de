/*
 * http.h - a read-only registry (OCI distribution spec) of a catalog, on 127.0.0.1.
 *
 *	port = server_start(&s, &catalog, &progress);
 *	...
 *	server_stop(&s);
 */
#ifndef HTTP_H
#define HTTP_H

#include "catalog.h"
#include "door.h"
#include "progress.h"

struct MHD_Daemon;

struct server {
	const struct catalog *catalog;
	struct progress *progress;

	/* private */
	struct MHD_Daemon *daemon;
	struct door door;
};

int server_start(struct server *s, const struct catalog *c, struct progress *p);
void server_stop(struct server *s);

#endif
