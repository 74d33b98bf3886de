/* ring.c - pieces of a stream that several threads work on, delivered in the order in which they were given. */
#include <stdlib.h>
#include <string.h>

#include "image/encode.h"
#include "image/ring.h"

static void
do_slot(struct ring *r, struct slot *s)
{
	s->good = r->work(s, s->why);
}

static void *
work(void *arg)
{
	struct ring *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct slot *s;

		while (r->begun == r->given && !r->closed)
			pthread_cond_wait(&r->more, &r->lock);
		if (r->begun == r->given)
			break;
		s = &r->slot[r->begun++ % RING_SLOTS];
		pthread_mutex_unlock(&r->lock);
		do_slot(r, s);
		pthread_mutex_lock(&r->lock);
		s->done = true;
		pthread_cond_signal(&r->done);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void
ring_start(struct ring *r, size_t room, ring_work *work_on, ring_deliver *deliver, void *arg)
{
	*r = (struct ring){.work = work_on, .deliver = deliver, .arg = arg};
	for (size_t i = 0; i < RING_SLOTS; i++)
		r->slot[i] = (struct slot){.in = xmalloc(room), .out = xmalloc(room)};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	pthread_cond_init(&r->done, NULL);
	for (size_t i = 0; i < processors(RING_THREADS); i++)
		if (pthread_create(&r->thread[r->threads], NULL, work, r) == 0)
			r->threads++;
}

/* Behind a failure nothing is delivered any more. */
static void
deliver_oldest(struct ring *r)
{
	struct slot *s = &r->slot[r->delivered % RING_SLOTS];

	pthread_mutex_lock(&r->lock);
	while (!s->done)
		pthread_cond_wait(&r->done, &r->lock);
	pthread_mutex_unlock(&r->lock);
	if (!r->failed && !s->good) {
		r->failed = true;
		memcpy(r->why, s->why, WHY);
	}
	if (!r->failed && !r->deliver(r->arg, s, r->why))
		r->failed = true;
	s->done = false;
	r->delivered++;
}

struct slot *
ring_slot(struct ring *r, char why[WHY])
{
	if (r->given - r->delivered == RING_SLOTS)
		deliver_oldest(r);
	if (r->failed) {
		memcpy(why, r->why, WHY);
		return NULL;
	}
	return &r->slot[r->given % RING_SLOTS];
}

void
ring_give(struct ring *r)
{
	struct slot *s = &r->slot[r->given % RING_SLOTS];

	if (r->threads == 0) { /* none could be started */
		do_slot(r, s);
		s->done = true;
		r->begun++;
	}
	pthread_mutex_lock(&r->lock);
	r->given++;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

bool
ring_drain(struct ring *r, char why[WHY])
{
	while (r->delivered < r->given)
		deliver_oldest(r);
	if (r->failed)
		memcpy(why, r->why, WHY);
	return !r->failed;
}

bool
ring_end(struct ring *r, char why[WHY])
{
	bool good = ring_drain(r, why);

	pthread_mutex_lock(&r->lock);
	r->closed = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->threads; i++)
		pthread_join(r->thread[i], NULL);
	for (size_t i = 0; i < RING_SLOTS; i++) {
		if (r->slot[i].own != NULL && r->free_own != NULL)
			r->free_own(r->slot[i].own);
		free(r->slot[i].in);
		free(r->slot[i].out);
	}
	pthread_cond_destroy(&r->done);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	return good;
}
