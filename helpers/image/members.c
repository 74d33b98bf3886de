/*
 * members.c - the members of an export: received, kept in one file, found by name.
 *
 * The names serve to look things up in memory and for nothing else: "../../etc"
 * is as good a name as any, but no engine writes it, so it is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/members.h"
#include "image/tar.h"

enum {
	MEMBERS_MAX = 200000, /* docker before 25 writes four a layer */
	NAME_LONGEST = 512,
	LINKS_MAX = 8,
};

/* Where a symbolic link leads: "a/layer.tar" and "../b/layer.tar" make "b/layer.tar". */
static bool
follow(const char *name, const char *link, char path[PATH_ROOM])
{
	const char *slash = strrchr(name, '/');
	size_t used = slash ? (size_t)(slash - name) : 0;

	if (*link == '/' || strlen(name) + strlen(link) + 2 > PATH_ROOM)
		return false;
	memcpy(path, name, used);
	while (strncmp(link, "../", 3) == 0) {
		if (used == 0)
			return false;
		while (used > 0 && path[--used] != '/')
			;
		link += 3;
	}
	path[used] = '/';
	memcpy(path + used + 1, link, strlen(link) + 1);
	return clean_path(path, path);
}

static bool
set_link(struct member *m, struct archive_entry *entry, char why[WHY])
{
	const char *hard = archive_entry_hardlink(entry), *link = archive_entry_symlink(entry);
	char path[PATH_ROOM];

	if (hard != NULL ? !clean_path(hard, path) : link == NULL || !follow(m->name, link, path))
		return fail(why, "member '%.100s' is a link that leads nowhere", m->name);
	m->link = xstrdup(path);
	return true;
}

/* What the current entry is, and its data until they have arrived whole. */
static bool
add_member(struct export *e, struct tar *t, char why[WHY])
{
	const char *name = archive_entry_pathname(t->entry);
	bool link = archive_entry_hardlink(t->entry) != NULL || archive_entry_filetype(t->entry) == AE_IFLNK;
	struct member *m = &e->member[e->members];
	char path[PATH_ROOM];

	if (!link && archive_entry_filetype(t->entry) != AE_IFREG)
		return tar_skip(t, why);
	if (name == NULL || !clean_path(name, path) || strlen(path) > NAME_LONGEST)
		return fail(why, "a member has the unusable name '%.100s'", name ? name : "");
	*m = (struct member){.name = xstrdup(path), .offset = t->data};
	e->members++;
	if (link)
		return set_link(m, t->entry, why);
	if (archive_entry_sparse_count(t->entry) > 0)
		return fail(why, "member '%.100s' is stored as a sparse file", path);
	if (!tar_skip(t, why))
		return false;
	m->size = (uint64_t)archive_entry_size(t->entry);
	return m->size <= (uint64_t)(t->end - t->data) ||
	       fail(why, "member '%.100s' is longer than the export", path);
}

static bool
add_members(struct export *e, struct tar *t, const struct arrivals *arrivals, char why[WHY])
{
	size_t room = 0, before;
	enum found found;

	while ((found = tar_next(t, why)) == ENTRY) {
		if (e->members == MEMBERS_MAX)
			return fail(why, "it has more than %d members", MEMBERS_MAX);
		if (e->members == room) {
			room = room ? room * 2 : 64;
			e->member = xrealloc(e->member, room * sizeof(*e->member));
		}
		before = e->members;
		if (!add_member(e, t, why))
			return false;
		if (arrivals->member != NULL && e->members > before && e->member[before].link == NULL)
			arrivals->member(arrivals->member_arg, e->member[before].name,
					 e->member[before].offset, e->member[before].size);
	}
	return found == END;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static bool
sort_members(struct export *e, char why[WHY])
{
	if (e->members > 0)
		qsort(e->member, e->members, sizeof(*e->member), by_name);
	for (size_t i = 1; i < e->members; i++)
		if (strcmp(e->member[i].name, e->member[i - 1].name) == 0)
			return fail(why, "member '%.100s' is there twice", e->member[i].name);
	return true;
}

/* The engine may have more to say (padding): it must not die of SIGPIPE for that. */
static void
drain(struct tar *t)
{
	while (t->pipe >= 0 && read_some(t->pipe, t->buffer, 65536) > 0)
		;
}

bool
read_members(int in, const char *folder, const struct arrivals *arrivals, struct export *e, char why[WHY])
{
	static const struct arrivals nobody;
	struct stat st;
	struct tar t;
	off_t start;
	bool regular, good;

	if (fstat(in, &st) != 0)
		return fail_errno(why, "cannot read the export");
	regular = S_ISREG(st.st_mode);
	start = regular ? lseek(in, 0, SEEK_CUR) : 0;
	e->spool = regular ? fcntl(in, F_DUPFD_CLOEXEC, 3) : unlinked_file(folder);
	if (e->spool < 0)
		return fail_errno(why, "cannot make a file in '%.100s' for the export", folder);
	if (arrivals == NULL)
		arrivals = &nobody;
	tar_init(&t);
	t.on_bytes = arrivals->bytes;
	t.on_bytes_arg = arrivals->bytes_arg;
	if (regular)
		good = tar_seek(&t, e->spool, start, st.st_size, why);
	else
		good = tar_receive(&t, e->spool, in, why);
	good = good && add_members(e, &t, arrivals, why);
	if (t.end <= start && t.trouble == 0)
		good = fail(why, "the export is empty");
	if (good)
		drain(&t);
	tar_close(&t);
	return good && sort_members(e, why);
}

const struct member *
find_member(const struct export *e, const char *name)
{
	char path[PATH_ROOM];
	struct member key = {.name = path};

	if (e->members == 0 || !clean_path(name, path))
		return NULL;
	for (int links = 0; links < LINKS_MAX; links++) {
		const struct member *m = bsearch(&key, e->member, e->members, sizeof(key), by_name);

		if (m == NULL || m->link == NULL)
			return m;
		key.name = m->link;
	}
	return NULL;
}

void
free_members(struct export *e)
{
	for (size_t i = 0; i < e->members; i++) {
		free(e->member[i].name);
		free(e->member[i].link);
	}
	free(e->member);
}
