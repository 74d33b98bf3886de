/*
 * list-tree - all that can be said of a file tree, one line an entry, so that two trees can be compared by
 * diff.
 *
 * For each entry, in the order of the names: name (%XX for what is not plain), type, mode, owner, time, and
 * as it applies size and CRC-32 of the content, target, device, the first name of the same file, extended
 * attributes. With -t folders have no time, for extractors that do not restore it; with -x NAME what is called so in
 * FOLDER itself is left out. Exit: 0 listed; 100 usage;
 * 111 something cannot be read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

#define USAGE "usage: list-tree [-t] [-x NAME]... FOLDER\n"

enum { NAMES = 8192, BUCKETS = 4096, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

/* A file of several names, and the first of them. */
struct link {
	struct link *next;
	dev_t device;
	ino_t inode;
	char *name;
};

static struct link *seen[BUCKETS];
static bool all_times = true;
static const char *left_out[16];
static size_t left_out_count;

static bool
is_left_out(const char *name)
{
	for (size_t i = 0; i < left_out_count; i++)
		if (strcmp(left_out[i], name) == 0)
			return true;
	return false;
}

static _Noreturn void
cannot(const char *path)
{
	fprintf(stderr, "list-tree: cannot read '%s': %s\n", path, strerror(errno));
	exit(EXIT_SYSTEM);
}

static void
put_escaped(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)bytes[i] <= ' ' || (unsigned char)bytes[i] >= 127 || bytes[i] == '%')
			printf("%%%02x", (unsigned char)bytes[i]);
		else
			putchar(bytes[i]);
}

static void
put_content(const char *path)
{
	static unsigned char buffer[1 << 16];
	uLong sum = crc32(0, NULL, 0);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		cannot(path);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		sum = crc32(sum, buffer, (uInt)n);
	if (n < 0)
		cannot(path);
	close(fd);
	printf(" crc=%08lx", sum);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
put_xattrs(const char *path)
{
	char names[NAMES], value[65536], *list[256];
	ssize_t size = llistxattr(path, names, sizeof(names));
	size_t count = 0;

	if (size < 0 && errno == ENOTSUP)
		return;
	if (size < 0)
		cannot(path);
	for (char *name = names; name < names + size && count < 256; name += strlen(name) + 1)
		list[count++] = name;
	qsort(list, count, sizeof(*list), by_text);
	for (size_t i = 0; i < count; i++) {
		ssize_t n = lgetxattr(path, list[i], value, sizeof(value));

		if (n < 0)
			cannot(path);
		putchar(' ');
		put_escaped(list[i], strlen(list[i])); /* a newline may be in it */
		putchar('=');
		put_escaped(value, (size_t)n);
	}
}

static void
put_links(const char *name, const struct stat *st)
{
	struct link **bucket = &seen[st->st_ino % BUCKETS], *l;

	for (l = *bucket; l != NULL; l = l->next)
		if (l->inode == st->st_ino && l->device == st->st_dev) {
			printf(" same=");
			put_escaped(l->name, strlen(l->name));
			return;
		}
	l = malloc(sizeof(*l));
	if (l == NULL)
		cannot(name);
	*l = (struct link){*bucket, st->st_dev, st->st_ino, strdup(name)};
	*bucket = l;
}

static void
put_entry(const char *path, const char *name, const struct stat *st)
{
	static const char types[] = "?pc?d?b?-?l?s???";
	char target[8192];
	ssize_t n;

	put_escaped(name, strlen(name));
	printf(" %c %04o %u:%u", types[st->st_mode >> 12], st->st_mode & 07777, st->st_uid, st->st_gid);
	if (all_times || !(S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode)))
		printf(" %lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (S_ISREG(st->st_mode)) {
		printf(" size=%lld", (long long)st->st_size);
		put_content(path);
	}
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf(" dev=%u,%u", major(st->st_rdev), minor(st->st_rdev));
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof(target));
		if (n < 0)
			cannot(path);
		printf(" to=");
		put_escaped(target, (size_t)n);
	}
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		put_links(name, st);
	put_xattrs(path);
	putchar('\n');
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
list(const char *path, const char *name)
{
	struct dirent **entries;
	struct stat st;
	int count;

	if (lstat(path, &st) != 0 && errno == ENOENT) /* an overlay names whiteouts that hide nothing */
		return;
	if (lstat(path, &st) != 0)
		cannot(path);
	put_entry(path, name, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	count = scandir(path, &entries, NULL, by_name);
	if (count < 0)
		cannot(path);
	for (int i = 0; i < count; i++) {
		const char *child = entries[i]->d_name;
		char *child_path, *child_name;

		if (strcmp(child, ".") != 0 && strcmp(child, "..") != 0 &&
		    !(strcmp(name, ".") == 0 && is_left_out(child))) {
			if (asprintf(&child_path, "%s/%s", path, child) < 0 ||
			    asprintf(&child_name, "%s/%s", name, child) < 0)
				cannot(path);
			list(child_path, child_name);
			free(child_path);
			free(child_name);
		}
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "tx:")) != -1)
		switch (opt) {
		case 't':
			all_times = false;
			break;
		case 'x':
			if (left_out_count < sizeof(left_out) / sizeof(left_out[0]))
				left_out[left_out_count++] = optarg;
			break;
		default:
			fputs(USAGE, stderr);
			return EXIT_USAGE;
		}
	if (optind + 1 != argc) {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	list(argv[optind], ".");
	return fflush(stdout) == 0 ? 0 : EXIT_SYSTEM;
}
