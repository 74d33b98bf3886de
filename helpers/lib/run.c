/* run.c - where a helper of a run is: CACHE_DIR, the run's folder in it, and the programs of PATH. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

int
operands(int argc, char **argv, const char *usage)
{
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+h")) != -1)
		if (opt == 'h')
			show_usage(usage);
		else
			bad_usage(usage);
	return optind;
}

void
enter_cache(void)
{
	if (chdir(needed("CACHE_DIR")) != 0)
		die_errno(EXIT_SYSTEM, "cannot enter '%s'", setting("CACHE_DIR"));
}

bool
is_in_cache(const char *path)
{
	const char *cache = setting("CACHE_DIR");
	size_t n = strlen(cache);
	char here[PATH_MAX];

	if (*path == '/')
		return n > 0 && strncmp(path, cache, n) == 0 && path[n] == '/';
	return getcwd(here, sizeof(here)) != NULL && strcmp(here, cache) == 0;
}

char *
find_program(const char *name)
{
	const char *path = setting("PATH");
	struct stat st;

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	while (*name && *path) {
		size_t n = strcspn(path, ":");
		char *file = format("%.*s/%s", (int)n, path, name);

		if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
			return file;
		free(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

char *
sibling_program(const char *program, const char *name)
{
	const char *slash = strrchr(program, '/');
	char *path = format("%.*s%s", slash ? (int)(slash - program) + 1 : 0, program, name),
	     *real = realpath(path, NULL);

	if (real == NULL)
		return path;
	free(path);
	return real;
}
