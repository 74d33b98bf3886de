/* id.c - image IDs; apart from digest.c, since most of those who read one compute none. */
#include <string.h>

#include "lib/lib.h"

bool
digest_hex(const char *text, char hex[SHA256_HEX + 1])
{
	static const char prefix[] = "sha256:";
	size_t n = sizeof(prefix) - 1;

	if (strncmp(text, prefix, n) != 0 || strspn(text + n, "0123456789abcdef") != SHA256_HEX ||
	    text[n + SHA256_HEX + strspn(text + n + SHA256_HEX, " \t\r\n")] != '\0')
		return false;
	memcpy(hex, text + n, SHA256_HEX);
	hex[SHA256_HEX] = '\0';
	return true;
}
