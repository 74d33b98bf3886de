/* out.c - OUT: where a machine is put besides the cache, and what must not be replaced by one. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/out.h"

char *
folder_of_out(const char *out)
{
	const char *slash = strrchr(out, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == out ? xstrdup("/") : format("%.*s", (int)(slash - out), out);
}

char *
sidecar_at(const char *out)
{
	return format("%s.smolmachine", out);
}

static bool
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* By what it is, since one folder has many names: links, and mounts. */
static bool
is_in(const char *real, const char *folder)
{
	char *path = xstrdup(real), *slash;
	struct stat wanted, st;
	bool found = false;

	if (*folder && stat(folder, &wanted) == 0)
		while (!found && *path) {
			found =
			    stat(path, &st) == 0 && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino;
			slash = strrchr(path, '/');
			*slash = '\0';
		}
	free(path);
	return found;
}

static const char *
kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a pipe";
	return S_ISSOCK(mode) ? "a socket" : "a device";
}

/*
 * A link is replaced, and what it leads to is not touched; but nobody means to lose one that leads to a
 * device.
 */
static void
check_place(const char *about, const char *path, const char *what)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		refuse("%sOUT: '%s'%s is %s; give the path of a file, as OUT=agent", about, path, what,
		       kind_of(st.st_mode));
}

static void
check_folder(const char *about, const char *out)
{
	char *folder = folder_of_out(out), *real = realpath(folder, NULL);
	const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
	long most = real ? pathconf(real, _PC_NAME_MAX) : -1;

	if (real == NULL || access(real, W_OK | X_OK) != 0)
		refuse(
		    "%sOUT: cannot write to '%s' (%s); give a path in a folder that is there and can be written",
		    about, folder, strerror(errno));
	if ((is_below(real, "/dev") && !is_below(real, "/dev/shm")) || is_below(real, "/proc") ||
	    is_below(real, "/sys"))
		refuse("%sOUT: '%s' is in '%s', which holds no files; give a path elsewhere", about, out,
		       real);
	if (is_in(real, setting("CACHE_DIR")))
		refuse("%sOUT: '%s' is in CACHE_DIR, where the machine is already; give a path elsewhere",
		       about, out);
	if (most > 0 && strlen(name) + strlen(".smolmachine") > (size_t)most)
		refuse(
		    "%sOUT: '%s' is too long a name for OUT.smolmachine beside it (at most %ld bytes); give a shorter one",
		    about, out, most);
	free(real);
	free(folder);
}

void
check_out(const char *about, const char *out)
{
	static const char end[] = ".smolmachine";
	size_t n = strlen(out);
	struct stat st;
	char *sidecar;

	if (out[n - 1] == '/' || (stat(out, &st) == 0 && S_ISDIR(st.st_mode)))
		refuse("%sOUT: '%s' is a folder; give the launcher's path", about, out);
	if (n > strlen(end) && strcmp(out + n - strlen(end), end) == 0)
		refuse(
		    "%sOUT: '%s' is the name of a sidecar, which is put beside the launcher; give OUT='%.*s'",
		    about, out, (int)(n - strlen(end)), out);
	check_folder(about, out);
	check_place(about, out, "");
	sidecar = sidecar_at(out);
	check_place(about, sidecar, ", where the sidecar goes,");
	free(sidecar);
}
