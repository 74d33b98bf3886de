/* files.c - the files of a run, by name. */
#include <stdlib.h>

#include "run/files.h"

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
