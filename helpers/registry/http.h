/*
 * http.h - a registry (OCI distribution spec) of a catalog, on 127.0.0.1; with an intake it takes pushes too.
 *
 *	struct server s = {.catalog = &c, .progress = &progress};
 *
 *	port = server_start(&s, 0);
 *	...
 *	server_stop(&s);
 */
#ifndef HTTP_H
#define HTTP_H

#include "registry/catalog.h"
#include "registry/clients.h"
#include "registry/door.h"
#include "registry/intake.h"
#include "registry/progress.h"

struct MHD_Daemon;

struct server {
	const struct catalog *catalog;
	struct progress *progress; /* or NULL */
	struct intake *intake;     /* or NULL: read-only */
	const char *awaited;       /* a repository; or NULL */
	atomic_bool met;           /* somebody has asked for something in it */
	bool own_only;             /* others' connections are closed: see peer.c */

	/* private */
	struct MHD_Daemon *daemon;
	struct door door;
	struct clients clients;
	int stopped[2];
};

/* Serves from now on, on that port where it is free (0: on any); the port. */
int server_start(struct server *s, int port);

/*
 * False where it does not end in time: then its threads still run, what they use must stay, and the program
 * has to end by _exit.
 */
bool server_stop(struct server *s);

#endif
