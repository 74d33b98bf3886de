/* wish.c - what the user wants packed, as it was said: in the settings, or in an images file. Unchecked. */
#include <stdlib.h>
#include <string.h>

#include "machine/wish.h"

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

/* False where the line is no setting of an image. */
static bool
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
			return true;
		}
	if (strncmp(line, "BUILD_ARG=", 10) != 0)
		return false;
	list_add(&w->build_args, line + 10);
	return true;
}

bool
parse_wishes(const struct list *request, struct wish **wishes, size_t *count, char why[200])
{
	struct wish *w = NULL;
	bool good = true;

	*count = 0;
	for (size_t i = 0; i < request->count && good; i++) {
		const char *line = request->at[i];

		if (strncmp(line, "IMAGE=", 6) == 0) {
			w = xrealloc(w, ++*count * sizeof(*w));
			w[*count - 1] = (struct wish){0};
		}
		good = *count > 0 && fill(&w[*count - 1], line);
		if (!good)
			snprintf(why, 200,
				 *count > 0 ? "'%.100s' is no setting of an image"
					    : "it begins with '%.100s', not with IMAGE",
				 line);
	}
	*wishes = w;
	return good;
}

struct wish *
wishes_of_file(const char *file, size_t *count)
{
	static struct list request;
	struct wish *w;
	char why[200];

	refuse_with_several("smolmachines");
	if (!read_request(file, &request))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", file);
	if (!parse_wishes(&request, &w, count, why))
		die(EXIT_USAGE, "'%s': %s", file, why);
	if (*count == 0)
		refuse("IMAGES_FILE: '%s' names no image", setting("IMAGES_FILE"));
	return w;
}
