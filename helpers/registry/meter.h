/*
 * meter.h - a long transfer, told to who waits for it: a line now and then, and one at its end. Where the run shows how far each
 * image is (WATCHED, run/show.h), the end alone.
 */
#ifndef METER_H
#define METER_H

#include "lib/lib.h"

struct meter {
	enum { METER_OFF, METER_END, METER_LINES } style;
	const char *verb;
	int64_t started, shown, measured;
	uint64_t seen;
	double rate; /* bytes a second, of late */
};

/* Nothing under make -s, nor where the lines are JSON. */
void meter_start(struct meter *m, const char *verb);

/* To be called several times a second; the clock begins with the first byte. */
void meter_show(struct meter *m, uint64_t bytes, uint64_t total);

#endif
