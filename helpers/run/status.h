/*
 * status.h - what a run does to each image right now: written by the step, read by who shows it (run/show.h).
 *
 * Without a run nothing is written. What cannot be written is not shown, and no failure. Each step that has ended is an event of the
 * run (machine/history.h).
 */
#ifndef STATUS_H
#define STATUS_H

#include "lib/lib.h"

struct status {
	char verb[8];          /* BUILD, EXPORT, PUSH, PACK, VERIFY or WAIT; "" while nothing is done */
	uint64_t bytes, total; /* 0: not known */
};

/* names: slugs or keys, blank-separated; NULL: of nobody. A program does one thing at a time. */
void status_begin(const char *names, const char *verb);

/* So many bytes of verb's, of total; 0: not known. Counts as long as that is what is done to the image. */
void status_bytes(const char *names, const char *verb, uint64_t bytes, uint64_t total);

void status_end(const char *names);

/* They wait: for another run, or for room; no more, when they do not. */
void status_waits(const char *names, bool wait);

/* Whether something is done to the image of this slug or key. */
bool status_read(const char *name, struct status *s);

#endif
