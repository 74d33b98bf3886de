/* used.c - what the cache remembers of the use of a machine. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/used.h"

enum { NAMES_MOST = 1 << 16 /* bytes */ };

#define LAUNCHER ".smolmachine"
#define SIDECAR ".smolmachine.smolmachine"

/* "agent" -> "agent:latest"; NULL for an image ID, which is nobody's name. The caller frees it. */
static char *
full_name(const char *image)
{
	struct reference r;

	return parse_reference(image, &r) && !r.is_id ? format("%s:%s", r.name, r.tag) : NULL;
}

static char *
use_path(const char *key)
{
	return format(USED "/%s", key);
}

static bool
has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; (at = strstr(at, line)) != NULL; at += n)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

static void
note_use(const char *key, const char *name)
{
	char *path = use_path(key), *text = read_private(AT_FDCWD, path, NAMES_MOST), *longer;

	if (text != NULL && (name == NULL || has_line(text, name)))
		utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	else {
		longer = format("%s%s%s", text ? text : "", name ? name : "", name ? "\n" : "");
		try_file(path, longer, strlen(longer), 0600);
		free(longer);
	}
	free(text);
	free(path);
}

/* The folders of path; nothing of it may be a link. */
static bool
make_parents(char *path)
{
	bool good = true;

	for (char *slash = strchr(path, '/'); good && slash != NULL; slash = strchr(slash + 1, '/')) {
		struct stat st;

		*slash = '\0';
		good = (mkdir(path, 0700) == 0 || errno == EEXIST) && lstat(path, &st) == 0 &&
		       S_ISDIR(st.st_mode);
		*slash = '/';
	}
	return good;
}

static char *
read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return xstrdup(target);
}

/* A link in by-name that leads to a file of CACHE_DIR, by rename. */
static void
set_link(const char *path, const char *file)
{
	char *up = xstrdup(""), *target, *is = read_link(path),
	     *temporary = format("%s.%ld.tmp", path, (long)getpid());

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		char *longer = format("%s../", up);

		free(up);
		up = longer;
	}
	target = format("%s%s", up, file);
	if (is == NULL || strcmp(is, target) != 0)
		if (symlink(target, temporary) != 0 || rename(temporary, path) != 0)
			unlink(temporary);
	free(temporary);
	free(is);
	free(target);
	free(up);
}

static void
link_name(const char *key, const char *name)
{
	char *launcher = format(BY_NAME "/%s", name), *sidecar = format("%s" LAUNCHER, launcher),
	     *to_launcher = format("%s" LAUNCHER, key), *to_sidecar = format("%s" SIDECAR, key);

	if (make_parents(launcher)) {
		set_link(launcher, to_launcher);
		set_link(sidecar, to_sidecar);
	}
	free(to_sidecar);
	free(to_launcher);
	free(sidecar);
	free(launcher);
}

void
use_machine(const char *key, const char *image)
{
	char *name = full_name(image);

	note_use(key, name);
	if (name != NULL && !ends_with(name, LAUNCHER)) /* that would be another's sidecar */
		link_name(key, name);
	free(name);
}

int64_t
read_use(const char *key, struct list *names)
{
	char *path = use_path(key), *text = read_private(AT_FDCWD, path, NAMES_MOST), *rest = NULL;
	struct stat st;
	int64_t used = text != NULL && lstat(path, &st) == 0 ? (int64_t)st.st_mtime : 0;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		list_add(names, line);
	free(text);
	free(path);
	return used;
}

/* "../../<key>.smolmachine" -> the key; NULL. The caller frees it. */
static char *
key_of_link(const char *path)
{
	char *target = read_link(path), *key = NULL;

	if (target != NULL && ends_with(target, LAUNCHER))
		key = format("%.*s", (int)(strlen(base_name(target)) - strlen(LAUNCHER)), base_name(target));
	free(target);
	return key;
}

void
forget_use(const char *key)
{
	struct list names = {0};
	char *path = use_path(key);

	read_use(key, &names);
	for (size_t i = 0; i < names.count; i++) {
		char *launcher = format(BY_NAME "/%s", names.at[i]),
		     *sidecar = format("%s" LAUNCHER, launcher), *is = key_of_link(launcher);

		if (is != NULL && strcmp(is, key) == 0) {
			unlink(launcher);
			unlink(sidecar);
		}
		free(is);
		free(sidecar);
		free(launcher);
	}
	unlink(path);
	list_free(&names);
	free(path);
}

char *
key_by_name(const char *image)
{
	char *name = full_name(image), *path, *key;

	if (name == NULL)
		return NULL;
	path = format(BY_NAME "/%s", name);
	key = key_of_link(path);
	free(path);
	free(name);
	return key;
}
