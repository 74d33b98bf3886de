/*
 * sweep.c - what a run owns: its folder, the tags that <folder>/<key>.tag name, its registry's container.
 *
 * A reference is written down before it is tagged, so that whoever finds the
 * folder can remove the tag. The working folder is CACHE_DIR throughout.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sweep.h"
#include "lib/lib.h"

enum { BUSY_TRIES = 20, BUSY_PAUSE_MS = 200 };

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Only a pin, or a tag on loopback, can be one of ours, whatever the file says. */
static bool
is_pin(const char *reference)
{
	return strncmp(reference, PIN_PREFIX, strlen(PIN_PREFIX)) == 0;
}

static bool
is_ours(const char *reference)
{
	static const char *const hosts[] = {"127.0.0.1:", "localhost:", "[::1]:"};

	for (size_t i = 0; i < LENGTH(hosts); i++)
		if (strncmp(reference, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return is_pin(reference);
}

static const char *
docker(void)
{
	return *setting("DOCKER") ? setting("DOCKER") : "docker";
}

/* One that was never tagged, or is gone, is an error of rmi's, and none of ours. An engine that is away is.
 */
static bool
engine_was_there(const struct outcome *o, const char *err)
{
	return o->code == 0 || (!o->timed_out && (strstr(err, "o such image") || strstr(err, "not known")));
}

/* A run's folder; -1 for what is none of ours: a link, or what others own or may write to. */
static int
open_run(const char *run)
{
	int fd = open(run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char why[200];

	if (fd >= 0 && fstat(fd, &st) == 0 && is_private(&st, why))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The first line of a file in a run's folder, or NULL. The caller frees it. */
static char *
line_in(int folder, const char *name)
{
	char *text = read_private(folder, name, 65536);

	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

/*
 * The tags that <folder>/<name>.tag say, and with pins those too; their files go with them. --no-prune: the
 * layers below stay, they are the user's build cache. False where the engine was not to be had.
 */
bool
remove_tags(const char *run, bool pins)
{
	struct list argv = {0}, files = {0};
	struct dirent *entry;
	int fd = open_run(run);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	char *out, *err;
	bool done = true;

	if (folder == NULL)
		return true;
	list_add(&argv, docker());
	list_add(&argv, "rmi");
	list_add(&argv, "--no-prune");
	while ((entry = readdir(folder)) != NULL)
		if (ends_with(entry->d_name, ".tag")) {
			char *reference = line_in(fd, entry->d_name);

			if (reference && is_ours(reference) && (pins || !is_pin(reference))) {
				list_add(&argv, reference);
				list_add(&files, entry->d_name);
			}
			free(reference);
		}
	if (files.count > 0) {
		struct outcome o = capture(argv.at, seconds_setting("TOOL_TIMEOUT", 30), &out, &err);

		done = engine_was_there(&o, err);
		free(out);
		free(err);
	}
	for (size_t i = 0; done && i < files.count; i++)
		unlinkat(fd, files.at[i], 0);
	closedir(folder);
	list_free(&files);
	list_free(&argv);
	return done;
}

/* By name or ID, with its volumes; -1 where there is no engine's client. That it is gone already is no error.
 */
pid_t
start_removal(const char *name)
{
	char *argv[] = {(char *)docker(), "rm", "-f", "-v", (char *)name, NULL};
	struct command c = {.argv = argv, .in = -1, .out = -1, .err = -1, .foreign = true};

	return start_command(&c);
}

/* False where it failed. */
bool
finish_removal(pid_t pid)
{
	struct command c = {.timeout = seconds_setting("TOOL_TIMEOUT", 30), .foreign = true};

	return pid > 0 && wait_command(pid, &c).code == 0;
}

/* True also where it is gone already; false where the engine was not to be had, or is still at it after a
 * while. */
bool
remove_container(const char *name)
{
	char *argv[] = {(char *)docker(), "rm", "-f", "-v", (char *)name, NULL}, *out, *err;
	bool gone, busy;

	for (int tries = 0;; tries++) {
		struct outcome o = capture(argv, seconds_setting("TOOL_TIMEOUT", 30), &out, &err);

		gone = o.code == 0 || (!o.timed_out && strstr(err, "o such container"));
		/* says an engine that has just been started, perhaps in vain */
		busy = !gone && strstr(err, "already in progress");
		free(out);
		free(err);
		if (!busy || tries == BUSY_TRIES)
			return gone;
		pause_for(-1, BUSY_PAUSE_MS);
	}
}

static bool
remove_volume(const char *name)
{
	char *argv[] = {(char *)docker(), "volume", "rm", (char *)name, NULL}, *out, *err;
	struct outcome o = capture(argv, seconds_setting("TOOL_TIMEOUT", 30), &out, &err);

	free(out);
	free(err);
	return o.code == 0;
}

/* Each line of what list prints is "<ID> <owner>": those of dead owners go, and those of owned_by. */
static void
sweep_listed(char *const *list, const char *owned_by, bool (*remove_thing)(const char *))
{
	char *out, *err, *line, *rest;

	capture(list, seconds_setting("TOOL_TIMEOUT", 30), &out, &err);
	for (line = strtok_r(out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *owner = strchr(line, ' ');

		if (owner == NULL)
			continue;
		*owner++ = '\0';
		if (owner_state(owner) == DEAD || strcmp(owner, owned_by) == 0)
			remove_thing(line);
	}
	free(out);
	free(err);
}

/* An engine that is started again takes containers away and forgets their volumes. */
static void
sweep_volumes(const char *owned_by)
{
	char *cache = format("label=" CACHE_LABEL "=%s", needed("CACHE_DIR"));
	char *list[] = {(char *)docker(),
			"volume",
			"ls",
			"--filter",
			cache,
			"--format",
			"{{.Name}} {{.Label \"" OWNER_LABEL "\"}}",
			NULL};

	sweep_listed(list, owned_by, remove_volume);
	free(cache);
}

/*
 * Registries of this CACHE_DIR whose owner is dead and whose folder somebody removed, and their volumes.
 * Others' are left to their own tethers: another machine's owner on a shared engine looks dead from here, its
 * boot is not ours.
 */
void
sweep_containers(void)
{
	char *cache = format("label=" CACHE_LABEL "=%s", needed("CACHE_DIR"));
	char *list[] = {(char *)docker(),
			"ps",
			"-a",
			"--no-trunc",
			"--filter",
			cache,
			"--filter",
			"label=" OWNER_LABEL,
			"--format",
			"{{.ID}} {{.Label \"" OWNER_LABEL "\"}}",
			NULL};

	sweep_listed(list, "", remove_container);
	sweep_volumes("");
	free(cache);
}

/* The registry of a run, where with-registry could not see to that: its mark is still there. */
static bool
close_registry(const char *run)
{
	const char *owner = strrchr(run, '/') + 1;
	char *name = format(CONTAINER_PREFIX "%s", owner);
	int fd = open_run(run);
	bool there = fd >= 0 && faccessat(fd, "registry", F_OK, 0) == 0;
	bool closed = !there || remove_container(name);

	if (fd >= 0)
		close(fd);
	if (there && closed)
		sweep_volumes(owner);
	free(name);
	return closed;
}

/* Removes a run's registry and tags, then its folder. Where the engine is away the folder stays: a later run
 * finds it by its dead owner. */
void
close_run(const char *run)
{
	bool closed = close_registry(run);

	if (remove_tags(run, true) && closed)
		remove_tree(run);
}

/*
 * What a dead owner's command still runs. The number of its group is its own for as long as the leader it was
 * written down of is alive, or the leader is gone and there is a group: no new process gets the number of a
 * group that exists.
 */
static void
kill_group(int run)
{
	char *leader = line_in(run, "group"), *now;
	long pid = leader && owner_state(leader) != UNKNOWN
		       ? strtol(strchr(strchr(leader, '-') + 1, '-') + 1, NULL, 10)
		       : 0;

	if (pid > 1) {
		now = owner_name(pid);
		if (strcmp(now, leader) == 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
			kill((pid_t)-pid, SIGKILL);
		free(now);
	}
	free(leader);
}

/* Everything that a dead owner's folder names, then the folder; what is none of ours by its owner names
 * nothing. */
static void
sweep_run(const char *owner)
{
	char *run = format(".run/%s", owner);
	int fd = open_run(run);

	if (fd >= 0) {
		kill_group(fd);
		close(fd);
	}
	close_run(run);
	free(run);
}

/* A live owner's folder is left alone. */
void
sweep_runs(void)
{
	DIR *runs = opendir(".run");
	struct dirent *entry;

	if (runs == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '.run' in CACHE_DIR");
	while ((entry = readdir(runs)) != NULL)
		if (owner_state(entry->d_name) == DEAD)
			sweep_run(entry->d_name);
	closedir(runs);
}
