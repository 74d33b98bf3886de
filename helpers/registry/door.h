/* door.h - the listening socket of a server on 127.0.0.1, and who gets past it. */
#ifndef DOOR_H
#define DOOR_H

#include <pthread.h>

#include "lib/lib.h"

struct door {
	void (*enter)(void *arg, int fd); /* called with each connection that speaks; fd is its own then */
	void *arg;
	bool own_only; /* others' are closed without a word: see peer.c */

	/* private */
	int listener, stop[2];
	struct pollfd *fd;
	size_t waiting;
	pthread_t thread;
};

int door_open(struct door *d, int port);
void door_watch(struct door *d);
void door_close(struct door *d);

#endif
