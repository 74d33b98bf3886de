/* files.c - the files of a run, by name. */
#include <stdlib.h>
#include <string.h>

#include "run/files.h"

enum { IMAGES_MAX = 1 << 20 };

char *
run_file(const char *name, const char *kind)
{
	return format("%s/%s/%s.%s", needed("CACHE_DIR"), needed("RUN"), name, kind);
}

char *
run_path(const char *file)
{
	return format("%s/%s/%s", needed("CACHE_DIR"), needed("RUN"), file);
}

void
read_settings(const char *name, struct list *out)
{
	char *path = run_file(name, OF_ENV);

	if (!read_request(path, out))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	free(path);
}

void
read_slugs(struct list *slugs)
{
	char *path = run_path(RUN_IMAGES), *images = read_text(path, IMAGES_MAX, NULL), *rest = NULL;

	for (char *slug = images ? strtok_r(images, "\n", &rest) : NULL; slug;
	     slug = strtok_r(NULL, "\n", &rest))
		if (!list_has(slugs, slug))
			list_add(slugs, slug);
	free(images);
	free(path);
}
