/*
 * stand.c - where the user stands: what a relative path of a setting begins at.
 *
 * make -C DIR changes folder before anything of ours begins, and tells nobody from where. On Linux its own
 * command line has the -C (proc(5)); the folder from which it was called is the one that its caller is in, or
 * the one that a shell between them wrote into PWD. Which of them it was shows by the -C, which lead from
 * there to where make is now. Elsewhere PWD is all that can be known.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

/* Options of GNU Make 4 whose argument may be a word of its own, but for -C. */
static bool
takes_word(const char *option)
{
	static const char *const names[] = {"file",     "makefile",   "include-dir", "old-file", "assume-old",
					    "new-file", "assume-new", "what-if",     "eval"};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(option, names[i]) == 0)
			return true;
	return false;
}

/*
 * Of "-kC..." or "-C...": the letters up to the first that takes an argument. NULL: none does, or an optional
 * one.
 */
static const char *
argument_in(const char *letters, char *which)
{
	for (; *letters; letters++) {
		if (strchr("CfIoWE", *letters)) {
			*which = *letters;
			return letters + 1;
		}
		if (strchr("jlO", *letters))
			break;
	}
	return NULL;
}

void
make_changes(char *const *argv, struct list *folders)
{
	for (size_t i = 1; argv[0] && argv[i] && strcmp(argv[i], "--") != 0; i++) {
		const char *word = argv[i], *argument = NULL;
		char which = '\0';

		if (strncmp(word, "--directory=", 12) == 0)
			list_add(folders, word + 12);
		else if (strcmp(word, "--directory") == 0 && argv[i + 1])
			list_add(folders, argv[++i]);
		else if (strncmp(word, "--", 2) == 0)
			i += takes_word(word + 2) && argv[i + 1] ? 1 : 0;
		else if (*word == '-')
			argument = argument_in(word + 1, &which);
		if (argument && *argument == '\0')
			argument = argv[i + 1] ? argv[++i] : NULL;
		if (argument && which == 'C')
			list_add(folders, argument);
	}
}

/* Whether those folders, one after the other, lead from there to the working folder. */
static bool
leads_here(const char *from, const struct list *folders)
{
	char *path = xstrdup(from), *next;
	struct stat there, here;
	bool leads;

	for (size_t i = 0; i < folders->count; i++) {
		next =
		    *folders->at[i] == '/' ? xstrdup(folders->at[i]) : format("%s/%s", path, folders->at[i]);
		free(path);
		path = next;
	}
	leads = *from == '/' && stat(from, &there) == 0 && S_ISDIR(there.st_mode) &&
		stat(path, &there) == 0 && stat(".", &here) == 0 && there.st_ino == here.st_ino &&
		there.st_dev == here.st_dev;
	free(path);
	return leads;
}

#ifdef __linux__
static bool
strings_of(long pid, const char *file, struct list *out)
{
	char *path = format("/proc/%ld/%s", pid, file);
	bool good = read_request(path, out);

	free(path);
	return good;
}

/* Field 4 of /proc/PID/stat; 0 where there is none. */
static long
parent_of(long pid)
{
	char *path = format("/proc/%ld/stat", pid), *text = read_text(path, 4096, NULL);
	const char *end = text ? strrchr(text, ')') : NULL;
	long parent = end && strlen(end) > 4 ? strtol(end + 4, NULL, 10) : 0;

	free(text);
	free(path);
	return parent;
}

/* "" where it cannot be known. The caller frees it. */
static char *
folder_of_process(long pid)
{
	char *path = format("/proc/%ld/cwd", pid), *folder = realpath(path, NULL);

	free(path);
	return folder ? folder : xstrdup("");
}

static char *
called_from(const char *pwd)
{
	struct list argv = {0}, folders = {0}, environment = {0};
	long make = getppid(), caller = parent_of(make);
	char *folder = folder_of_process(caller), *from = NULL;
	bool changed = strings_of(make, "cmdline", &argv) && argv.count > 0, by_caller, by_pwd, stale;

	if (changed)
		make_changes(argv.at, &folders);
	by_caller = leads_here(folder, &folders);
	by_pwd = leads_here(pwd, &folders);
	/* Where each would do, PWD is right if a shell has set it since the caller began. */
	stale =
	    strings_of(caller, "environ", &environment) && strcmp(value_of(&environment, "PWD"), pwd) == 0;
	if (folders.count > 0 && by_pwd && !(by_caller && stale))
		from = xstrdup(pwd);
	else if (folders.count > 0 && by_caller)
		from = xstrdup(folder);
	free(folder);
	list_free(&argv);
	list_free(&folders);
	list_free(&environment);
	return from;
}
#else
static char *
called_from(const char *pwd)
{
	const struct list none = {0};
	struct stat st;

	(void)leads_here(pwd, &none);
	return *pwd == '/' && stat(pwd, &st) == 0 && S_ISDIR(st.st_mode) ? xstrdup(pwd) : NULL;
}
#endif

char *
standing_folder(const char *pwd)
{
	char here[PATH_MAX], *from = called_from(pwd);

	if (from == NULL && getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	return from ? from : xstrdup(here);
}

void
make_absolute(const char *name, const char *from, bool program)
{
	const char *value = setting(name);
	char *path;

	if (*value == '~')
		refuse(
		    "%s: '%s' begins with '~', which this shell left as it is; give %s=\"$HOME/...\" (a folder of that name: %s=./~...)",
		    name, value, name, name);
	if (*value == '\0' || *value == '/' || (program && strchr(value, '/') == NULL))
		return;
	path = format("%s/%s", strcmp(from, "/") == 0 ? "" : from, value);
	if (setenv(name, path, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set %s", name);
	free(path);
}
