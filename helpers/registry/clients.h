/*
 * clients.h - who is connected to a server: a bounded number, and whose turn it is to go when there are too
 * many.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <pthread.h>

#include "lib/lib.h"

struct client {
	int fd;
	bool own;     /* root's or our own: see peer.c */
	bool entered; /* the server knows it: fd is open until clients_left */
	bool busy;    /* it has asked for something, and has not got all of it */
	bool asked;   /* it has done that once */
	bool leaving; /* it was shut down */
	int64_t since;
};

struct clients {
	size_t most; /* at once; strangers have at most half of it */

	/* private */
	pthread_mutex_t lock;
	struct client *at;
	size_t count;
};

/* most: descriptors must be there for as many. */
void clients_start(struct clients *c, size_t most);

/* False where there is no room for it now. What the last quarter holds is on its way out. */
bool clients_add(struct clients *c, int fd, bool own);

/* The library has taken the client. */
void clients_entered(struct clients *c, int fd);

/* The client waits for us (busy), or we wait for it. */
void clients_busy(struct clients *c, int fd, bool busy);

/* To be called before its descriptor is closed, which another one may get then. */
void clients_left(struct clients *c, int fd);

/* To be called every second or so: who comes with a request byte by byte does not stay. */
void clients_hurry(struct clients *c);

/* Frees the list; no client is closed. */
void clients_end(struct clients *c);

#endif
