/*
 * Headers of a registry's answer, as libcurl hands them over: one line a call, not ended by a NUL. The
 * input's first line is the header that is wanted, as wait-ready's -H; what passes for it has name and value
 * of it.
 */
#include "lib/ready.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */

#include "fuzz.h"

static void
feed(const uint8_t *line, size_t size, struct answer *a)
{
	char *alone = xmalloc(size);
	size_t n = strlen(a->probe->header), v = strlen(a->probe->value);

	memcpy(alone, line, size);
	a->ours = false;
	must(on_header(alone, 1, size, a) == size);
	if (a->ours) {
		must(size > n && strncasecmp(alone, a->probe->header, n) == 0 && alone[n] == ':');
		/* nothing but blanks on either side of it */
		for (n++; n < size && (alone[n] == ' ' || alone[n] == '\t'); n++)
			continue;
		must(size - n >= v && memcmp(alone + n, a->probe->value, v) == 0);
		for (n += v; n < size; n++)
			must(strchr(" \r\n", alone[n]) != NULL);
	}
	free(alone);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size, *newline = memchr(bytes, '\n', size);
	struct probe p = {.url = ""};
	struct answer a = {.probe = &p};
	char *wanted, *colon;

	if (newline == NULL)
		return 0;
	wanted = text_of(bytes, (size_t)(newline - bytes));
	colon = strchr(wanted, ':');
	if (colon) {
		*colon = '\0';
		p.header = wanted;
		p.value = colon + 1 + strspn(colon + 1, " ");
		for (bytes = newline + 1; bytes < end; bytes = newline) {
			newline = memchr(bytes, '\n', (size_t)(end - bytes));
			newline = newline ? newline + 1 : end;
			feed(bytes, (size_t)(newline - bytes), &a);
		}
	}
	free(wanted);
	return 0;
}
