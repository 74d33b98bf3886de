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

void clients_start(struct clients *c, size_t most);
bool clients_add(struct clients *c, int fd, bool own);
void clients_entered(struct clients *c, int fd);
void clients_busy(struct clients *c, int fd, bool busy);
void clients_left(struct clients *c, int fd);
void clients_hurry(struct clients *c);
void clients_end(struct clients *c);

#endif
