/*
 * way.c - by which way an image gets to smolvm fastest.
 *
 * A push costs what the engine compresses: only the layers that the store does not have. The direct way costs
 * an export, which is all of the image, but uncompressed. So the first miss goes direct, and so
 * does every one where most of the image is new. A second one is pushed, though that is slower once, if from
 * then on each would be faster: the layers below the one that changes every time are in the store then. The
 * rates are measured (Docker 20.10 on two processors, tests/bench/RESULTS.md); what is compared are their
 * ratios, which other machines share.
 */
#include <string.h>

#include "registry/way.h"

enum {
	PUSH_START = 3, /* tenths of a second: tag, push of nothing new */
	DIRECT_START = 1,
	PUSH_RATE = 35,        /* MB/s that the engine compresses */
	PUSH_PLAIN_RATE = 200, /* that it sends where it need not */
	DIRECT_RATE = 120,     /* that it exports */
	MB = 1000000,
};

static uint64_t
tenths(uint64_t bytes, unsigned rate)
{
	return bytes / (rate * (MB / 10));
}

/* A push that brings so many bytes of layers. */
uint64_t
push_time(const struct miss *m, uint64_t bytes)
{
	return PUSH_START + tenths(bytes, m->compressed ? PUSH_PLAIN_RATE : PUSH_RATE);
}

uint64_t
direct_time(const struct miss *m)
{
	return DIRECT_START + tenths(m->total, DIRECT_RATE);
}

static unsigned long long
mb(uint64_t bytes)
{
	return (bytes + MB / 2) / MB;
}

static enum way
fastest(const struct miss *m, char why[WHY])
{
	uint64_t push = push_time(m, m->unknown), next = push_time(m, m->changed), direct = direct_time(m);

	if (push < direct) {
		fail(why, "%llu of %llu MB are new to the store", mb(m->unknown), mb(m->total));
		return BY_STORE;
	}
	if (m->again && next < direct) {
		fail(why, "%llu MB are new to the store, and %llu MB will be at the next change",
		     mb(m->unknown), mb(m->changed));
		return BY_STORE;
	}
	if (m->again)
		fail(why, "%llu of %llu MB are new at every change", mb(m->changed), mb(m->total));
	else
		fail(why, "%llu of %llu MB are new to the store, of an image seen for the first time",
		     mb(m->unknown), mb(m->total));
	return BY_DIRECT;
}

/* The way, as long as the engine can reach us; why: what it was chosen for. */
enum way
choose_way(const struct miss *m, char why[WHY])
{
	bool automatic = strcmp(m->route, "auto") == 0;

	fail(why, "ROUTE=%s", m->route);
	if (strcmp(m->route, "direct") == 0)
		return BY_DIRECT;
	if (m->named) {
		fail(why, "REGISTRY_IMAGE is given");
		return BY_CONTAINER;
	}
	if (!automatic)
		return m->flat ? BY_CONTAINER : BY_STORE;
	if (m->flat) {
		fail(why, "it has to be one layer");
		return BY_DIRECT;
	}
	if (!m->keeps) {
		fail(why, "nothing is to be kept");
		return BY_DIRECT;
	}
	return fastest(m, why);
}
