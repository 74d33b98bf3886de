/*
 * show.h - what somebody sees while a run goes on.
 *
 * On a terminal each image at which something is done has a line of its own at the bottom, which changes in place and is never
 * wider than the window; what is said goes above them. Elsewhere, and on a terminal that cannot (TERM=dumb) or under CI, a line says
 * now and then what is done and for how long. Under make -s, and where progress is lines of JSON, neither.
 *
 *	show_begin();            before the run's command is started: its stderr, and its stdout on a terminal, come to us first
 *	...
 *	show_end();              when it has ended: all that it said is shown, the lines at the bottom are gone
 */
#ifndef SHOW_H
#define SHOW_H

#include "lib/lib.h"

/* Sets WATCHED for what is started (run/status.h). Where no thread or pipe can be had, nothing is shown. */
void show_begin(void);

void show_end(void);

#endif
