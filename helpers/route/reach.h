/* reach.h - whether the engine's 127.0.0.1 is ours. */
#ifndef REACH_H
#define REACH_H

#include "engine/engine.h"

bool engine_reaches_us(const char *docker, enum engine kind, unsigned timeout);

#endif
