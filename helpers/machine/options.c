/*
 * options.c - the options of an image: their names, the flags of docker and smolvm for them, and what they
 * make of a machine's key.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "machine/options.h"

enum { CPUS_MAX = 255, MEMORY_MIB_MAX = 4 << 20 };

#define AT(field) offsetof(struct wish, field)

const struct option options[] = {
    {"BUILD_ARGS", OPTION_ARGUMENTS, AT(build_args), "--build-arg", NULL, 0},
    {"CONTEXT", OPTION_PATH, AT(context), NULL, NULL, 0},
    {"CPUS", OPTION_NUMBER, AT(cpus), NULL, "--cpus", CPUS_MAX},
    {"DOCKERFILE", OPTION_PATH, AT(dockerfile), "--file", NULL, 0},
    {"ENTRYPOINT", OPTION_TEXT, AT(entrypoint), NULL, "--entrypoint", 0},
    {"MEM", OPTION_MEMORY, AT(mem), NULL, "--mem", MEMORY_MIB_MAX},
    {"NO_CACHE", OPTION_SWITCH, AT(no_cache), "--no-cache", NULL, 0},
    {"OUT", OPTION_RESULT, AT(out), NULL, NULL, 0},
    {"PLATFORM", OPTION_PLATFORM, AT(platform), "--platform", "--oci-platform", 0},
    {"PULL", OPTION_SWITCH, AT(pull), "--pull", NULL, 0},
    {"SECRET", OPTION_LIST, AT(secrets), "--secret", NULL, 0},
    {"SMOLFILE", OPTION_CONTENT, AT(smolfile), NULL, "--smolfile", 0},
    {"SSH", OPTION_LIST, AT(ssh), "--ssh", NULL, 0},
    {"TARGET", OPTION_STAGE, AT(target), "--target", NULL, 0},
};
const size_t option_count = LENGTH(options);

bool
has_list(const struct option *o)
{
	return o->kind == OPTION_ARGUMENTS || o->kind == OPTION_LIST;
}

struct list *
option_list(struct wish *w, const struct option *o)
{
	return (struct list *)((char *)w + o->at);
}

const char *
option_value(const struct wish *w, const struct option *o)
{
	return has_list(o) ? NULL : *(const char *const *)((const char *)w + o->at);
}

bool
is_given(const struct wish *w, const struct option *o)
{
	if (has_list(o))
		return ((const struct list *)((const char *)w + o->at))->count > 0;
	return given(option_value(w, o));
}

void
set_option(struct wish *w, const struct option *o, const char *value)
{
	*(const char **)((char *)w + o->at) = value;
}

json_t *
options_as_json(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &options[i];
		char *key = xstrdup(o->name);

		for (char *p = key; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "key", key, "name", o->name, "type",
						     o->kind == OPTION_NUMBER      ? "whole"
						     : o->kind == OPTION_MEMORY    ? "memory"
						     : o->kind == OPTION_SWITCH    ? "switch"
						     : o->kind == OPTION_ARGUMENTS ? "arguments"
						     : o->kind == OPTION_LIST      ? "list"
										   : "text"));
		free(key);
	}
	return all;
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

	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &options[i];
		const char *value = option_value(w, o);

		if (o->pack_flag != NULL && value != NULL && *value != '\0') {
			char *line =
				 option_line(o->name, o->kind == OPTION_CONTENT ? w->smolfile_sha256 : value),
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
