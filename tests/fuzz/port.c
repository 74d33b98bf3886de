/* What docker port and inspect print: a port that is taken stands there, behind a colon or in quotes. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes, size), digits[16];
	int port = parse_port(text);

	must(port >= 0 && port <= 65535);
	if (port > 0) {
		snprintf(digits, sizeof(digits), "%d", port);
		must(strchr(text, ':') != NULL && strstr(text, digits) != NULL);
	}
	free(text);
	return 0;
}
