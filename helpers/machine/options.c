/*
 * options.c - the options of a pack: their names, smolvm's flags for them, and what they make of a machine's
 * key.
 */
#include <stdlib.h>
#include <string.h>

#include "machine/options.h"

enum { CPUS, ENTRYPOINT, MEM, PLATFORM, SMOLFILE };

const struct pack_option pack_option[] = {
    [CPUS] = {"CPUS", "--cpus"},
    [ENTRYPOINT] = {"ENTRYPOINT", "--entrypoint"},
    [MEM] = {"MEM", "--mem"},
    [PLATFORM] = {"PLATFORM", "--oci-platform"},
    [SMOLFILE] = {"SMOLFILE", "--smolfile"},
};
const size_t pack_option_count = LENGTH(pack_option);

const char *
option_value(const struct wish *w, size_t i)
{
	const char *const values[] = {
	    [CPUS] = w->cpus,         [ENTRYPOINT] = w->entrypoint, [MEM] = w->mem,
	    [PLATFORM] = w->platform, [SMOLFILE] = w->smolfile,
	};

	return values[i];
}

/*
 * K=V, one a line. A value of several lines could pretend to be several options: its length goes before it,
 * as "K:LENGTH=V", which no other list of options comes out as.
 */
static char *
option_line(const char *name, const char *value)
{
	if (strchr(value, '\n') == NULL)
		return format("%s=%s\n", name, value);
	return format("%s:%zu=%s\n", name, strlen(value), value);
}

char *
option_suffix(const struct wish *w)
{
	char hex[SHA256_HEX + 1], *text = xstrdup(""), *suffix;

	for (size_t i = 0; i < pack_option_count; i++) {
		/* a Smolfile is known by its content */
		const char *value = option_value(w, i),
			   *key = given(value) && i == SMOLFILE ? w->smolfile_sha256 : value;

		if (given(value)) {
			char *line = option_line(pack_option[i].name, key),
			     *longer = format("%s%s", text, line);

			free(line);
			free(text);
			text = longer;
		}
	}
	sha256_hex(text, strlen(text), hex);
	suffix = *text ? format("-%.8s", hex) : xstrdup("");
	free(text);
	return suffix;
}
