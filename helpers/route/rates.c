/*
 * rates.c - measured with Docker 20.10 on two processors (tests/bench/RESULTS.md). Their ratios are compared,
 * which other machines share.
 */
#include "route/rates.h"

enum {
	PUSH_START = 3, /* tenths of a second: tag, push of nothing new */
	EXPORT_START = 1,
	PUSH_RATE = 35,        /* MB/s that the engine compresses */
	PUSH_PLAIN_RATE = 200, /* that it sends where it need not */
	EXPORT_RATE = 120,
	MB = 1000000,
};

static uint64_t
tenths(uint64_t bytes, unsigned rate)
{
	return bytes / (rate * (MB / 10));
}

uint64_t
push_time(uint64_t bytes, bool compressed)
{
	return PUSH_START + tenths(bytes, compressed ? PUSH_PLAIN_RATE : PUSH_RATE);
}

uint64_t
export_time(uint64_t bytes)
{
	return EXPORT_START + tenths(bytes, EXPORT_RATE);
}
