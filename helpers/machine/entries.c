/* entries.c - all machines of CACHE_DIR. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"
#include "machine/entries.h"
#include "machine/machine.h"
#include "machine/record.h"
#include "machine/used.h"

#define SIDECAR ".smolmachine.smolmachine"

enum { SUFFIX = 8 };

/* <16 hex> or <16 hex>-<8 hex>. */
static bool
is_key(const char *text, size_t length)
{
	size_t hex = strspn(text, "0123456789abcdef");

	if (length == ID16)
		return hex >= ID16;
	return length == ID16 + 1 + SUFFIX && hex == ID16 && text[ID16] == '-' &&
	       strspn(text + ID16 + 1, "0123456789abcdef") >= SUFFIX;
}

static char *
options_of(json_t *record)
{
	char *all = xstrdup("");
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(record, "options"), name, value)
	{
		char *longer = format("%s%s%s=%s", all, *all ? " " : "", name,
				      json_is_string(value) ? json_string_value(value) : "?");

		free(all);
		all = longer;
	}
	return all;
}

static void
add_record(struct entry_of_cache *e, json_t *record)
{
	snprintf(e->id, sizeof(e->id), "%s", json_text(record, "image_id"));
	snprintf(e->smolvm, sizeof(e->smolvm), "%s", json_text(record, "smolvm_version"));
	e->native = strcmp(json_text(record, "packed_by"), "smolmake") == 0;
	e->options = options_of(record);
	e->seconds = record_seconds(record);
	if (e->names.count == 0 &&
	    *json_text(record, "image")) /* nobody has used it since this is remembered */
		list_add(&e->names, json_text(record, "image"));
}

static void
add_manifest(struct entry_of_cache *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct sidecar s;
	char ignored[200];

	if (fd >= 0 && read_sidecar(fd, &s, ignored)) {
		snprintf(e->id, sizeof(e->id), "%.71s", s.digest);
		snprintf(e->smolvm, sizeof(e->smolvm), "%s", s.version);
	}
	if (fd >= 0)
		close(fd);
	e->options = xstrdup("");
}

static bool
has_pin(const char *key)
{
	char *path = format(PINS "/%s", key);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

/* False where it has gone meanwhile. */
static bool
read_entry(const char *key, struct entry_of_cache *e)
{
	struct machine m = name_machine(key);
	struct stat sidecar, launcher;
	json_t *record;
	bool there = lstat(m.sidecar, &sidecar) == 0 && S_ISREG(sidecar.st_mode);

	*e = (struct entry_of_cache){0};
	if (there) {
		e->key = xstrdup(key);
		e->bytes = (uint64_t)sidecar.st_size;
		if (lstat(m.launcher, &launcher) == 0)
			e->bytes += (uint64_t)launcher.st_size;
		e->made = (int64_t)sidecar.st_mtime;
		e->used = read_use(key, &e->names);
		if (e->used == 0)
			e->used = e->made;
		e->pinned = has_pin(key);
		record = read_record(m.record);
		if (record != NULL)
			add_record(e, record);
		else
			add_manifest(e, m.sidecar);
		json_decref(record);
	}
	free_machine(&m);
	return there;
}

static int
by_use(const void *a, const void *b)
{
	const struct entry_of_cache *x = a, *y = b;

	return x->used != y->used ? (x->used < y->used ? 1 : -1) : strcmp(x->key, y->key);
}

void
entries_read(struct entries *all)
{
	DIR *folder = opendir(".");
	struct dirent *entry;

	*all = (struct entries){0};
	if (folder == NULL)
		die_errno(EXIT_SYSTEM, "cannot read CACHE_DIR");
	while ((entry = readdir(folder)) != NULL) {
		size_t length = strlen(entry->d_name), tail = strlen(SIDECAR);

		if (length <= tail || strcmp(entry->d_name + length - tail, SIDECAR) != 0 ||
		    !is_key(entry->d_name, length - tail))
			continue;
		entry->d_name[length - tail] = '\0';
		if ((all->count & (all->count + 1)) == 0) /* room for twice as many */
			all->at = xrealloc(all->at, (2 * all->count + 2) * sizeof(*all->at));
		all->count += read_entry(entry->d_name, &all->at[all->count]);
	}
	closedir(folder);
	if (all->count > 0)
		qsort(all->at, all->count, sizeof(*all->at), by_use);
}

void
entries_free(struct entries *all)
{
	for (size_t i = 0; i < all->count; i++) {
		list_free(&all->at[i].names);
		free(all->at[i].key);
		free(all->at[i].options);
	}
	free(all->at);
}

static bool
is_there(const char *key)
{
	struct machine m = name_machine(key);
	bool there = access(m.sidecar, F_OK) == 0;

	free_machine(&m);
	return there;
}

char *
find_key(const char *what)
{
	char hex[SHA256_HEX + 1], *key = NULL;

	if (is_key(what, strlen(what)))
		key = xstrdup(what);
	else if (digest_hex(what, hex))
		key = format("%.*s", ID16, hex);
	else
		key = key_by_name(what);
	if (key != NULL && !is_there(key)) {
		free(key);
		key = NULL;
	}
	return key;
}

bool
cache_is_there(void)
{
	struct stat st;

	return *setting("CACHE_DIR") != '\0' && stat(setting("CACHE_DIR"), &st) == 0;
}
