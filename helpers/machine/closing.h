/*
 * closing.h - the last lines of a run: what was made and how to boot it; each image that failed, as it was typed, with the step and
 * the reason; those that were not finished; and how many.
 */
#ifndef CLOSING_H
#define CLOSING_H

#include "lib/lib.h"

/*
 * Adds the lines of this run (CACHE_DIR, RUN), in the user's order. ids: it was to make IDs, no machines.
 * go_on: images that failed did not stop the others (make -k), so what is not finished has failed, if
 * without a word.
 */
void closing_lines(struct list *lines, bool ids, bool go_on);

/*
 * Notes the use of each machine that this run has made or found (used.h, counts.h), and says a line of each: DONE, with what boots
 * it, or CACHED. ms: how long the run took. Whether any was made.
 */
bool close_machines(int64_t ms);

#endif
