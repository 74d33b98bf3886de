/* reach.h - whether the engine's 127.0.0.1 is ours. */
#ifndef REACH_H
#define REACH_H

#include "lib/lib.h"

/* Asks the engine to pull from us once: true where it came. timeout: seconds, 0 is none. */
bool engine_reaches_us(const char *docker, unsigned timeout);

#endif
