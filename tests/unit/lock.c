/* lock.c - kernel locks on files that are never unlinked. */
#include <signal.h>

#include "unit.h"

static void
one_at_a_time(void **state)
{
	struct stat st;
	int first = lock_try("one"), other;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(lock_try("one"), -1);
	other = lock_try("other");
	assert_true(other >= 0);
	close(first);
	first = lock_try("one");
	assert_true(first >= 0);
	close(first);
	close(other);
	/* the file stays: removing it would let a second holder in */
	assert_int_equal(stat("one", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
try(void *arg)
{
	lock_try(arg);
}

static void
trouble(void **state)
{
	struct ending e;

	(void)state;
	put_text("precious", "precious");
	assert_int_equal(symlink("precious", "link"), 0);
	e = ending_of(try, "link");
	assert_int_equal(e.code, EXIT_SYSTEM);
	has_text("a link", e.said, "cannot open the lock 'link'");
	e = ending_of(try, "not there/lock");
	assert_int_equal(e.code, EXIT_SYSTEM);
	has_text("no folder", e.said, "cannot open the lock 'not there/lock': No such file or directory");
	assert_int_equal(ending_of(try, ".").code, EXIT_SYSTEM);
}

static void
signatures(void **state)
{
	static const char *const texts[][2] = {
	    {"pid 7 (a long text)", "pid 7 (a long text)"},
	    {"pid 8", "pid 8"},
	    {"two\nlines", "two"},
	    {"", "somebody"},
	};
	int fd = lock_try("signed");
	char *holder = lock_holder("not there");

	(void)state;
	assert_string_equal(holder, "somebody");
	free(holder);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		lock_sign(fd, texts[i][0]);
		holder = lock_holder("signed");
		same_text(texts[i][0], holder, texts[i][1]);
		free(holder);
	}
	close(fd);
}

/* A holder, that tells when it has the lock, and perhaps a child of it. */
static pid_t
start_holder(const char *path, bool with_orphan, pid_t *orphan)
{
	int fds[2];
	pid_t pid, child = 0;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (lock_try(path) < 0)
			_exit(1);
		if (with_orphan && (child = fork()) == 0)
			for (;;)
				pause();
		if (write(fds[1], &child, sizeof(child)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	close(fds[0]);
	*orphan = child;
	return pid;
}

static void
dies_with_its_holder(void **state)
{
	pid_t orphan, pid = start_holder("killed", false, &orphan);
	int fd;

	(void)state;
	assert_int_equal(lock_try("killed"), -1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fd = lock_try("killed");
	assert_true(fd >= 0);
	close(fd);
}

/* What the holder left running may still write: it keeps the lock. */
static void
is_inherited(void **state)
{
	pid_t orphan, pid = start_holder("inherited", true, &orphan);
	int fd = -1;

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_try("inherited"), -1);
	kill(orphan, SIGKILL);
	for (int i = 0; i < 500 && (fd = lock_try("inherited")) < 0; i++)
		usleep(10000);
	assert_true(fd >= 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_at_a_time), cmocka_unit_test(trouble),
	    cmocka_unit_test(signatures),    cmocka_unit_test(dies_with_its_holder),
	    cmocka_unit_test(is_inherited),
	};

	return RUN_TESTS(tests);
}
