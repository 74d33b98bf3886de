/*
 * counts.h - hits and misses, in CACHE_DIR/.counts: a line of numbers for all that was, and one for each run behind it. They are no
 * more than numbers for people: what cannot be written is not counted. The working folder is CACHE_DIR.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include "lib/lib.h"

struct counts {
	uint64_t hits, misses;
	uint64_t saved_ms; /* that the hits' packs had taken */
	uint64_t spent_ms; /* that the misses' packs have taken */
	uint64_t bytes;    /* that were packed */
};

/* Adds what a run did. */
void counts_add(const struct counts *c);

void counts_read(struct counts *c);

#endif
