/*
 * sweep.c - what a run owns: its folder, the names that <folder>/<key>.tag say, its registry's container.
 *
 * What only the engine can remove is written down in the folder before it is there, so that whoever finds the
 * folder of a dead owner can have it removed; the folder goes last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/sweep.h"
#include "engine/tags.h"
#include "run/files.h"

#define RUNS ".run"
#define SILENCE "unanswered"

enum { BUSY_TRIES = 20, BUSY_PAUSE_MS = 200, OLD_SECONDS = 24 * 3600, OLD_TEMPORARY = 3600 };

int
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

static bool
run_has(const char *run, const char *name)
{
	int fd = open_run(run);
	bool has = fd >= 0 && faccessat(fd, name, F_OK, 0) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

void
note_silence(const char *run)
{
	char *file = format("%s/" SILENCE, run);

	if (ask_in_vain())
		try_file(file, "", 0, 0600);
	free(file);
}

/* --- Containers and volumes */

bool
remove_container(const char *name)
{
	char *argv[] = {(char *)client(), "rm", "-f", "-v", (char *)name, NULL}, *out, *err;
	bool gone, busy;

	for (int tries = 0;; tries++) {
		struct outcome o = ask(argv, &out, &err);

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
	char *argv[] = {(char *)client(), "volume", "rm", (char *)name, NULL}, *out, *err;
	struct outcome o = ask(argv, &out, &err);

	free(out);
	free(err);
	return o.code == 0;
}

/* Each line of what list prints is "<ID> <owner>": those of dead owners go, and those of owned_by. */
static void
sweep_listed(char *const *list, const char *owned_by, bool (*remove_thing)(const char *))
{
	char *out, *err, *line, *rest;

	ask(list, &out, &err);
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
	char *list[] = {(char *)client(),
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

void
sweep_containers(void)
{
	char *cache = format("label=" CACHE_LABEL "=%s", needed("CACHE_DIR"));
	char *list[] = {(char *)client(),
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

	ask_anew();
	sweep_listed(list, "", remove_container);
	sweep_volumes("");
	free(cache);
}

/* The registry of a run, where with-container could not see to that: its mark is still there. */
static bool
close_registry(const char *run)
{
	const char *owner = base_name(run);
	char *name = format(CONTAINER_PREFIX "%s", owner);
	bool there = run_has(run, "registry"), closed = !there || remove_container(name);

	if (there && closed)
		sweep_volumes(owner);
	free(name);
	return closed;
}

/* --- Runs */

bool
close_runs(char *const *runs, size_t count)
{
	bool *closed = xmalloc(count * sizeof(*closed)), all = true;

	ask_anew();
	for (size_t i = 0; i < count; i++) /* first: their ports are free then */
		closed[i] = !run_has(runs[i], SILENCE) && close_registry(runs[i]);
	if (count > 0 && !run_has(runs[0], SILENCE))
		tags_remove(runs, count, EVERY_PORT);
	for (size_t i = 0; i < count; i++)
		if (closed[i] && !tags_there(runs[i]))
			remove_tree(runs[i]);
		else
			all = false;
	free(closed);
	return all;
}

bool
run_is_dead(const char *run)
{
	const char *owner = base_name(run);
	enum alive state = owner_state(owner);
	int fd = state == UNKNOWN ? open_run(run) : -1;

	if (fd >= 0) {
		state = claim_state(owner, fd);
		close(fd);
	}
	return state == DEAD;
}

static void
kill_leftovers(const char *run, int fd)
{
	char *leader = read_private(fd, RUN_GROUP, 256);

	if (leader != NULL) {
		leader[strcspn(leader, "\n")] = '\0';
		kill_strays(leader, needed("CACHE_DIR"), run);
	}
	free(leader);
}

/* All but what says what the engine has to remove. */
static void
thin_out(const char *run, int fd)
{
	static const char *const kept[] = {".", "..", RUN_REGISTRY, RUN_ENGINE, RUN_CLAIM};
	int again = dup(fd);
	DIR *folder = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char *path = format("%s/%s", run, entry->d_name);
		bool keep = ends_with(entry->d_name, ".tag");

		for (size_t i = 0; i < LENGTH(kept); i++)
			keep = keep || strcmp(entry->d_name, kept[i]) == 0;
		if (!keep)
			remove_tree(path);
		free(path);
	}
	if (folder != NULL)
		closedir(folder);
}

/* Everything of a dead owner's that needs no engine; what is none of ours by its owner names nothing. */
static void
sweep_run(const char *run, struct list *left)
{
	int fd = open_run(run);

	if (fd >= 0)
		kill_leftovers(run, fd);
	if (fd >= 0 && (run_has(run, "registry") || tags_there(run))) {
		thin_out(run, fd);
		list_add(left, run);
	} else
		remove_tree(run);
	if (fd >= 0)
		close(fd);
}

/* Nobody can tell whether its owner lives, nobody holds its claim, and it is old: a line can do no harm. */
static bool
is_doubtful(const char *run)
{
	struct stat st;
	int fd = owner_is_of_other_boot(base_name(run)) ? open_run(run) : -1;
	bool doubtful;

	if (fd < 0)
		return false;
	doubtful = claim_state(base_name(run), fd) == UNKNOWN && fstat(fd, &st) == 0 &&
		   time(NULL) - st.st_mtime > OLD_SECONDS;
	close(fd);
	return doubtful;
}

void
sweep_runs(struct list *left)
{
	DIR *runs = opendir(RUNS);
	struct dirent *entry;
	char *doubtful = NULL;

	if (runs == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '" RUNS "' in CACHE_DIR");
	while ((entry = readdir(runs)) != NULL) {
		char *run = format(RUNS "/%s", entry->d_name);

		if (run_is_dead(run))
			sweep_run(run, left);
		else if (doubtful == NULL && is_doubtful(run))
			doubtful = xstrdup(run);
		free(run);
	}
	closedir(runs);
	if (doubtful != NULL)
		say("warning: CACHE_DIR: '%s/%s' is of another machine, or of this one before it was started anew; if no make uses it there, remove it: rm -r '%s/%s'",
		    needed("CACHE_DIR"), doubtful, needed("CACHE_DIR"), doubtful);
	free(doubtful);
}

/* --- Temporary files */

/* One is renamed within moments of being made; there is no telling whose it was, but an hour is no moment. */
void
sweep_temporaries(void)
{
	static const char *const folders[] = {".id", ".verified", ".store", ".key", ".used"};

	for (size_t i = 0; i < LENGTH(folders); i++) {
		int fd = open_run(folders[i]);
		DIR *folder = fd < 0 ? NULL : fdopendir(fd);
		struct dirent *entry;
		struct stat st;

		while (folder != NULL && (entry = readdir(folder)) != NULL)
			if (ends_with(entry->d_name, ".tmp") &&
			    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			    time(NULL) - st.st_mtime > OLD_TEMPORARY)
				unlinkat(fd, entry->d_name, 0);
		if (folder != NULL)
			closedir(folder);
	}
}
