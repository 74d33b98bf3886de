/*
 * unit.h - what the unit tests share: cmocka's answers in TAP, a folder of their
 * own, and a look at functions that end the process or say something.
 */
#ifndef UNIT_H
#define UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the above */

#include "lib/lib.h"

#define UNUSED __attribute__((unused))

/* In a table the line of the assertion does not tell the case: what does. */
#define same_number(what, got, want)                                                                         \
	do {                                                                                                 \
		long long got_ = (got), want_ = (want);                                                      \
		if (got_ != want_)                                                                           \
			fail_msg("%s: %lld where %lld was wanted", (what), got_, want_);                     \
	} while (0)
#define same_text(what, got, want)                                                                           \
	do {                                                                                                 \
		const char *got_ = (got), *want_ = (want);                                                   \
		if (strcmp(got_, want_) != 0)                                                                \
			fail_msg("%s: '%s' where '%s' was wanted", (what), got_, want_);                     \
	} while (0)
#define has_text(what, got, part)                                                                            \
	do {                                                                                                 \
		const char *got_ = (got), *part_ = (part);                                                   \
		if (strstr(got_, part_) == NULL)                                                             \
			fail_msg("%s: '%s' does not say '%s'", (what), got_, part_);                         \
	} while (0)

static char folder[256];

/* A fresh working folder for all tests of a file; what is in it goes with it, or with tests/run's. */
UNUSED static int
enter_folder(void **state)
{
	const char *base = getenv("SMOLMAKE_TEST_TMP");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/smolmake-unit.XXXXXX", base ? base : "/tmp");
	return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

UNUSED static int
leave_folder(void **state)
{
	char *argv[] = {"rm", "-rf", folder, NULL};
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	return chdir("/") == 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

UNUSED static void
put_file(const char *path, const void *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

UNUSED static void
put_text(const char *path, const char *text)
{
	put_file(path, text, strlen(text));
}

/* The text of a file for comparing; the next call overwrites it. */
UNUSED static const char *
text_of(const char *path)
{
	static char text[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return "(no file)";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* How f(arg) ends in a process of its own, and what it says on stderr. */
struct ending {
	int code, signo;
	char said[4096];
};

UNUSED static void
leave_at_once(int status, void *arg)
{
	(void)arg;
	_exit(status); /* what a dying function leaves allocated is no leak */
}

UNUSED static struct ending
ending_of(void (*f)(void *), void *arg)
{
	struct ending e = {.code = -1};
	int fds[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(stdout); /* else the child would write once more what waits there */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		on_exit(leave_at_once, NULL);
		f(arg);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], e.said + used, sizeof(e.said) - 1 - used)) > 0)
		used += (size_t)n;
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (WIFEXITED(status))
		e.code = WEXITSTATUS(status);
	else
		e.signo = WTERMSIG(status);
	return e;
}

#define RUN_TESTS(tests)                                                                                     \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, enter_folder, leave_folder))

#endif
