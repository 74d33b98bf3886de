/*
 * What smolvm prints: its version, and why it failed. A version stands there; one that cannot be read has all
 * quirks.
 */
#define main unused_main
#include "with-smolvm.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */
#undef main

#include "fuzz.h"
#include "machine/quirks.h"

static void
check_version(const char *text)
{
	int version = parse_version(text), all = 0;
	char *first;

	for (int i = 0; i < quirk_count; i++)
		all |= quirk[i].bit;
	must((smolvm_quirks(text) & ~all) == 0);
	if (version < 0) {
		must(version == -1 && smolvm_quirks(text) == all);
		return;
	}
	must(version <= 999999999);
	first = format("%d.", version / 1000000);
	must(strstr(text, first) != NULL);
	free(first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes, size), path[32];

	check_version(text);
	file_of(bytes, size, path);
	loopback_refused(path);
	free(text);
	return 0;
}
