/*
 * What smolvm prints: its version, and why it failed. A version stands there; one that cannot be read has all
 * faults; what is remembered of it stays in its folder.
 */
#define main unused_main
#include "with-floor.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */
#undef main

#include "fuzz.h"
#include "machine/smolvm.h"

static void
check_version(const char *text)
{
	int version = parse_version(text), all = 0;
	char *first;

	for (int i = 0; i < smolvm_fault_count; i++)
		all |= smolvm_fault[i].bit;
	must((smolvm_faults(text) & ~all) == 0);
	if (version < 0) {
		must(version == -1 && smolvm_faults(text) == all);
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
	char *text = text_of(bytes, size), path[32], *memory;

	check_version(text);
	file_of(bytes, size, path);
	memory = memory_of(path);
	must(strncmp(memory, ".floor/", 7) == 0 && strchr(memory + 7, '/') == NULL);
	must(memory[7] != '.' && memory[7] != '\0' && strlen(memory) <= 7 + 60);
	free(memory);
	loopback_refused(path);
	free(text);
	return 0;
}
