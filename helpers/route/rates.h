/* rates.h - how long a push and an export take, by measured rates; in tenths of a second. */
#ifndef RATES_H
#define RATES_H

#include <stdbool.h>
#include <stdint.h>

/* A push that brings so many bytes of layers. compressed: the engine keeps them so, and need not do it. */
uint64_t push_time(uint64_t bytes, bool compressed);

/* An export of images of so many bytes. */
uint64_t export_time(uint64_t bytes);

#endif
