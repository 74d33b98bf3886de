/* id.c - digests as text; apart from digest.c, since most of those who read one compute none. */
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

static const char prefix[] = DIGEST_PREFIX;

bool
digest_of_hex(const char *hex, const char *after, char digest[DIGEST])
{
	if (strspn(hex, "0123456789abcdef") != SHA256_HEX || strcmp(hex + SHA256_HEX, after) != 0)
		return false;
	memcpy(digest, prefix, sizeof(prefix) - 1);
	memcpy(digest + sizeof(prefix) - 1, hex, SHA256_HEX);
	digest[DIGEST - 1] = '\0';
	return true;
}

bool
parse_digest(const char *text, char digest[DIGEST])
{
	return strncmp(text, prefix, sizeof(prefix) - 1) == 0 &&
	       digest_of_hex(text + sizeof(prefix) - 1, "", digest);
}

bool
is_digest(const char *text)
{
	char digest[DIGEST];

	return text != NULL && parse_digest(text, digest);
}

const char *
digest_digits(const char *id)
{
	return strncmp(id, prefix, sizeof(prefix) - 1) == 0 ? id + sizeof(prefix) - 1 : id;
}

bool
digest_hex(const char *text, char hex[SHA256_HEX + 1])
{
	char digest[DIGEST], *word = format("%.*s", (int)strcspn(text, " \t\r\n"), text);
	bool good =
	    text[strlen(word) + strspn(text + strlen(word), " \t\r\n")] == '\0' && parse_digest(word, digest);

	if (good)
		memcpy(hex, digest_digits(digest), SHA256_HEX + 1);
	free(word);
	return good;
}
