/*
 * store.c - the layers that were pushed once, kept for the next push.
 *
 * .store/<hex> is a layer, named by the digest that it was pushed under, and .store/<hex>.record what
 * it is; the record commits, and its time is that of the last use. A record also says
 * what the file was like when all of it was read last, and in which boot: any other file, and after
 * a crash of the machine every one, is read in full before it is used. What does not check is
 * removed, and not there.
 * Nothing is ever locked for its users: who uses a layer has its file open, so that
 * whoever evicts it takes it from nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/frames.h"
#include "registry/record.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

enum { HEX = SHA256_HEX };

uint64_t
store_most(void)
{
	const char *text = setting("STORE_MAX");

	return (uint64_t)(*text ? mebibytes_of("STORE_MAX", text, 0, STORE_MIB_MAX) : STORE_MIB) << 20;
}

bool
store_open(char why[WHY])
{
	char reason[200];
	struct stat st;

	if (mkdir(STORE, 0700) != 0 && errno != EEXIST)
		return fail_errno(why, "cannot create '" STORE "'");
	if (lstat(STORE, &st) != 0 || !S_ISDIR(st.st_mode) || access(STORE, W_OK | X_OK) != 0)
		return fail(why, "'" STORE "' is no folder of ours");
	return is_private(&st, reason) || fail(why, "'" STORE "' is not yours alone: %.150s", reason);
}

void
store_forget(const char *pushed)
{
	char *record = store_path(pushed, RECORD), *file = store_path(pushed, "");

	unlink(record);
	unlink(file);
	free(record);
	free(file);
}

/* --- Layers */

static bool
reads_as(int fd, uint64_t size, const char *digest)
{
	char is[DIGEST];

	return digest_file(fd, size, is) && strcmp(is, digest) == 0;
}

/* k->fd is the file that its record means. */
static bool
check(struct kept *k, const char *seen)
{
	char *now, why[200];
	struct stat st;
	bool known;

	if (fstat(k->fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_private(&st, why) ||
	    (uint64_t)st.st_size != k->size)
		return false;
	now = record_seen(&st);
	known = strcmp(now, seen) == 0;
	free(now);
	if (!known &&
	    !(k->coding == FRAMES ? frames_whole(k->fd, k->digest) : reads_as(k->fd, k->size, k->digest)))
		return false;
	if (!known)
		record_write(k, &st); /* or it is read again the next time */
	return true;
}

/* As it can be used by who wants them so: see upload.c. */
static bool
serves(const struct kept *k, enum coding wanted)
{
	return wanted == PLAIN ? strcmp(k->digest, k->pushed) == 0 : k->coding == wanted;
}

/* Without a record it is not there yet, or no more. */
static bool
find(const char *pushed, const char *record, enum coding wanted, struct kept *k)
{
	char *file = store_path(pushed, ""), *seen;
	bool found = record_read(pushed, k, &seen), fits = found && serves(k, wanted);

	if (fits) {
		k->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		found = k->fd >= 0 && check(k, seen);
	}
	if (!found) {
		if (k->fd >= 0)
			close(k->fd);
		store_forget(pushed);
	} else if (fits)
		utimensat(AT_FDCWD, record, NULL, 0);
	free(seen);
	free(file);
	return found && fits;
}

bool
store_find(const char *pushed, enum coding wanted, struct kept *k)
{
	char *record = store_path(pushed, RECORD);
	bool found = access(record, F_OK) == 0 && find(pushed, record, wanted, k);

	free(record);
	return found;
}

bool
store_add(const struct kept *k, const char *path, char why[WHY])
{
	char *file = store_path(k->pushed, "");
	struct stat st;
	bool good;

	good = rename(path, file) == 0 && fstat(k->fd, &st) == 0 && record_write(k, &st);
	if (!good) {
		fail_errno(why, "cannot keep %.19s...", k->pushed);
		store_forget(k->pushed);
	}
	free(file);
	return good;
}

/* --- All of it */

struct entry {
	char name[HEX + 1];
	int64_t used; /* last, in nanoseconds since 1970 */
	uint64_t bytes;
};

static struct entry *
find_entry(struct entry **list, size_t *count, const char *name)
{
	for (size_t i = *count; i-- > 0;)
		if (strncmp((*list)[i].name, name, HEX) == 0)
			return &(*list)[i];
	*list = xrealloc(*list, (*count + 1) * sizeof(**list));
	(*list)[*count] = (struct entry){.used = 0};
	memcpy((*list)[*count].name, name, HEX); /* a NUL is behind it */
	return &(*list)[(*count)++];
}

/* A layer and its record are one entry, of the record's time. */
static struct entry *
list_entries(size_t *count)
{
	DIR *store = opendir(STORE);
	struct entry *list = NULL;
	struct dirent *e;
	struct stat st;

	*count = 0;
	if (store == NULL)
		return NULL;
	while ((e = readdir(store)) != NULL) {
		struct entry *entry;
		int64_t used;

		if (strspn(e->d_name, "0123456789abcdef") != HEX ||
		    fstatat(dirfd(store), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		entry = find_entry(&list, count, e->d_name);
		used = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		entry->bytes += (uint64_t)st.st_size;
		if (used > entry->used)
			entry->used = used;
	}
	closedir(store);
	return list;
}

static int
by_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

static void
evict(const struct entry *e)
{
	static const char *const suffix[] = {RECORD, "", LAST};

	for (size_t i = 0; i < LENGTH(suffix); i++) {
		char *path = format(STORE "/%s%s", e->name, suffix[i]);

		unlink(path);
		free(path);
	}
}

void
store_trim(uint64_t most)
{
	struct entry *list;
	uint64_t total = 0;
	struct stat st;
	size_t count;
	int lock;

	if (lstat(STORE, &st) != 0 || !S_ISDIR(st.st_mode) || (lock = lock_try(".lock/store")) < 0)
		return;
	list = list_entries(&count);
	for (size_t i = 0; i < count; i++)
		total += list[i].bytes;
	if (count > 0)
		qsort(list, count, sizeof(*list), by_use);
	for (size_t i = 0; i < count && total > most; i++) {
		evict(&list[i]);
		total -= list[i].bytes;
	}
	free(list);
	close(lock);
}

struct stock *
store_stock(size_t *count)
{
	struct stock *stock = NULL;
	struct entry *list;
	size_t entries;

	list = list_entries(&entries);
	*count = 0;
	for (size_t i = 0; i < entries; i++) {
		char *digest = format(DIGEST_PREFIX "%s", list[i].name), *seen;
		struct kept k;

		if (record_read(digest, &k, &seen)) {
			stock = xrealloc(stock, (*count + 1) * sizeof(*stock));
			stock[*count] = (struct stock){.plain = k.plain, .coding = k.coding};
			memcpy(stock[(*count)++].diff_id, k.diff_id, DIGEST);
		}
		free(digest);
		free(seen);
	}
	free(list);
	return stock;
}
