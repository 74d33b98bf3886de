/* leavings.c - what smolvm leaves behind. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "machine/leavings.h"

enum { NAME_MAX_SIZE = 256, NANOSECONDS = 1000000000 };

static char *
in_cache(const char *path)
{
	const char *cache = setting("XDG_CACHE_HOME");

	return *cache == '/' ? format("%s/%s", cache, path) : format("%s/.cache/%s", setting("HOME"), path);
}

void
remove_archive_copy(const char *hex)
{
	char *archives = in_cache("smolvm-image-archives"), *copy = format("%s/%s", archives, hex);

	remove_tree(copy);
	free(copy);
	free(archives);
}

static bool
is_dead_pack(const char *machine, long long since)
{
	char *path = format("%s/name", machine), *name = read_text(path, NAME_MAX_SIZE, NULL), *end;
	long long began = 0;
	struct stat st;
	bool dead = false;

	if (name != NULL && strncmp(name, "pack-", strlen("pack-")) == 0) {
		long pid = strtol(name + strlen("pack-"), &end, 10);

		if (*end == '-')
			began = strtoll(end + 1, NULL, 10) / NANOSECONDS;
		else if (stat(path, &st) == 0)
			began = (long long)st.st_mtime;
		dead = pid > 1 && began >= since && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
	}
	free(name);
	free(path);
	return dead;
}

void
remove_dead_packs(long long since)
{
	char *machines = in_cache("smolvm/vms");
	struct list names = {0};

	list_folder(machines, &names);
	for (size_t i = 0; i < names.count; i++) {
		char *machine = format("%s/%s", machines, names.at[i]);

		if (is_dead_pack(machine, since))
			remove_tree(machine);
		free(machine);
	}
	list_free(&names);
	free(machines);
}
