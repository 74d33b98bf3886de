/* file.c - small files whole or not at all, folders, and requests: lists of NUL-ended strings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

/* Closes fd. */
static char *
read_open_file(int fd, size_t max, size_t *size)
{
	char *text = xmalloc(max + 2);
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, text + used, max + 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	if (n < 0 || used > max) {
		if (n == 0)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[used] = '\0';
	if (size)
		*size = used;
	return xrealloc(text, used + 1);
}

char *
read_text(const char *path, size_t max, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? NULL : read_open_file(fd, max, size);
}

char *
read_private(int folder, const char *path, size_t max)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char why[200];

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (!is_private(&st, why))
		errno = EPERM;
	else
		return read_open_file(fd, max, NULL);
	close(fd);
	return NULL;
}

char *
first_line(const char *path)
{
	char *text = read_text(path, 65536, NULL);

	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

int
temporary_file(const char *path, char **name, mode_t mode)
{
	static const char suffix[] = ".tmp";
	const char *run = setting("RUN"), *slash = strrchr(path, '/');
	int fd = -1;

	*name = NULL;
	if (*run != '\0' && is_in_cache(path)) {
		*name =
		    format("%s/%s/%s.XXXXXX%s", needed("CACHE_DIR"), run, slash ? slash + 1 : path, suffix);
		fd = mkostemps(*name, (int)strlen(suffix), O_CLOEXEC);
	}
	if (fd < 0) {
		free(*name);
		*name = format("%s.XXXXXX%s", path, suffix);
		fd = mkostemps(*name, (int)strlen(suffix), O_CLOEXEC);
	}
	if (fd >= 0)
		fchmod(fd, mode);
	return fd;
}

bool
try_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
	char *temporary;
	int fd = temporary_file(path, &temporary, mode), saved;
	bool good = false;

	if (fd >= 0) {
		good = write_all(fd, bytes, size);
		good = close(fd) == 0 && good && rename(temporary, path) == 0;
		saved = errno;
		if (!good)
			unlink(temporary);
		errno = saved;
	}
	free(temporary);
	return good;
}

void
write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
	if (!try_file(path, bytes, size, mode))
		die_errno(EXIT_SYSTEM, "cannot write '%s'", path);
}

bool
write_if_changed(const char *path, const char *text)
{
	size_t size = strlen(text);
	char *old = read_text(path, size, NULL);
	bool same = old != NULL && strcmp(old, text) == 0;

	free(old);
	if (!same)
		write_file(path, text, size, 0644);
	return !same;
}

void
append_line(const char *path, const char *text)
{
	char *line = format("%s\n", text);
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open '%s'", path);
	if (!write_all(fd, line, strlen(line)) || close(fd) != 0)
		die_errno(EXIT_SYSTEM, "cannot write '%s'", path);
	free(line);
}

int
make_folders(const char *path, mode_t mode)
{
	char *copy = xstrdup(path);

	for (char *p = copy; *p; p++)
		if (*p == '/' && p > copy && p[strspn(p, "/")] != '\0') {
			*p = '\0';
			if (mkdir(copy, 0777) != 0 && errno != EEXIST)
				break; /* the last mkdir says why */
			*p = '/';
		}
	free(copy);
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -1;
}

void
list_folder(const char *path, struct list *names)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			list_add(names, entry->d_name);
	if (folder != NULL)
		closedir(folder);
}

int
sync_path(const char *path)
{
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* What a packer left unreadable must go as well; a folder that is ours can always be opened. */
static int
prepare_folder(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd = openat(at, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = openat(at, name, flags);
	if (fd >= 0)
		fchmod(fd, 0700);
	return fd;
}

static int
remove_entry(int at, const char *name)
{
	struct dirent *entry;
	DIR *folder;
	int fd, rc = 0;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	fd = prepare_folder(at, name);
	if (fd < 0)
		return -1;
	folder = fdopendir(fd);
	if (folder == NULL) {
		close(fd);
		return -1;
	}
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    remove_entry(fd, entry->d_name) != 0)
			rc = -1;
	closedir(folder);
	if (unlinkat(at, name, AT_REMOVEDIR) != 0)
		rc = -1;
	return rc;
}

int
remove_tree(const char *path)
{
	return remove_entry(AT_FDCWD, path);
}

bool
read_request(const char *path, struct list *out)
{
	size_t size, i = 0;
	char *text = read_text(path, 1 << 20, &size);

	if (text == NULL)
		return false;
	while (i < size) {
		list_add(out, text + i);
		i += strlen(text + i) + 1;
	}
	free(text);
	return true;
}

static char *
request_text(const struct list *l, size_t *size)
{
	size_t used = 0;
	char *text;

	*size = 0;
	for (size_t i = 0; i < l->count; i++)
		*size += strlen(l->at[i]) + 1;
	text = xmalloc(*size);
	for (size_t i = 0; i < l->count; i++) {
		size_t n = strlen(l->at[i]) + 1;

		memcpy(text + used, l->at[i], n);
		used += n;
	}
	return text;
}

bool
try_request(const char *path, const struct list *l)
{
	size_t size;
	char *text = request_text(l, &size);
	bool good = try_file(path, text, size, 0600);

	free(text);
	return good;
}

void
write_request(const char *path, const struct list *l)
{
	if (!try_request(path, l))
		die_errno(EXIT_SYSTEM, "cannot write '%s'", path);
}

char *
stat_text(const struct stat *st)
{
	return format("%llu %llu %lld %lld.%09ld %lld.%09ld\n", (unsigned long long)st->st_dev,
		      (unsigned long long)st->st_ino, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
		      st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}
