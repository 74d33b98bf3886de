/* cache.c - CACHE_DIR: made where it is missing, and refused where others could write to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"

/* Whoever can write to the folder, or replace one above it, decides what we boot. */
static void
check_trust(const char *path, bool last)
{
	struct stat st;

	if (stat(path, &st) != 0)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot look at '%s'", path);
	if (!S_ISDIR(st.st_mode))
		refuse("CACHE_DIR: '%s' is not a folder; give another CACHE_DIR", path);
	if (st.st_uid != geteuid() && (last || st.st_uid != 0))
		refuse("CACHE_DIR: '%s' belongs to another user (uid %ld); give a CACHE_DIR of your own%s",
		       path, (long)st.st_uid, geteuid() == 0 ? ", or run make as that user" : "");
	if ((st.st_mode & S_IWOTH) && (last || others_can_write(path, &st)))
		refuse(
		    "CACHE_DIR: everybody can write to '%s'; run `chmod o-w '%s'` or give another CACHE_DIR",
		    path, path);
	if (last ? (st.st_mode & S_IWGRP) != 0 : others_can_write(path, &st))
		refuse("CACHE_DIR: a group can write to '%s'; run `chmod g-w '%s'` or give another CACHE_DIR",
		       path, path);
}

/* All folders of a path without links, and the last one as strictly as it is asked for. */
static void
check_all(char *real, bool last)
{
	for (char *slash = real + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		check_trust(real, false);
		*slash = '/';
	}
	check_trust(real, last);
}

static void
cannot_make(const char *path)
{
	refuse("CACHE_DIR: cannot create '%s' (%s); give a CACHE_DIR that can be written", path,
	       strerror(errno));
}

/*
 * Nothing is made in a folder that is refused: under sudo with the user's HOME the folders would be root's,
 * and the user locked out of them. So what is there is looked at, from the top, before what is missing is
 * made in it. Where nothing is to be made, it ends at what is missing, and is false.
 */
static bool
make_trusted(const char *path, bool make)
{
	bool there = true;
	char *part = xstrdup(path), *real, *slash;
	struct stat st;

	for (slash = part + 1; slash != NULL; slash++) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (stat(part, &st) != 0) {
			char *last = strrchr(part, '/');

			if (errno != ENOENT)
				cannot_make(path);
			*last = '\0';
			real = realpath(last == part ? "/" : part, NULL);
			*last = '/';
			if (real == NULL)
				cannot_make(path);
			check_all(real, false);
			there = make;
			if (!make && access(real, W_OK | X_OK) != 0)
				cannot_make(path);
			free(real);
			if (!make)
				break;
			if (mkdir(part, slash ? 0777 : 0700) != 0 && errno != EEXIST)
				cannot_make(path);
		}
		if (slash == NULL)
			break;
		*slash = '/';
	}
	free(part);
	return there;
}

/* One of our folders in CACHE_DIR. That it could be made says nothing: it may have been there. */
static void
prepare_folder(const char *name, bool make)
{
	struct stat st;
	char why[200];

	if (make && make_folders(name, 0700) != 0)
		cannot_make(name);
	if (lstat(name, &st) != 0 && !make && errno == ENOENT)
		return;
	if (lstat(name, &st) != 0)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot look at '%s/%s'", setting("CACHE_DIR"), name);
	if (!S_ISDIR(st.st_mode))
		refuse("CACHE_DIR: '%s/%s' is no folder; move it away", setting("CACHE_DIR"), name);
	if (!is_private(&st, why))
		refuse("CACHE_DIR: '%s/%s' is not yours alone: %s; move it away", setting("CACHE_DIR"), name,
		       why);
}

static void
look_at_cache(bool make)
{
	static const char *const folders[] = {".lock",     ".run",   ".id",   ".key",
					      ".verified", ".parts", ".used", ".history"};
	char *real;

	if (*setting("CACHE_DIR") == '\0')
		refuse(
		    "CACHE_DIR: there is no folder for the machines, since HOME is not set; give CACHE_DIR=<folder>, or set HOME");
	if (!make_trusted(setting("CACHE_DIR"), make))
		return;
	real = realpath(setting("CACHE_DIR"), NULL);
	if (real == NULL)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot resolve '%s'", setting("CACHE_DIR"));
	check_all(real, true);
	if (access(real, W_OK) != 0)
		die_errno(EXIT_NO,
			  "error: CACHE_DIR: cannot write to '%s'; give a CACHE_DIR that can be written",
			  real);
	if (setenv("CACHE_DIR", real, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set CACHE_DIR");
	if (chdir(real) != 0)
		die_errno(EXIT_SYSTEM, "cannot enter '%s'", real);
	for (size_t i = 0; i < LENGTH(folders); i++)
		prepare_folder(folders[i], make);
	free(real);
}

void
prepare_cache(void)
{
	look_at_cache(true);
}

void
examine_cache(void)
{
	look_at_cache(false);
}
