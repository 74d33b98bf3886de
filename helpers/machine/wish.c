/* wish.c - what the user wants packed, as it was said: in the settings, or in an images file. Unchecked. */
#include <stdlib.h>
#include <string.h>

#include "machine/options.h"

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

static void
refuse_beside_several(const char *name, const char *what)
{
	if (given(setting(name)))
		refuse("%s goes with one image, not with %s; give it in the images file, or IMAGE=", name,
		       what);
}

/* The options are those of one image. */
static void
refuse_with_several(const char *what)
{
	for (size_t i = 0; i < option_count; i++)
		refuse_beside_several(options[i].name, what);
}

static void
take_settings(struct wish *w)
{
	for (size_t i = 0; i < option_count; i++)
		if (has_list(&options[i]))
			split_words(setting(options[i].name), option_list(w, &options[i]));
		else
			set_option(w, &options[i], setting(options[i].name));
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
		if (names.count == 1)
			take_settings(&w[i]);
	}
	*count = names.count;
	return w;
}

/* The rest of "NAME=rest", or NULL where the line is not of that name. */
static const char *
value_in(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

/* False where the line is no option of an image. Arguments come one by one. */
static bool
fill(struct wish *w, const char *line)
{
	const char *value;

	for (size_t i = 0; i < option_count; i++)
		if ((value = value_in(line, options[i].name)) != NULL) {
			if (has_list(&options[i]))
				list_add(option_list(w, &options[i]), value);
			else
				set_option(w, &options[i], value);
			return true;
		}
	return false;
}

bool
parse_wishes(const struct list *request, struct wish **wishes, size_t *count, char why[200])
{
	struct wish *w = NULL;
	bool good = true;

	*count = 0;
	for (size_t i = 0; i < request->count && good; i++) {
		const char *line = request->at[i];

		const char *image = value_in(line, "IMAGE");

		if (image != NULL) {
			w = xrealloc(w, ++*count * sizeof(*w));
			w[*count - 1] = (struct wish){.image = image};
		} else
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

/* Whether a word of ONLY is that image: of any tag, where it has none. */
static bool
is_meant(const char *word, const struct wish *w)
{
	const char *image = w->image, *base = base_name(image), *colon = strchr(base, ':');
	size_t name = colon ? (size_t)(colon - image) : strlen(image);

	return strcmp(word, image) == 0 || (strchr(base_name(word), ':') == NULL && strlen(word) == name &&
					    strncmp(word, image, name) == 0);
}

/* Those of the file that ONLY names are left, in the file's order; without it all. */
static void
keep_only(struct wish *w, size_t *count)
{
	struct list words = {0}, names = {0};
	size_t kept = 0;
	char *all;

	split_words(setting("ONLY"), &words);
	if (words.count == 0)
		return;
	for (size_t i = 0; i < *count; i++)
		list_add(&names, w[i].image);
	all = list_join(&names, ", ");
	for (size_t k = 0; k < words.count; k++) {
		bool known = false;

		for (size_t i = 0; i < *count; i++)
			known = known || is_meant(words.at[k], &w[i]);
		if (!known)
			refuse("ONLY: '%s' is no image of '%s', which has %s", words.at[k],
			       setting("IMAGES_FILE"), all);
	}
	for (size_t i = 0; i < *count; i++) {
		bool meant = false;

		for (size_t k = 0; k < words.count; k++)
			meant = meant || is_meant(words.at[k], &w[i]);
		if (meant)
			w[kept++] = w[i];
	}
	*count = kept;
	free(all);
	list_free(&names);
	list_free(&words);
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
	keep_only(w, count);
	return w;
}
