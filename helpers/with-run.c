/*
 * with-run - runs a command with a run folder of its own, CACHE_DIR/.run/<owner>.
 *
 * Makes what the user gave as paths absolute (SMOLMAKE_STANDING says where they begin), refuses
 * a CACHE_DIR that others could write to, clears away what dead owners left, makes
 * the folder, and removes it and every tag that it names when the command is done.
 * What only the engine can clear away, sweep-runs does beside the command.
 * Last of all it says which images failed, at which step, and why (machine/closing.h).
 * Sets CACHE_DIR (absolute), RUN (relative to it) and PACK_JOBS.
 * Exit: the command's; 1 refused; 100 called wrongly; 111 trouble.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/sweep.h"
#include "engine/sweeper.h"
#include "machine/closing.h"
#include "machine/history.h"
#include "machine/machine.h"
#include "machine/settings.h"
#include "run/files.h"
#include "run/show.h"

#define USAGE                                                                                                      \
	"usage: with-run [-chimn] [-s SETTING]... COMMAND [ARGUMENT...]   (environment: CACHE_DIR, DOCKER, ...)\n" \
	"  -c  refuse what a run would refuse, and make nothing\n"                                                 \
	"  -i  the command makes IDs, and no machines\n"                                                           \
	"  -m  called by make: relative paths begin where make was called, which had SMOLMAKE_PWD as its "         \
	"PWD\n"                                                                                                    \
	"  -n  make the paths absolute, and nothing else\n"                                                        \
	"  -s  refuse that setting of the goal where it is not what mk/settings says\n"

/* A pack's virtual machine has 4 processors and up to 8 GiB (source: v1.9.2, src/cli/pack.rs; run: 1.32.2). */
enum { PACK_CPUS = 4, PACK_GIB = 8 };
enum { FILE_MIN = 16 << 20 };

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set %s", name);
}

/* What setup has installed for a user lies where PATH need not lead (mk/get-smolvm.sh). */
static void
find_own_smolvm(void)
{
	char *found, *own;

	if (strcmp(setting("SMOLVM"), "smolvm") != 0)
		return;
	found = find_program("smolvm");
	own = format("%s/.local/bin/smolvm", setting("HOME"));
	if (found == NULL && access(own, X_OK) == 0)
		set("SMOLVM", own);
	free(own);
	free(found);
}

/* A relative path stops being right where a step works in another folder. */
static void
make_paths_absolute(bool by_make)
{
	static const char *const paths[] = {"CACHE_DIR", "CONTEXT",  "DOCKERFILE", "FILE",   "IMAGES_FILE",
					    "OUT",       "SMOLFILE", "TRACE",      "REPORT", "GRAPH"};
	static const char *const programs[] = {"DOCKER", "SMOLVM"};
	char here[PATH_MAX], *from;

	if (getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	from = by_make ? standing_folder(setting("SMOLMAKE_PWD")) : xstrdup(here);
	for (size_t i = 0; i < LENGTH(paths); i++)
		make_absolute(paths[i], from, false);
	for (size_t i = 0; i < LENGTH(programs); i++)
		make_absolute(programs[i], from, true);
	find_own_smolvm();
	set("SMOLMAKE_STANDING", from);
	free(from);
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

/* What the programs that we start print goes through files, and they say nothing of one that was cut. */
static void
refuse_small_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_FSIZE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
	    files.rlim_cur < FILE_MIN)
		refuse(
		    "ulimit -f: files of this shell end at %llu bytes, which is too small; run `ulimit -f unlimited` in another shell",
		    (unsigned long long)files.rlim_cur);
}

/*
 * A group of its own: a signal reaches all that the run has started, past the shells between, which die at
 * once and tell nobody. Who the group is, is written down for the sweep, since nobody can hand on a SIGKILL.
 */
static struct outcome
run_in_group(const struct command *c, const char *run)
{
	pid_t pid = start_command(c);
	char *file = format("%s/" RUN_GROUP, run), *name;
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

/* CACHE_MAX, by the run that has made a machine; a hit removes nothing. */
static void
keep_within(const char *pruner, bool made)
{
	char *argv[] = {(char *)pruner, "-q", "-m", (char *)setting("CACHE_MAX"), NULL};
	struct command c = {.argv = argv, .in = -1, .out = -1, .err = 2};

	if (made && *setting("CACHE_MAX") != '\0')
		try_command(&c);
}

static void
check_limits(void)
{
	refuse_small_files();
	set_pack_jobs();
	if (*setting("CACHE_MAX") != '\0')
		mebibytes_of("CACHE_MAX", setting("CACHE_MAX"), 1, 1 << 30);
	if (*setting("TRACE") != '\0')
		check_trace(setting("TRACE"));
}

static void
check_run(void)
{
	check_limits();
	examine_cache();
}

int
main(int argc, char **argv)
{
	char here[PATH_MAX], *owner, *run, *sweeper, *pruner;
	struct list left = {0}, settings = {0};
	struct command c = {.in = 0, .out = 1, .err = 2, .group = true};
	struct list failures = {0};
	struct outcome o;
	int64_t began = now_ms();
	pid_t sweeping;
	bool by_make = false, ids = false, paths_only = false, check_only = false;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+chimns:")) != -1)
		switch (opt) {
		case 'c':
			paths_only = check_only = true;
			break;
		case 'h':
			show_usage(USAGE);
		case 'i':
			ids = true;
			break;
		case 'm':
			by_make = true;
			break;
		case 'n':
			paths_only = true;
			break;
		case 's':
			list_add(&settings, optarg);
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind == argc)
		bad_usage(USAGE);
	if (settings.count > 0)
		check_settings(argv[0], &settings);
	list_free(&settings);
	if (paths_only) {
		make_paths_absolute(by_make);
		if (check_only)
			check_run();
		execvp(argv[optind], argv + optind);
		die_errno(errno == ENOENT ? 127 : 126, "cannot run '%s'", argv[optind]);
	}
	supervise();
	sweeper = sibling_program(argv[0], "sweep-runs");
	pruner = sibling_program(argv[0], "prune-machines");
	umask(umask(0) | S_IWGRP | S_IWOTH); /* smolvm's files too become entries of the cache */
	if (getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	make_paths_absolute(by_make);
	check_limits();
	prepare_cache();
	sweep_runs(&left);
	owner = own_name();
	run = format(".run/%s", owner);
	if (mkdir(run, 0700) != 0)
		die_errno(EXIT_NO, "error: CACHE_DIR: cannot create '%s/%s'", setting("CACHE_DIR"), run);
	claim_folder(run);
	set("RUN", run);
	show_begin();
	sweeping = left.count > 0 ? sweeper_start(sweeper, &left) : 0;
	c.argv = argv + optind;
	c.dir = here;
	o = run_in_group(&c, run);
	if (!ids && o.signo == 0 && !caught_signal())
		keep_within(pruner, close_machines(o.ms));
	if (!ids && !caught_signal())
		history_note(began, now_ms() - began);
	sweeper_finish(sweeping, o.ms);
	show_end();
	if (o.code != 0 && o.signo == 0 && !caught_signal())
		closing_lines(&failures, ids, *setting("KEEP_GOING") != '\0');
	shield(true);
	sweep_temporaries();
	close_runs(&run, 1);
	list_free(&left);
	free(pruner);
	free(sweeper);
	for (size_t i = 0; i < failures.count && !caught_signal(); i++)
		say_line("%s", failures.at[i]);
	list_free(&failures);
	free(run);
	free(owner);
	end_as_caught();
	return o.code;
}
