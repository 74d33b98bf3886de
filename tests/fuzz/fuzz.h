/* fuzz.h - what the fuzzers share. Each has one entry, libFuzzer's; tests/fuzz/main.c calls it too. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What holds for every input: a finding, as a bad access is. */
#define must(x) ((x) ? (void)0 : __builtin_trap())

/* The input as a string in memory of just its size, so that a look behind its end is seen. */
__attribute__((unused)) static char *
text_of(const uint8_t *bytes, size_t size)
{
	char *text = xmalloc(size + 1);

	memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}

/* The input as a file without a disk: its descriptor, and a path to it. */
__attribute__((unused)) static int
file_of(const uint8_t *bytes, size_t size, char path[32])
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	if (path)
		snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
