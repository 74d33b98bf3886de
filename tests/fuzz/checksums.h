/*
 * checksums.h - a tar whose headers have the right checksums again: a fuzzer would hardly ever get past one.
 */
#ifndef CHECKSUMS_H
#define CHECKSUMS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *
with_checksums(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, size);
	for (uint8_t *h = copy; size >= 512; h += 512, size -= 512) {
		unsigned sum = 8 * ' ';
		char text[8];

		if (memcmp(h + 257, "ustar", 5) != 0)
			continue;
		for (size_t i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? 0 : h[i];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(h + 148, text, 7);
		h[155] = ' ';
	}
	return copy;
}

#endif
