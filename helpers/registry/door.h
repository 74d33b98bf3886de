/* door.h - the listening socket of a server on 127.0.0.1, and who gets past it. */
#ifndef DOOR_H
#define DOOR_H

#include <pthread.h>

#include "lib/lib.h"

struct door {
	/* called with each connection that speaks, and whether it is root's or our own; fd is its own then */
	void (*enter)(void *arg, int fd, bool own);
	void (*tick)(void *arg); /* called about every second */
	void *arg;
	bool own_only;      /* others' are closed without a word: see peer.c */
	size_t waiting_max; /* who has not said a word yet */

	/* private */
	int listener, stop[2];
	struct pollfd *fd;
	struct waiter *waiter; /* of fd[FIRST + i] */
	FILE *table;           /* see peer.c */
	size_t waiting;
	pthread_t thread;
};

/* Listens, but lets nobody in yet; on that port where it is free, 0: on any. Its port. */
int door_open(struct door *d, int port);

/* Lets clients in until door_close, in a thread of its own. */
void door_watch(struct door *d);

/* Nobody enters any more; who has entered is not its business. */
void door_close(struct door *d);

#endif
