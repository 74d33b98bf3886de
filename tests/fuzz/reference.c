/* Image references: what is taken is made of harmless bytes, and is taken as the same again. */
#include "fuzz.h"

static bool
made_of(const char *text, const char *allowed)
{
	return *text && text[strspn(text, allowed)] == '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:[]";
	char *text = text_of(bytes, size), *again;
	struct reference r, s;
	size_t n, m;

	if (parse_reference(text, &r) && r.is_id)
		must(strlen(text) == 7 + SHA256_HEX && strcmp(r.path, "image") == 0 && *r.name == '\0');
	else if (parse_reference(text, &r)) {
		n = strlen(r.name);
		m = strlen(r.path);
		must(made_of(r.name, name));
		must(made_of(r.path, "abcdefghijklmnopqrstuvwxyz0123456789._-/"));
		must(made_of(r.tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"));
		must(n < 256 && m <= n && strlen(r.tag) <= 128);
		must(r.name[0] != '-' && r.path[0] != '/' && r.path[m - 1] != '/' && r.tag[0] != '-');
		must(strcmp(r.name + n - m, r.path) == 0);
		again = format("%s:%s", r.name, r.tag);
		/* "sha256:x" is refused, "sha256" alone is not */
		must(strcmp(r.name, "sha256") == 0 ||
		     (parse_reference(again, &s) && memcmp(&r, &s, sizeof(r)) == 0));
		free(again);
	}
	free(text);
	return 0;
}
