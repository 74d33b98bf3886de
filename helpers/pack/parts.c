/* parts.c - the constant parts of a smolvm's artifacts, kept: in .parts/<version>-<mark of what they were made of>. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"
#include "pack/make.h"

#define FOLDER ".parts"
#define NOTE "parts.json"
/* Counts up when what lies in a folder is made in another way. */
#define FORMAT "1"

enum { UNUSED_SECONDS = 30 * 24 * 3600, NOTE_MAX = 4096 };

static char *
beside(const char *folder, const char *name)
{
	return format("%s/%s", folder, name);
}

static void
note_part(json_t *note, const char *name, const struct part *p)
{
	json_object_set_new(note, name,
			    json_pack("{s:I, s:I}", "size", (json_int_t)p->size, "crc", (json_int_t)p->crc));
}

static bool
write_note(const struct parts *p, const char *folder, char why[WHY])
{
	json_t *note = json_pack("{s:s, s:I, s:I, s:[]}", "version", p->version, "rootfs",
				 (json_int_t)p->rootfs, "storage", (json_int_t)p->storage, "libraries");
	char *path = beside(folder, NOTE), *text;
	bool good;

	for (size_t i = 0; i < p->libraries; i++)
		json_array_append_new(
		    json_object_get(note, "libraries"),
		    json_pack("{s:s, s:I}", "path", p->library[i], "size", (json_int_t)p->library_size[i]));
	note_part(note, "head", &p->head);
	note_part(note, "tail", &p->tail);
	note_part(note, "launcher", &p->launcher);
	text = json_dumps(note, JSON_INDENT(1));
	good = try_file(path, text, strlen(text), 0600) || fail_errno(why, "cannot write '%.120s'", path);
	free(text);
	free(path);
	json_decref(note);
	return good;
}

/* What the parts are made of, by the files' own marks: another installation, or one that was changed, is another name. */
static char *
name_folder(const struct found_parts *found, const char *version)
{
	const char *paths[LIBRARIES_MAX + 3];
	char hex[SHA256_HEX + 1], *text = format("%s %s\n", FORMAT, version);
	size_t n = 0;

	paths[n++] = found->engine;
	paths[n++] = found->rootfs;
	if (found->template != NULL)
		paths[n++] = found->template;
	for (size_t i = 0; i < found->libraries; i++)
		paths[n++] = found->library[i];
	for (size_t i = 0; i < n; i++) {
		struct stat st = {0};
		char *mark, *longer;

		stat(paths[i], &st);
		mark = stat_text(&st);
		longer = format("%s%s %s\n", text, paths[i], mark);
		free(mark);
		free(text);
		text = longer;
	}
	sha256_hex(text, strlen(text), hex);
	free(text);
	return format(FOLDER "/%s-%.16s", version, hex);
}

/* Those of smolvms that nobody has packed with for a month. */
static void
remove_unused(const char *own)
{
	struct list names = {0};

	list_folder(FOLDER, &names);
	for (size_t i = 0; i < names.count; i++) {
		char *path = beside(FOLDER, names.at[i]);
		struct stat st;

		if (strcmp(path, own) != 0 && lstat(path, &st) == 0 &&
		    st.st_mtime < time(NULL) - UNUSED_SECONDS)
			remove_tree(path);
		free(path);
	}
	list_free(&names);
}

static bool
make_folder(const struct found_parts *found, const char *version, const char *folder, char why[WHY])
{
	char *work = format("%s/parts.%ld", setting("RUN"), (long)getpid());
	struct parts p;
	bool good = (make_folders(work, 0700) == 0 && make_folders(FOLDER, 0700) == 0) ||
		    fail_errno(why, "cannot make '%.120s'", work);

	good = good && make_parts(found, version, work, &p, why) && write_note(&p, work, why);
	/* another run may have been faster */
	if (good && rename(work, folder) != 0 && errno != EEXIST && errno != ENOTEMPTY)
		good = fail_errno(why, "cannot make '%.120s'", folder);
	remove_tree(work);
	free(work);
	if (good)
		remove_unused(folder);
	return good;
}

bool
parts_prepare(const struct found_parts *found, const char *version, char **folder, char why[WHY])
{
	struct parts p;
	char ignored[WHY];

	*folder = name_folder(found, version);
	if (parts_open(&p, *folder, ignored)) {
		parts_close(&p);
		utimensat(AT_FDCWD, *folder, NULL, 0); /* it is in use */
		return true;
	}
	parts_discard(*folder);
	if (make_folder(found, version, *folder, why))
		return true;
	free(*folder);
	*folder = NULL;
	return false;
}

static bool
open_part(json_t *note, const char *folder, const char *name, struct part *p, char why[WHY])
{
	json_t *item = json_object_get(note, name);
	char *path = beside(folder, name), reason[WHY];
	struct stat st;

	p->size = (uint64_t)json_integer_value(json_object_get(item, "size"));
	p->crc = (uint32_t)json_integer_value(json_object_get(item, "crc"));
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (p->fd < 0 || fstat(p->fd, &st) != 0)
		return fail_errno(why, "cannot open '%.100s/%s'", folder, name);
	if (!is_private(&st, reason) || (uint64_t)st.st_size != p->size)
		return fail(why, "'%.100s/%s' is not as it was made", folder, name);
	return true;
}

static void
read_note(json_t *note, struct parts *p)
{
	const char *version = json_string_value(json_object_get(note, "version"));
	json_t *item;
	size_t i;

	snprintf(p->version, sizeof(p->version), "%s", version ? version : "");
	p->rootfs = (uint64_t)json_integer_value(json_object_get(note, "rootfs"));
	p->storage = (uint64_t)json_integer_value(json_object_get(note, "storage"));
	json_array_foreach(json_object_get(note, "libraries"), i, item)
	{
		const char *path = json_string_value(json_object_get(item, "path"));

		if (path == NULL || p->libraries == LIBRARIES_MAX)
			break;
		snprintf(p->library[p->libraries], sizeof(p->library[0]), "%s", path);
		p->library_size[p->libraries++] = (uint64_t)json_integer_value(json_object_get(item, "size"));
	}
}

bool
parts_open(struct parts *p, const char *folder, char why[WHY])
{
	char *path = beside(folder, NOTE), *text = read_private(AT_FDCWD, path, NOTE_MAX);
	json_t *note = text ? read_json(text, strlen(text), why) : NULL;
	bool good;

	*p = (struct parts){.head.fd = -1, .tail.fd = -1, .launcher.fd = -1};
	if (note == NULL)
		fail(why, "'%.150s' cannot be read", path);
	else
		read_note(note, p);
	good = note != NULL && open_part(note, folder, "head", &p->head, why) &&
	       open_part(note, folder, "tail", &p->tail, why) &&
	       open_part(note, folder, "launcher", &p->launcher, why);
	if (!good)
		parts_close(p);
	json_decref(note);
	free(text);
	free(path);
	return good;
}

void
parts_close(struct parts *p)
{
	int *fd[] = {&p->head.fd, &p->tail.fd, &p->launcher.fd};

	for (size_t i = 0; i < LENGTH(fd); i++)
		if (*fd[i] >= 0) {
			close(*fd[i]);
			*fd[i] = -1;
		}
}

void
parts_discard(const char *folder)
{
	remove_tree(folder);
}
