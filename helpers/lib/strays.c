/*
 * strays.c - what a dead run has left running.
 *
 * A number in a file proves nothing: processes and process groups get the numbers of earlier ones. A process
 * is the run's own if it is in the group that was written down and has the run's folder and cache in its
 * environment, where every process of a run has them. Linux: proc(5), and a descriptor of the process that is
 * opened before it is looked at, so that what is killed is what was seen. macOS shows no environment:
 * there a group is killed while the leader that was written down still leads it.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "lib/lib.h"

#ifdef __linux__
enum { ENVIRONMENT_MAX = 8 << 20, ROUNDS = 10 };

/* Both settings stand in the process's environment; what cannot be read is somebody else's. */
static bool
has_settings(long pid, const char *const settings[2])
{
	char *path = format("/proc/%ld/environ", pid);
	size_t size, found = 0;
	char *text = read_text(path, ENVIRONMENT_MAX, &size);

	for (size_t i = 0; text != NULL && i < size; i += strlen(text + i) + 1)
		for (int k = 0; k < 2; k++)
			found += strcmp(text + i, settings[k]) == 0;
	free(text);
	free(path);
	return found == 2;
}

/* True where it was one. */
static bool
kill_if_stray(long pid, pid_t group, const char *const settings[2])
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno != ENOSYS && errno != EPERM)
		return false; /* it has ended */
	if (fd >= 0) {
		bool stray = getpgid((pid_t)pid) == group && has_settings(pid, settings);

		if (stray)
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		close(fd);
		return stray;
	}
#endif
	return getpgid((pid_t)pid) == group && has_settings(pid, settings) && kill((pid_t)pid, SIGKILL) == 0;
}

/* How many there were. */
static int
kill_group(pid_t group, const char *const settings[2])
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int killed = 0;

	while (processes != NULL && (entry = readdir(processes)) != NULL) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 1 && pid != getpid())
			killed += kill_if_stray(pid, group, settings);
	}
	if (processes != NULL)
		closedir(processes);
	return killed;
}
#endif

void
kill_strays(const char *leader, const char *cache, const char *run)
{
	long group = owner_pid(leader);

	if (group <= 1)
		return;
#ifdef __linux__
	char *folder = format("RUN=%s", run), *of_cache = format("CACHE_DIR=%s", cache);

	/* one that was just being started is found in the next round */
	for (int i = 0; i < ROUNDS && kill_group((pid_t)group, (const char *const[2]){folder, of_cache}); i++)
		continue;
	free(of_cache);
	free(folder);
#else
	(void)cache;
	(void)run;
	if (owner_state(leader) == ALIVE && getpgid((pid_t)group) == (pid_t)group)
		kill((pid_t)-group, SIGKILL);
#endif
}
