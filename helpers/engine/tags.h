/*
 * tags.h - the names that a run gives to images, and how they go.
 *
 * A name is written down in the run's folder before it is given: <key>.tag holds the reference and, on a
 * second line, the ID of the image that is meant. The working folder is CACHE_DIR.
 */
#ifndef TAGS_H
#define TAGS_H

#include "lib/lib.h"

#define PIN_PREFIX "smolmake-pin:"

/* Which names go: those on a port, which the caller's own registry has; or all, on ports that nobody has. */
enum { EVERY_PORT = 0 };

/*
 * Removes what the folders say, with the references by digest that pushes have left, and the files with them.
 * Images stay, but for those that were loaded for a run. False where something stays: its port is another
 * registry's by now, or the engine does not answer.
 */
bool tags_remove(char *const *runs, size_t count, int own_port);

/* Whether the folder names any. */
bool tags_there(const char *run);

#endif
