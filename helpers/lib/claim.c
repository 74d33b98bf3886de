/*
 * claim.c - a lock in a run's folder, held for the run's life.
 *
 * An owner's name tells death only on the boot that it is of. After the machine was started anew, its older
 * names are dead; but a cache on a file server, or shared with a virtual machine, has names of boots that go
 * on elsewhere. So the folder holds a locked file that says which machine wrote it: where that is this
 * machine, the boot is another, and nobody has the lock, the owner is dead. Two machines that were
 * cloned are told apart by their names in the network, and by the lock, which file servers hand on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#ifdef __APPLE__
#include <uuid/uuid.h>
#endif

#include "lib/lib.h"

/* Above what the shells and makes below use themselves. */
enum { CLAIM_FD = 10 };

/* The machine's own ID, the same in every boot, or NULL. The caller frees it. */
static char *
machine_id(void)
{
#ifdef __APPLE__
	struct timespec wait = {0};
	uuid_t id;
	uuid_string_t text;

	if (gethostuuid(id, &wait) != 0)
		return NULL;
	uuid_unparse_lower(id, text);
	return xstrdup(text);
#else
	return first_line("/etc/machine-id"); /* machine-id(5) */
#endif
}

/* "<ID> <host name>\n"; "" where it has no ID. The caller frees it. */
static char *
machine_name(void)
{
	char *id = machine_id(), host[256] = "", *name;

	if (id == NULL || *id == '\0') {
		free(id);
		return xstrdup("");
	}
	gethostname(host, sizeof(host) - 1);
	name = format("%s %s\n", id, host);
	free(id);
	return name;
}

void
claim_folder(const char *folder)
{
	char *path = format("%s/" CLAIM_FILE, folder), *name = machine_name();
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD, CLAIM_FD);

	/* who finds it empty or free before it is written knows nothing */
	if (high >= 0 && (flock(high, LOCK_EX | LOCK_NB) != 0 || write(high, name, strlen(name)) < 0)) {
		unlink(path);
		close(high);
	}
	if (fd >= 0)
		close(fd);
	free(name);
	free(path);
}

/* A descriptor that has the lock of the claim; -1 where there is none, *held says whether somebody has it. */
static int
take_claim(int folder, bool *held)
{
	int fd = openat(folder, CLAIM_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (*held && errno != EWOULDBLOCK)
		*held = false;
	else if (fd >= 0 && !*held)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

enum alive
claim_state(const char *owner, int folder)
{
	bool held;
	int lock = take_claim(folder, &held);
	char *wrote = lock < 0 ? NULL : read_private(folder, CLAIM_FILE, 1024), *name = machine_name();
	bool ours = wrote != NULL && *wrote != '\0' && strcmp(wrote, name) == 0;

	if (lock >= 0)
		close(lock);
	free(name);
	free(wrote);
	if (held)
		return ALIVE;
	return ours && owner_is_of_other_boot(owner) ? DEAD : UNKNOWN;
}
