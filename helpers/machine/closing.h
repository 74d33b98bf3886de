/*
 * closing.h - the last lines of a run that failed: each image that failed, as it was typed, with the step and
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

#endif
