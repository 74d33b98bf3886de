/*
 * with-run - runs a command with a run folder of its own, CACHE_DIR/.run/<owner>.
 *
 * Resolves what the user gave as paths (CACHE_DIR, OUT, DOCKER, SMOLVM), refuses
 * a CACHE_DIR that others could write to, clears away what dead owners left, makes
 * the folder, and removes it and every tag that it names when the command is done.
 * What only the engine can clear away, sweep-runs does beside the command.
 * Last of all it says which images failed, at which step, and why (lib/failure.h).
 * Sets CACHE_DIR (absolute), RUN (relative to it) and PACK_JOBS.
 * Exit: the command's; 1 refused; 100 called wrongly; 111 trouble.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sweep.h"
#include "engine/sweeper.h"
#include "lib/failure.h"

#define USAGE "usage: with-run [-h] COMMAND [ARGUMENT...]   (environment: CACHE_DIR, DOCKER, ...)\n"

/* A pack's virtual machine has 4 processors and up to 8 GiB (smolvm, src/cli/pack.rs). */
enum { PACK_CPUS = 4, PACK_GIB = 8 };

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set %s", name);
}

/* A relative path stops being right where a step works in another folder. */
static void
make_absolute(const char *name)
{
	const char *value = setting(name);
	char here[PATH_MAX], *path;

	if (*value == '\0' || *value == '/' ||
	    (strchr(value, '/') == NULL && strcmp(name, "OUT") != 0 && strcmp(name, "CACHE_DIR") != 0))
		return;
	if (getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	path = format("%s/%s", here, value);
	set(name, path);
	free(path);
}

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
		refuse("CACHE_DIR: '%s' belongs to another user (uid %ld); give a CACHE_DIR of your own",
		       path, (long)st.st_uid);
	if ((st.st_mode & S_IWOTH) && (last || folder_is_open(path, &st)))
		refuse(
		    "CACHE_DIR: everybody can write to '%s'; run `chmod o-w '%s'` or give another CACHE_DIR",
		    path, path);
	if (last ? (st.st_mode & S_IWGRP) != 0 : folder_is_open(path, &st))
		refuse("CACHE_DIR: a group can write to '%s'; run `chmod g-w '%s'` or give another CACHE_DIR",
		       path, path);
}

static void
make_cache_folder(const char *path)
{
	if (make_folders(path, 0700) != 0)
		refuse("CACHE_DIR: cannot create '%s' (%s); give a CACHE_DIR that can be written", path,
		       strerror(errno));
}

/* One of our folders in CACHE_DIR. That it could be made says nothing: it may have been there. */
static void
open_folder(const char *name)
{
	struct stat st;
	char why[200];

	make_cache_folder(name);
	if (lstat(name, &st) != 0)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot look at '%s/%s'", setting("CACHE_DIR"), name);
	if (!S_ISDIR(st.st_mode))
		refuse("CACHE_DIR: '%s/%s' is no folder; move it away", setting("CACHE_DIR"), name);
	if (!is_private(&st, why))
		refuse("CACHE_DIR: '%s/%s' is not yours alone: %s; move it away", setting("CACHE_DIR"), name,
		       why);
}

static void
open_cache(void)
{
	static const char *const folders[] = {".lock", ".run", ".id", ".key", ".verified", ".floor"};
	char *real;

	make_absolute("CACHE_DIR");
	make_cache_folder(needed("CACHE_DIR"));
	real = realpath(setting("CACHE_DIR"), NULL);
	if (real == NULL)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot resolve '%s'", setting("CACHE_DIR"));
	for (char *slash = real + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		check_trust(real, false);
		*slash = '/';
	}
	check_trust(real, true);
	if (access(real, W_OK) != 0)
		die_errno(EXIT_NO,
			  "error: CACHE_DIR: cannot write to '%s'; give a CACHE_DIR that can be written",
			  real);
	set("CACHE_DIR", real);
	if (chdir(real) != 0)
		die_errno(EXIT_SYSTEM, "cannot enter '%s'", real);
	for (size_t i = 0; i < LENGTH(folders); i++)
		open_folder(folders[i]);
	free(real);
}

static void
set_pack_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), jobs;
	long long gib = (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 30;
	char text[16];

	if (*setting("PACK_JOBS")) {
		number("PACK_JOBS", setting("PACK_JOBS"), 1, 1000);
		return;
	}
	jobs = (cpus + PACK_CPUS - 1) / PACK_CPUS;
	if (jobs > gib / PACK_GIB)
		jobs = (long)(gib / PACK_GIB);
	snprintf(text, sizeof(text), "%ld", jobs < 1 ? 1 : jobs);
	set("PACK_JOBS", text);
}

/*
 * A group of its own: a signal reaches all that the run has started, past the shells between, which die at
 * once and tell nobody. Who the group is, is written down for the sweep, since nobody can hand on a SIGKILL.
 */
static struct outcome
run_in_group(const struct command *c, const char *run)
{
	pid_t pid = start_command(c);
	char *file = format("%s/group", run), *name;
	struct outcome o;

	if (pid < 0)
		die_errno(errno == ENOENT ? 127 : 126, "cannot run '%s'", c->argv[0]);
	name = owner_name(pid);
	write_file(file, name, strlen(name), 0600);
	o = wait_command(pid, c);
	free(name);
	free(file);
	return o;
}

int
main(int argc, char **argv)
{
	static const char *const paths[] = {"OUT", "DOCKER", "SMOLVM"};
	char here[PATH_MAX], *owner, *run, *sweeper;
	struct list left = {0};
	struct command c = {.in = 0, .out = 1, .err = 2, .group = true};
	struct list failures = {0};
	struct outcome o;
	pid_t sweeping;
	int first;

	first = operands(argc, argv, USAGE);
	if (first == argc)
		bad_usage(USAGE);
	supervise();
	sweeper = sweeper_find(argv[0]);
	umask(umask(0) | S_IWGRP | S_IWOTH); /* smolvm's files too become entries of the cache */
	if (getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	for (size_t i = 0; i < LENGTH(paths); i++)
		make_absolute(paths[i]);
	set_pack_jobs();
	open_cache();
	sweep_runs(&left);
	sweeping = left.count > 0 ? sweeper_start(sweeper, &left) : 0;
	owner = own_name();
	run = format(".run/%s", owner);
	if (mkdir(run, 0700) != 0)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot create '%s/%s'", setting("CACHE_DIR"), run);
	claim_folder(run);
	set("RUN", run);
	c.argv = argv + first;
	c.dir = here;
	o = run_in_group(&c, run);
	sweeper_finish(sweeping, o.ms);
	if (o.code != 0 && o.signo == 0 && !caught_signal())
		failure_lines(&failures);
	shield(true);
	sweep_temporaries();
	close_runs(&run, 1);
	list_free(&left);
	free(sweeper);
	for (size_t i = 0; i < failures.count && !caught_signal(); i++)
		say_line("%s", failures.at[i]);
	list_free(&failures);
	free(run);
	free(owner);
	end_as_caught();
	return o.code;
}
