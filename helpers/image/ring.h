/*
 * ring.h - pieces of a stream that several threads work on, delivered in the order in which they were given.
 *
 *	struct ring r;
 *	ring_start(&r, room, work, deliver, arg);
 *	while (...) {
 *		struct slot *s = ring_slot(&r, why);      NULL: a piece before it has failed
 *		... fill s->in, s->size, s->mark ...
 *		ring_give(&r);
 *	}
 *	good = ring_end(&r, why);                         delivers the rest, and frees all of it
 *
 * work runs in any thread, deliver in the caller's. How many processors there are makes no difference to what is delivered.
 */
#ifndef RING_H
#define RING_H

#include <pthread.h>

#include "lib/io.h"

enum { RING_THREADS = 2, RING_SLOTS = RING_THREADS + 2 };

struct slot {
	unsigned char *in, *out; /* room bytes each */
	size_t size, made;       /* bytes of in, set by the caller; of out, set by work */
	uint32_t mark;           /* the caller's own */
	void *own;               /* work's own, NULL at first: free_own gets it in the end */

	/* private */
	bool done, good;
	char why[WHY];
};

/* False, and why, where it cannot be done. */
typedef bool ring_work(struct slot *s, char why[WHY]);
typedef bool ring_deliver(void *arg, const struct slot *s, char why[WHY]);

struct ring {
	ring_work *work;
	ring_deliver *deliver;
	void (*free_own)(void *own); /* may be set behind ring_start */
	void *arg;

	/* private */
	struct slot slot[RING_SLOTS];
	uint64_t given, begun, delivered;
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	pthread_t thread[RING_THREADS];
	size_t threads;
	bool closed, failed;
	char why[WHY];
};

void ring_start(struct ring *r, size_t room, ring_work *work, ring_deliver *deliver, void *arg);

/* The place of the next piece, once the oldest is delivered where all are full; NULL, and why. */
struct slot *ring_slot(struct ring *r, char why[WHY]);

/* What ring_slot gave is full. */
void ring_give(struct ring *r);

/* All that was given is delivered. False as for ring_end. */
bool ring_drain(struct ring *r, char why[WHY]);

/* False, and why, where work or deliver has failed for any piece: what was given behind that one was not delivered. */
bool ring_end(struct ring *r, char why[WHY]);

#endif
