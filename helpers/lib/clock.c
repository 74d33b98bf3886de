/* clock.c - time that nobody sets: deadlines survive a changed wall clock, and Ctrl-Z. */
#include <time.h>

#include "lib/job.h"

int64_t
now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		die_errno(EXIT_SYSTEM, "cannot read the clock");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 - stopped_ms();
}
