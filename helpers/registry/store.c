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

#include "image/hash.h"
#include "registry/store.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

#define STORE ".store"
#define RECORD ".record"
#define LAST ".last"

enum { CHUNK = 256 << 10, HEX = SHA256_HEX };

static const char *const coding_name[] = {[PLAIN] = "plain", [GZIP] = "gzip", [ZSTD] = "zstd"};

/* False, and why, where nothing can be kept. */
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

/* "sha256:<64 hex>" -> .store/<64 hex><suffix>. The caller frees it. */
static char *
path_of(const char *digest, const char *suffix)
{
	return format(STORE "/%s%s", digest + strlen("sha256:"), suffix);
}

/* What a file is like, and since when that is so: the first 12 digits of an owner's name are the boot. */
static char *
seen_text(const struct stat *st)
{
	char *owner = own_name(), *is = stat_text(st), *text = format("%.12s %s", owner, is);

	free(owner);
	free(is);
	return text;
}

/* --- Records */

static bool
parse_bytes(const char *text, uint64_t *n)
{
	*n = strtoull(text, NULL, 10);
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool
parse_sha256(const char *text, char digest[DIGEST])
{
	char hex[HEX + 1];

	if (!parse_image_id(text, hex))
		return false;
	snprintf(digest, DIGEST, "sha256:%s", hex);
	return true;
}

static bool
parse_name(const char *text, enum coding *coding)
{
	for (size_t i = 0; i < LENGTH(coding_name); i++)
		if (strcmp(text, coding_name[i]) == 0) {
			*coding = (enum coding)i;
			return true;
		}
	return false;
}

/* Of what others own or may write to nothing is believed. */
static bool
read_own(const char *path, struct list *l)
{
	char why[200];
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && is_private(&st, why) && read_request(path, l);
}

/* The caller frees *seen, never NULL. */
static bool
read_record(const char *pushed, struct kept *k, char **seen)
{
	char *path = path_of(pushed, RECORD);
	struct list l = {0};
	bool good;

	*k = (struct kept){.fd = -1};
	memcpy(k->pushed, pushed, DIGEST);
	good = read_own(path, &l) && parse_sha256(value_of(&l, "DIGEST"), k->digest) &&
	       parse_sha256(value_of(&l, "DIFF_ID"), k->diff_id) &&
	       parse_bytes(value_of(&l, "SENT"), &k->sent) && parse_bytes(value_of(&l, "PLAIN"), &k->plain) &&
	       parse_bytes(value_of(&l, "SIZE"), &k->size) && parse_name(value_of(&l, "CODING"), &k->coding);
	*seen = xstrdup(value_of(&l, "SEEN"));
	list_free(&l);
	free(path);
	return good;
}

static bool
write_record(const struct kept *k, const struct stat *st)
{
	char *path = path_of(k->pushed, RECORD), *seen = seen_text(st);
	struct list l = {0};
	bool good;

	list_addf(&l, "DIGEST=%s", k->digest);
	list_addf(&l, "DIFF_ID=%s", k->diff_id);
	list_addf(&l, "SENT=%llu", (unsigned long long)k->sent);
	list_addf(&l, "PLAIN=%llu", (unsigned long long)k->plain);
	list_addf(&l, "SIZE=%llu", (unsigned long long)k->size);
	list_addf(&l, "CODING=%s", coding_name[k->coding]);
	list_addf(&l, "SEEN=%s", seen);
	good = try_request(path, &l);
	list_free(&l);
	free(seen);
	free(path);
	return good;
}

static void
forget(const char *pushed)
{
	char *record = path_of(pushed, RECORD), *file = path_of(pushed, "");

	unlink(record);
	unlink(file);
	free(record);
	free(file);
}

/* --- Layers */

static bool
reads_as(int fd, uint64_t size, const char *digest)
{
	unsigned char *chunk = xmalloc(CHUNK);
	EVP_MD_CTX *hash = hash_new();
	char is[DIGEST];
	uint64_t done = 0;

	while (done < size) {
		size_t n = size - done < CHUNK ? (size_t)(size - done) : CHUNK;

		if (!read_at(fd, chunk, n, (off_t)done))
			break;
		hash_update(hash, chunk, n);
		done += n;
	}
	hash_end(hash, is);
	EVP_MD_CTX_free(hash);
	free(chunk);
	return done == size && strcmp(is, digest) == 0;
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
	now = seen_text(&st);
	known = strcmp(now, seen) == 0;
	free(now);
	if (!known && !reads_as(k->fd, k->size, k->digest))
		return false;
	if (!known)
		write_record(k, &st); /* or it is read again the next time */
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
	char *file = path_of(pushed, ""), *seen;
	bool found = read_record(pushed, k, &seen), fits = found && serves(k, wanted);

	if (fits) {
		k->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		found = k->fd >= 0 && check(k, seen);
	}
	if (!found) {
		if (k->fd >= 0)
			close(k->fd);
		forget(pushed);
	} else if (fits)
		utimensat(AT_FDCWD, record, NULL, 0);
	free(seen);
	free(file);
	return found && fits;
}

/*
 * The layer that was pushed under this digest, in the form that is wanted (PLAIN: as it was pushed);
 * its file, k->fd, is the caller's to close. One in another form is not there, and stays.
 */
bool
store_find(const char *pushed, enum coding wanted, struct kept *k)
{
	char *record = path_of(pushed, RECORD);
	bool found = access(record, F_OK) == 0 && find(pushed, record, wanted, k);

	free(record);
	return found;
}

/* Moves the file at path, which k->fd is, into the store. False: it is not in there, and nothing else is
 * lost. */
bool
store_add(const struct kept *k, const char *path, char why[WHY])
{
	char *file = path_of(k->pushed, "");
	struct stat st;
	bool good;

	good = rename(path, file) == 0 && fstat(k->fd, &st) == 0 && write_record(k, &st);
	if (!good) {
		fail_errno(why, "cannot keep %.19s...", k->pushed);
		forget(k->pushed);
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

/* Down to so many bytes: what was used longest ago goes first. One at a time does so; others need not. */
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

/* What is in it, of whatever coding; records alone are read. The caller frees the array; NULL where there is
 * none. */
struct stock *
store_stock(size_t *count)
{
	struct stock *stock = NULL;
	struct entry *list;
	size_t entries;

	list = list_entries(&entries);
	*count = 0;
	for (size_t i = 0; i < entries; i++) {
		char *digest = format("sha256:%s", list[i].name), *seen;
		struct kept k;

		if (read_record(digest, &k, &seen)) {
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

/* --- What is remembered beside it */

static char *
last_path(const char *repository)
{
	char hex[HEX + 1];

	sha256_hex(repository, strlen(repository), hex);
	return format(STORE "/%s" LAST, hex);
}

/* False where no image of this repository was ever missed. */
bool
store_last(const char *repository, struct list *diff_ids)
{
	char *path = last_path(repository);
	bool good = read_own(path, diff_ids);

	free(path);
	return good;
}

void
store_set_last(const char *repository, const struct list *diff_ids)
{
	char *path = last_path(repository);

	try_request(path, diff_ids);
	free(path);
}

int
store_port(void)
{
	char *text = first_line(STORE "/port");
	int port = text && strspn(text, "0123456789") == strlen(text) ? (int)strtol(text, NULL, 10) : 0;

	free(text);
	return port > 0 && port < 65536 ? port : 0;
}

void
store_set_port(int port)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", port);
	try_file(STORE "/port", text, strlen(text), 0600);
}
