/*
 * meter.h - a long transfer, shown to who waits for it: a bar on a terminal, otherwise a line now and then.
 */
#ifndef METER_H
#define METER_H

#include "lib/lib.h"

struct meter {
	enum { METER_OFF, METER_BAR, METER_LINES } style;
	const char *verb;
	int64_t started, shown, measured;
	uint64_t seen;
	double rate; /* bytes a second, of late */
	bool open;   /* a bar stands in the terminal's line */
};

/* Nothing under make -s, nor where the lines are JSON. */
void meter_start(struct meter *m, const char *verb);

/* To be called several times a second; the clock begins with the first byte. */
void meter_show(struct meter *m, uint64_t bytes, uint64_t total);

/* Whatever is said next begins on a line of its own. */
void meter_end(struct meter *m);

#endif
