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

int door_open(struct door *d, int port);
void door_watch(struct door *d);
void door_close(struct door *d);

#endif
