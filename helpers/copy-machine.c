/*
 * copy-machine - puts a machine's launcher and sidecar at OUT and OUT.smolmachine.
 *
 * As a reflink or a hard link where the filesystem allows, else as a copy. Both are written whole beside
 * their places before either takes its place, by rename, the sidecar last; where that fails, what was there
 * is put back. What is there already stays. What a killed copy left beside OUT, the next one to the same OUT
 * removes: the owner is in the name. Exit: 0 there; 1 refused; 100 called wrongly; 111 trouble.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#include "machine/machine.h"
#include "machine/out.h"
#include "run/failure.h"

#define USAGE "usage: copy-machine [-h] KEY OUT   (environment: CACHE_DIR)\n"

enum { LOCK_TRIES = 600, LOCK_PAUSE_MS = 50 };

/* One of the two files. */
struct place {
	const char *source; /* in the cache */
	char *path;         /* where it goes */
	char *temporary;    /* whole, until it takes its place; NULL: it is there already */
	char *old;          /* what was there, until both are in their places; or NULL */
	bool put;
};

static struct place places[2];

/* At every end of the program. */
static void
remove_temporaries(void)
{
	for (size_t i = 0; i < LENGTH(places); i++) {
		if (places[i].temporary)
			unlink(places[i].temporary);
		if (places[i].old)
			unlink(places[i].old);
	}
}

static void
stop_if_caught(void)
{
	if (caught_signal())
		remove_temporaries();
	end_as_caught();
}

static bool
reflink(int to, int from)
{
#ifdef FICLONE
	return ioctl(to, FICLONE, from) == 0;
#else
	(void)to;
	(void)from;
	return false;
#endif
}

static _Noreturn void
cannot_write(const char *path)
{
	die_errno(EXIT_SYSTEM, "error: OUT: cannot write '%s', what was there is as it was", path);
}

static void
copy_bytes(int to, int from, const char *path)
{
	static char chunk[1 << 16];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		for (ssize_t done = 0; done < n;) {
			ssize_t put = write(to, chunk + done, (size_t)(n - done));

			if (put < 0 && errno != EINTR)
				cannot_write(path);
			done += put > 0 ? put : 0;
		}
		stop_if_caught();
	}
	if (n < 0)
		die_errno(EXIT_SYSTEM, "cannot read the machine");
	if (fsync(to) != 0)
		cannot_write(path);
}

/* The hard link of an earlier call. */
static bool
there_already(const struct stat *from, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_ino == from->st_ino && st.st_dev == from->st_dev;
}

/* In place of what is being made, which a link cannot replace: under a name of its own, then by rename. */
static bool
put_link(const char *source, const char *temporary)
{
	char *name = format("%s.link", temporary);
	bool put = linkat(AT_FDCWD, source, AT_FDCWD, name, 0) == 0;

	if (put && rename(name, temporary) != 0) {
		unlink(name);
		put = false;
	}
	free(name);
	return put;
}

/*
 * What the temporary names of this OUT begin with; behind it stand the owner, a dot, and what tells two
 * apart.
 */
static char *
beginning(const char *out)
{
	const char *name = strrchr(out, '/') + 1;
	char hex[SHA256_HEX + 1];

	sha256_hex(name, strlen(name), hex);
	return format(".smolmake-%.16s-", hex);
}

static void
remove_dead(const char *out)
{
	char *folder = folder_of_out(out), *begins = beginning(out), *owner;
	DIR *all = opendir(folder);
	struct dirent *entry;

	while (all && (entry = readdir(all)) != NULL) {
		if (strncmp(entry->d_name, begins, strlen(begins)) != 0)
			continue;
		owner = xstrdup(entry->d_name + strlen(begins));
		owner[strcspn(owner, ".")] = '\0';
		if (owner_state(owner) == DEAD)
			unlinkat(dirfd(all), entry->d_name, 0);
		free(owner);
	}
	if (all)
		closedir(all);
	free(begins);
	free(folder);
}

static void
prepare(struct place *p, const char *out)
{
	char *folder, *begins, *owner, *name;
	struct stat st;
	int from, to;

	from = open(p->source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0 || fstat(from, &st) != 0)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", p->source);
	if (!there_already(&st, p->path)) {
		folder = folder_of_out(out);
		begins = beginning(out);
		owner = own_name();
		name = format("%s/%s%s", folder, begins, owner);
		to = temporary_file(name, &p->temporary, st.st_mode & 0777);
		if (to < 0)
			cannot_write(p->path);
		if (!reflink(to, from) && !put_link(p->source, p->temporary))
			copy_bytes(to, from, p->path);
		if (close(to) != 0)
			cannot_write(p->path);
		free(name);
		free(owner);
		free(begins);
		free(folder);
	}
	close(from);
}

/* By a second name where the filesystem has such, so that OUT is never without a file. */
static bool
keep_old(struct place *p)
{
	struct stat st;
	char *old;
	bool kept;

	if (lstat(p->path, &st) != 0)
		return errno == ENOENT;
	old = format("%s.old", p->temporary);
	kept = linkat(AT_FDCWD, p->path, AT_FDCWD, old, 0) == 0 || rename(p->path, old) == 0;
	if (kept)
		p->old = old;
	else
		free(old);
	return kept;
}

static bool
take_place(struct place *p)
{
	if (!keep_old(p) || rename(p->temporary, p->path) != 0)
		return false;
	free(p->temporary);
	p->temporary = NULL;
	p->put = true;
	return true;
}

static void
put_back(void)
{
	int saved = errno;

	for (size_t i = 0; i < LENGTH(places); i++) {
		struct place *p = &places[i];

		if (p->old && rename(p->old, p->path) == 0) {
			unlink(p->old); /* two names of one file are left as they are */
			free(p->old);
			p->old = NULL;
		} else if (!p->old && p->put)
			unlink(p->path);
	}
	errno = saved;
}

/*
 * One after the other, so that two makes for one OUT never leave a launcher of one and a sidecar of the
 * other.
 */
static void
lock_places(const char *out)
{
	for (int tries = 0; lock_try(".lock/out") < 0; tries++) {
		if (tries == LOCK_TRIES)
			die(EXIT_SYSTEM,
			    "error: OUT: '%s' waits for another make that puts a machine somewhere", out);
		pause_for(-1, LOCK_PAUSE_MS);
		stop_if_caught();
	}
}

static void
put_both(const char *out)
{
	lock_places(out);
	remove_dead(out);
	for (size_t i = 0; i < LENGTH(places); i++)
		if (places[i].temporary && !take_place(&places[i])) {
			put_back();
			cannot_write(places[i].path);
		}
}

int
main(int argc, char **argv)
{
	struct finding found;
	const char *out;
	struct machine m;
	int first;

	first = operands(argc, argv, USAGE);
	if (argc - first != 2)
		bad_usage(USAGE);
	out = argv[first + 1];
	if (*out != '/')
		die(EXIT_USAGE, "OUT: '%s' is no absolute path", out);
	supervise();
	failure_about(argv[first], "copy");
	atexit(remove_temporaries);
	enter_cache();
	if (machine_state(argv[first], NULL, &found) != WHOLE)
		die(EXIT_NO, "there is no whole machine '%s'", argv[first]);
	check_out("", out);
	m = name_machine(argv[first]);
	places[0] = (struct place){.source = m.launcher, .path = xstrdup(out)};
	places[1] = (struct place){.source = m.sidecar, .path = sidecar_at(out)};
	for (size_t i = 0; i < LENGTH(places); i++)
		prepare(&places[i], out);
	if (places[0].temporary || places[1].temporary)
		put_both(out);
	remember_whole(&m); /* a hard link changes the ctime of what was whole a moment ago */
	for (size_t i = 0; i < LENGTH(places); i++)
		free(places[i].path);
	free_machine(&m);
	return 0;
}
