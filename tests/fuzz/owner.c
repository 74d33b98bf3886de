/* Owners' names, as in labels of containers that anybody can make: what is judged is spelled as ours are. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes, size);
	int dashes = 0;

	if (owner_state(text) != UNKNOWN) {
		must(strspn(text, "0123456789abcdefABCDEF") == 12);
		must(text[strspn(text, "0123456789abcdefABCDEF-")] == '\0');
		for (const char *p = text; *p; p++)
			dashes += *p == '-';
		must(dashes == 3);
	}
	free(text);
	return 0;
}
