/* wish.c - what the user wants packed, as it was said: in the settings, or in an images file. Unchecked. */
#include <stdlib.h>
#include <string.h>

#include "wish.h"

bool
given(const char *s)
{
	return s != NULL && *s != '\0';
}

static void
split_words(const char *text, struct list *out)
{
	static const char blanks[] = " \t\r\n";

	while (*(text += strspn(text, blanks))) {
		size_t n = strcspn(text, blanks);

		list_addf(out, "%.*s", (int)n, text);
		text += n;
	}
}

/* What goes with one image only. */
static void
refuse_with_several(const char *what)
{
	static const char *const single[] = {"CONTEXT", "DOCKERFILE", "TARGET",   "BUILD_ARGS", "CPUS",
					     "MEM",     "ENTRYPOINT", "SMOLFILE", "PLATFORM",   "OUT"};

	for (size_t i = 0; i < LENGTH(single); i++)
		if (given(setting(single[i])))
			refuse("%s goes with one image, not with %s; give it in the images file, or IMAGE=",
			       single[i], what);
}

/* The wish of the settings: IMAGE, or each of IMAGES. */
struct wish *
wishes_of_settings(size_t *count)
{
	struct list names = {0};
	struct wish *w;

	split_words(setting("IMAGES"), &names);
	if (names.count > 0) {
		if (given(setting("IMAGE")))
			refuse("IMAGE and IMAGES exclude each other; give one of them");
		if (names.count > 1)
			refuse_with_several("IMAGES");
	} else
		list_add(&names, setting("IMAGE"));
	w = xmalloc(names.count * sizeof(*w));
	for (size_t i = 0; i < names.count; i++) {
		w[i] = (struct wish){.image = names.at[i]};
		if (names.count == 1) {
			w[i].context = setting("CONTEXT");
			w[i].dockerfile = setting("DOCKERFILE");
			w[i].target = setting("TARGET");
			w[i].platform = setting("PLATFORM");
			w[i].cpus = setting("CPUS");
			w[i].mem = setting("MEM");
			w[i].entrypoint = setting("ENTRYPOINT");
			w[i].smolfile = setting("SMOLFILE");
			split_words(setting("BUILD_ARGS"), &w[i].build_args);
		}
	}
	*count = names.count;
	return w;
}

static void
fill(struct wish *w, const char *line)
{
	struct {
		const char *name;
		const char **to;
	} fields[] = {
	    {"IMAGE=", &w->image},   {"CONTEXT=", &w->context},       {"DOCKERFILE=", &w->dockerfile},
	    {"TARGET=", &w->target}, {"PLATFORM=", &w->platform},     {"CPUS=", &w->cpus},
	    {"MEM=", &w->mem},       {"ENTRYPOINT=", &w->entrypoint}, {"SMOLFILE=", &w->smolfile}};

	for (size_t i = 0; i < LENGTH(fields); i++)
		if (strncmp(line, fields[i].name, strlen(fields[i].name)) == 0) {
			*fields[i].to = line + strlen(fields[i].name);
			return;
		}
	if (strncmp(line, "BUILD_ARG=", 10) != 0)
		die(EXIT_USAGE, "'%s' is no setting of an image", line);
	list_add(&w->build_args, line + 10);
}

/* The wishes of a request file: K=V strings, each image beginning with IMAGE. */
struct wish *
wishes_of_file(const char *file, size_t *count)
{
	static struct list lines;
	struct wish *w = NULL;

	refuse_with_several("smolmachines");
	if (!read_request(file, &lines))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", file);
	*count = 0;
	for (size_t i = 0; i < lines.count; i++) {
		if (strncmp(lines.at[i], "IMAGE=", 6) == 0) {
			w = xrealloc(w, ++*count * sizeof(*w));
			w[*count - 1] = (struct wish){0};
		}
		if (*count == 0)
			die(EXIT_USAGE, "'%s' does not begin with IMAGE", file);
		fill(&w[*count - 1], lines.at[i]);
	}
	if (*count == 0)
		refuse("IMAGES_FILE: '%s' names no image", setting("IMAGES_FILE"));
	return w;
}
