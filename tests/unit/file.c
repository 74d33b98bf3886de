/* file.c - small files whole or not at all, folders, requests. */
#include <dirent.h>
#include <sys/resource.h>

#include <limits.h>

#include "unit.h"

static void
reading(void **state)
{
	static const struct {
		const char *bytes;
		size_t size, max;
		bool taken;
	} cases[] = {
	    {"", 0, 0, true},
	    {"", 0, 10, true},
	    {"x", 1, 0, false},
	    {"abcdefghi", 9, 10, true},
	    {"abcdefghij", 10, 10, true},
	    {"abcdefghijk", 11, 10, false},
	    {"a\0b", 3, 10, true},
	};
	char *text;
	size_t size;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		put_file("file", cases[i].bytes, cases[i].size);
		errno = 0;
		text = read_text("file", cases[i].max, &size);
		same_number(cases[i].bytes, text != NULL, cases[i].taken);
		if (text != NULL) {
			same_number(cases[i].bytes, (long long)size, (long long)cases[i].size);
			assert_memory_equal(text, cases[i].bytes, size);
			assert_int_equal(text[size], '\0');
		} else
			same_number(cases[i].bytes, errno, EFBIG);
		free(text);
	}
	errno = 0;
	assert_null(read_text("not there", 10, NULL));
	assert_int_equal(errno, ENOENT);
	assert_null(read_text(".", 10, NULL));
	assert_int_equal(errno, EISDIR);
	/* what has no end is refused too */
	assert_null(read_text("/dev/zero", 100, NULL));
}

static void
first_lines(void **state)
{
	static const char *const cases[][2] = {{"", ""},     {"\n", ""},      {"a", "a"},
					       {"a\n", "a"}, {"a\nb\n", "a"}, {"\nb", ""}};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *line;

		put_text("lines", cases[i][0]);
		line = first_line("lines");
		assert_non_null(line);
		same_text(cases[i][0], line, cases[i][1]);
		free(line);
	}
	assert_null(first_line("not there"));
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* How many entries there are in a folder. */
static int
entries(const char *path)
{
	DIR *d = opendir(path);
	int n = -2;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
writing(void **state)
{
	struct stat before, after;

	(void)state;
	assert_int_equal(mkdir("w", 0700), 0);
	write_file("w/file", "one", 3, 0600);
	assert_string_equal(text_of("w/file"), "one");
	assert_int_equal(mode_of("w/file"), 0600);
	assert_int_equal(stat("w/file", &before), 0);

	/* anew, by rename: who reads the old one keeps it whole */
	write_file("w/file", "", 0, 0644);
	assert_int_equal(stat("w/file", &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_string_equal(text_of("w/file"), "");

	/* a link is replaced, what it names is not written to */
	put_text("w/victim", "precious");
	assert_int_equal(symlink("victim", "w/link"), 0);
	write_file("w/link", "new", 3, 0600);
	assert_string_equal(text_of("w/victim"), "precious");
	assert_string_equal(text_of("w/link"), "new");

	assert_int_equal(entries("w"), 3);
}

/* A new one each time, which nobody can have put there before. */
static void
temporary_files(void **state)
{
	char *names[50];
	mode_t old = umask(077);

	(void)state;
	assert_int_equal(mkdir("t", 0700), 0);
	for (size_t i = 0; i < LENGTH(names); i++) {
		int fd = temporary_file("t/file", &names[i], i % 2 ? 0755 : 0600);

		assert_true(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
		close(fd);
		assert_int_equal(mode_of(names[i]), i % 2 ? 0755 : 0600);
		assert_int_equal(strncmp(names[i], "t/file.", 7), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
	umask(old);
	assert_int_equal(entries("t"), LENGTH(names));
	for (size_t i = 0; i < LENGTH(names); i++)
		free(names[i]);
	assert_int_equal(temporary_file("not there/file", &names[0], 0600), -1);
	free(names[0]);
}

/* Of a file of the cache it is in the run's folder, which somebody removes in any case. */
static void
temporary_files_of_a_run(void **state)
{
	char cache[PATH_MAX], *path, *name;
	int fd;

	(void)state;
	assert_int_equal(mkdir("cache", 0700), 0);
	assert_int_equal(mkdir("cache/run", 0700), 0);
	assert_non_null(realpath("cache", cache));
	path = format("%s/file", cache);
	setenv("CACHE_DIR", cache, 1);
	setenv("RUN", "run", 1);
	fd = temporary_file(path, &name, 0600);
	assert_true(fd >= 0);
	has_text("in the run's folder", name, "/cache/run/file.");
	close(fd);
	free(name);
	fd = temporary_file("elsewhere", &name, 0600);
	assert_true(fd >= 0);
	assert_int_equal(strncmp(name, "elsewhere.", 10), 0);
	close(fd);
	free(name);
	assert_int_equal(chdir(cache), 0);
	fd = temporary_file("relative", &name, 0600);
	assert_true(fd >= 0);
	has_text("a relative path", name, "/cache/run/relative.");
	close(fd);
	free(name);
	setenv("RUN", "gone", 1);
	fd = temporary_file("relative", &name, 0600);
	assert_true(fd >= 0);
	assert_int_equal(strncmp(name, "relative.", 9), 0);
	close(fd);
	free(name);
	assert_int_equal(chdir(folder), 0);
	unsetenv("RUN");
	unsetenv("CACHE_DIR");
	free(path);
}

static void
reading_private(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		int error;
	} cases[] = {{0600, 0, 0},     {0644, 0, 0},     {0755, 0, 0},         {0664, 0, EPERM},
		     {0646, 0, EPERM}, {0620, 0, EPERM}, {0644, 12345, EPERM}, {0600, 12345, EPERM}};
	char *text, *name;

	(void)state;
	assert_int_equal(mkdir("own", 0700), 0);
	put_text("own/file", "a\nb");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (cases[i].owner != 0 && geteuid() != 0)
			continue;
		assert_int_equal(chown("own/file", cases[i].owner ? cases[i].owner : geteuid(), getegid()),
				 0);
		assert_int_equal(chmod("own/file", cases[i].mode), 0);
		name = format("mode %03o of %u", (unsigned)cases[i].mode, (unsigned)cases[i].owner);
		errno = 0;
		text = read_private(AT_FDCWD, "own/file", 10);
		same_number(name, text ? 0 : errno, cases[i].error);
		if (text)
			same_text(name, text, "a\nb");
		free(text);
		free(name);
	}
	assert_int_equal(chown("own/file", geteuid(), getegid()), 0);
	assert_int_equal(chmod("own/file", 0600), 0);
	assert_int_equal(symlink("file", "own/link"), 0);
	assert_null(read_private(AT_FDCWD, "own/link", 10));
	assert_int_equal(errno, ELOOP);
	assert_null(read_private(AT_FDCWD, "own", 10));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mkfifo("own/pipe", 0600), 0);
	assert_null(read_private(AT_FDCWD, "own/pipe", 10));
	assert_int_equal(errno, EINVAL);
	assert_null(read_private(AT_FDCWD, "own/file", 2));
	assert_int_equal(errno, EFBIG);
	assert_null(read_private(AT_FDCWD, "own/none", 2));
	assert_int_equal(errno, ENOENT);
}

static void
write_too_much(void *arg)
{
	static const char text[100000];
	const struct rlimit limit = {4096, 4096};

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	write_file("full/file", text, sizeof(text), 0600);
}

static void
write_over_folder(void *arg)
{
	write_file(arg, "x", 1, 0600);
}

/* Where it cannot be written, the old one stays and no temporary file does. */
static void
writing_fails(void **state)
{
	struct ending e;

	(void)state;
	assert_int_equal(mkdir("full", 0700), 0);
	put_text("full/file", "old");
	e = ending_of(write_too_much, NULL);
	assert_int_equal(e.code, EXIT_SYSTEM);
	has_text("too much", e.said, "cannot write 'full/file': File too large");
	assert_string_equal(text_of("full/file"), "old");
	assert_int_equal(entries("full"), 1);

	assert_int_equal(mkdir("full/folder", 0700), 0);
	e = ending_of(write_over_folder, "full/folder");
	assert_int_equal(e.code, EXIT_SYSTEM);
	has_text("over a folder", e.said, "cannot write 'full/folder': Is a directory");
	assert_int_equal(entries("full"), 2);

	e = ending_of(write_over_folder, "not there/file");
	assert_int_equal(e.code, EXIT_SYSTEM);
	has_text("no folder", e.said, "cannot write 'not there/file'");
}

static void
writing_if_changed(void **state)
{
	struct stat before, after;

	(void)state;
	assert_true(write_if_changed("changing", "a"));
	assert_int_equal(stat("changing", &before), 0);
	assert_false(write_if_changed("changing", "a"));
	assert_int_equal(stat("changing", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(write_if_changed("changing", "ab"));
	assert_true(write_if_changed("changing", "a"));
	assert_string_equal(text_of("changing"), "a");
	assert_true(write_if_changed("changing", ""));
	assert_false(write_if_changed("changing", ""));
	/* a NUL where the text ends is another text */
	put_file("changing", "a\0", 2);
	assert_true(write_if_changed("changing", "a"));
}

static void
append_there(void *arg)
{
	append_line(arg, "x");
}

static void
appending(void **state)
{
	(void)state;
	append_line("log", "tag 21");
	append_line("log", "");
	append_line("log", "push 7");
	assert_string_equal(text_of("log"), "tag 21\n\npush 7\n");
	assert_int_equal(mode_of("log"), 0600);
	assert_int_equal(symlink("log", "log-link"), 0);
	assert_int_equal(ending_of(append_there, "log-link").code, EXIT_SYSTEM);
	assert_int_equal(ending_of(append_there, "/dev/full").code, EXIT_SYSTEM);
}

static void
folders(void **state)
{
	mode_t old = umask(022);

	(void)state;
	assert_int_equal(make_folders("p/q r//s", 0700), 0);
	umask(old);
	assert_int_equal(mode_of("p"), 0755);
	assert_int_equal(mode_of("p/q r/s"), 0700);
	assert_int_equal(make_folders("p/q r/s", 0700), 0);
	assert_int_equal(make_folders("p/t/", 0700), 0);
	assert_int_equal(mode_of("p/t"), 0700);
	put_text("p/file", "");
	assert_int_equal(make_folders("p/file/x/y", 0700), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(make_folders("", 0700), -1);
	assert_int_equal(errno, ENOENT);
}

static void
syncing(void **state)
{
	(void)state;
	put_text("s", "x");
	assert_int_equal(sync_path("s"), 0);
	assert_int_equal(sync_path("."), 0);
	errno = 0;
	assert_int_equal(sync_path("not there"), -1);
	assert_int_equal(errno, ENOENT);
}

/* Root may open everything: as somebody else, where we are root. */
static void
remove_as_user(void *arg)
{
	if (geteuid() == 0 && (setgid(12345) != 0 || setuid(12345) != 0))
		_exit(2);
	_exit(remove_tree(arg) == 0 ? 0 : 1);
}

static void
give_away(const char *path)
{
	if (geteuid() == 0)
		assert_int_equal(lchown(path, 12345, 12345), 0);
}

static void
removing(void **state)
{
	(void)state;
	assert_int_equal(remove_tree("not there"), 0);
	put_text("single", "");
	assert_int_equal(remove_tree("single"), 0);
	assert_int_equal(access("single", F_OK), -1);

	make_folders("outside/deep", 0700);
	put_text("outside/deep/file", "x");
	make_folders("tree/a/b/c", 0700);
	put_text("tree/a/b/file", "x");
	assert_int_equal(mkfifo("tree/a/fifo", 0600), 0);
	assert_int_equal(symlink("../../outside", "tree/a/link"), 0);
	assert_int_equal(symlink("not there", "tree/a/dangling"), 0);
	assert_int_equal(symlink("..", "tree/a/b/up"), 0);
	assert_int_equal(link("outside/deep/file", "tree/hard"), 0);
	assert_int_equal(remove_tree("tree"), 0);
	assert_int_equal(access("tree", F_OK), -1);
	assert_string_equal(text_of("outside/deep/file"), "x");

	/* a link itself goes, what it names stays */
	assert_int_equal(symlink("outside", "link"), 0);
	assert_int_equal(remove_tree("link"), 0);
	assert_int_equal(access("link", F_OK), -1);
	assert_string_equal(text_of("outside/deep/file"), "x");
}

static void
removing_unreadable(void **state)
{
	static const mode_t modes[] = {0, 0100, 0200, 0400, 0500, 0600};
	char name[64], *at;

	(void)state;
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(mkdir("u", 0755), 0);
	give_away("u");
	for (size_t i = 0; i < LENGTH(modes); i++) {
		struct ending e;

		snprintf(name, sizeof(name), "u/%03o", (unsigned)modes[i]);
		make_folders(name, 0700);
		at = format("%s/inner", name);
		make_folders(at, 0700);
		give_away(at);
		assert_int_equal(chmod(at, modes[i]), 0);
		free(at);
		at = format("%s/file", name);
		put_text(at, "");
		give_away(at);
		free(at);
		give_away(name);
		assert_int_equal(chmod(name, modes[i]), 0);
		e = ending_of(remove_as_user, name);
		same_number(name, e.code, 0);
		same_number(name, access(name, F_OK), -1);
	}
}

/* What cannot go is said by the result, and the rest goes. */
static void
removing_in_part(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return; /* nobody else can give a file away */
	make_folders("part/locked", 0700);
	put_text("part/locked/file", "");
	put_text("part/file", "");
	give_away("part");
	assert_int_equal(chmod("part/locked", 0755), 0);
	assert_int_equal(ending_of(remove_as_user, "part").code, 1);
	assert_int_equal(access("part/file", F_OK), -1);
	assert_int_equal(access("part/locked/file", F_OK), 0);
}

static void
requests(void **state)
{
	struct list out = {0}, in = {0};

	(void)state;
	assert_false(read_request("not there", &in));
	write_request("request", &out);
	assert_string_equal(text_of("request"), "");
	assert_true(read_request("request", &in));
	assert_int_equal(in.count, 0);

	list_add(&out, "--build-arg");
	list_add(&out, "");
	list_add(&out, "a b\nc'd\"e$(id)`id`\\\xff");
	list_add(&out, "");
	write_request("request", &out);
	assert_int_equal(mode_of("request"), 0600);
	assert_true(read_request("request", &in));
	assert_int_equal(in.count, out.count);
	for (size_t i = 0; i < in.count; i++)
		assert_string_equal(in.at[i], out.at[i]);
	assert_null(in.at[in.count]);

	/* what is read is added */
	assert_true(read_request("request", &in));
	assert_int_equal(in.count, 2 * out.count);
	list_free(&in);
	list_free(&out);

	/* the last string may have lost its NUL */
	put_file("request", "a\0b", 3);
	assert_true(read_request("request", &in));
	assert_int_equal(in.count, 2);
	assert_string_equal(in.at[1], "b");
	list_free(&in);
}

static void
requests_have_a_limit(void **state)
{
	char *mebibyte = calloc(1, (1 << 20) + 1);
	struct list in = {0};

	(void)state;
	put_file("big", mebibyte, 1 << 20);
	assert_true(read_request("big", &in));
	assert_int_equal(in.count, 1 << 20);
	list_free(&in);
	put_file("big", mebibyte, (1 << 20) + 1);
	assert_false(read_request("big", &in));
	assert_int_equal(in.count, 0);
	free(mebibyte);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reading),
	    cmocka_unit_test(first_lines),
	    cmocka_unit_test(writing),
	    cmocka_unit_test(temporary_files),
	    cmocka_unit_test(temporary_files_of_a_run),
	    cmocka_unit_test(reading_private),
	    cmocka_unit_test(writing_fails),
	    cmocka_unit_test(writing_if_changed),
	    cmocka_unit_test(appending),
	    cmocka_unit_test(folders),
	    cmocka_unit_test(syncing),
	    cmocka_unit_test(removing),
	    cmocka_unit_test(removing_unreadable),
	    cmocka_unit_test(removing_in_part),
	    cmocka_unit_test(requests),
	    cmocka_unit_test(requests_have_a_limit),
	};

	return RUN_TESTS(tests);
}
