/* owner.c - is the owner of a temporary thing alive? DEAD only where that is certain. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "unit.h"

static char boot[32];
static unsigned long space;
static long own_pid;
static unsigned long long start;

static int
take_apart(void **state)
{
	char *name = own_name(), *p = strchr(name, '-');

	if (p == NULL || p - name >= (long)sizeof(boot))
		return -1;
	memcpy(boot, name, (size_t)(p - name));
	space = strtoul(p + 1, &p, 10);
	own_pid = strtol(p + 1, &p, 10);
	start = strtoull(p + 1, &p, 10);
	free(name);
	return enter_folder(state);
}

static void
of_this_process(void **state)
{
	char *name = own_name(), *again = own_name();

	(void)state;
	assert_string_equal(name, again);
	assert_int_equal(strlen(boot), 12);
	assert_int_equal(own_pid, getpid());
	assert_true(space > 0);
	assert_true(start > 0);
	assert_int_equal(owner_state(name), ALIVE);
	free(again);
	free(name);
}

static enum alive
state_of(const char *of_boot, unsigned long of_space, long pid, unsigned long long started)
{
	char *name = format("%s-%lu-%ld-%llu", of_boot, of_space, pid, started);
	enum alive is = owner_state(name);

	free(name);
	return is;
}

static void
others(void **state)
{
	char other_boot[13];

	(void)state;
	memcpy(other_boot, boot, sizeof(other_boot));
	other_boot[0] = boot[0] == '0' ? '1' : '0';
	assert_int_equal(state_of(boot, space, own_pid, start), ALIVE);
	/* its number was given to another process since */
	assert_int_equal(state_of(boot, space, own_pid, start - 1), DEAD);
	assert_int_equal(state_of(boot, space, own_pid, start + 1), DEAD);
	/* of an earlier boot, or of another machine: nobody knows by the name alone */
	assert_int_equal(state_of(other_boot, space, own_pid, start), UNKNOWN);
	assert_int_equal(state_of(other_boot, space, 0x7fffffff, start), UNKNOWN);
	/* a number that no process has */
	assert_int_equal(state_of(boot, space, 0x7fffffff, start), DEAD);
	/* in another container the same number is another process: not ours to judge */
	assert_int_equal(state_of(boot, space + 1, own_pid, start), UNKNOWN);
	assert_int_equal(state_of(boot, space + 1, 0x7fffffff, start), UNKNOWN);
}

/* A child that waits, and tells its name. */
static pid_t
start_child(char *name, size_t size)
{
	int fds[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		char *own = own_name();

		prctl(PR_SET_NAME, ") R 1 (");
		if (write(fds[1], own, strlen(own)) < 0)
			_exit(1);
		close(fds[1]);
		free(own);
		for (;;)
			pause();
	}
	close(fds[1]);
	n = read(fds[0], name, size - 1);
	close(fds[0]);
	assert_true(n > 0);
	name[n] = '\0';
	return pid;
}

/* Its name, with blanks and brackets, does not hide its start time. */
static void
through_a_life(void **state)
{
	char name[128];
	siginfo_t info;
	pid_t pid = start_child(name, sizeof(name));

	(void)state;
	assert_int_equal(owner_state(name), ALIVE);
	kill(pid, SIGSTOP);
	assert_int_equal(owner_state(name), ALIVE);
	kill(pid, SIGKILL);
	/* a zombie owns nothing any more */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(owner_state(name), DEAD);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(owner_state(name), DEAD);
}

static void
rubbish(void **state)
{
	static const char *const formats[] = {
	    "",
	    "-",
	    "x",
	    "...",
	    "registry",
	    "%s",
	    "%s-%lu",
	    "%s-%lu-%ld",
	    "%s-%lu-%ld-",
	    "%s-%lu-%ld-%llux",
	    "%s-%lu-%ld-%llu-",
	    "%s-%lu-%ld-%llu\n",
	    " %s-%lu-%ld-%llu",
	    "%s- %lu-%ld-%llu",
	    "%s-%lu- %ld-%llu",
	    "%s-%lu-+%ld-%llu",
	    "%s-%lu-0%ld-%llu",
	    "%s-%lu--%ld-%llu",
	    "0%s-%lu-%ld-%llu",
	    "%s0-%lu-%ld-%llu",
	    "%.11s-%lu-%ld-%llu",
	    "%.0s-%lu-%ld-%llu",
	    "%.11sg-%lu-%ld-%llu",
	    "%s-%lu-%ld-9999%llu99999999999999999999",
	    "%s-99999999999999999999%lu-%ld-%llu",
	    "%s-%lu-99999999999999999999%ld-%llu",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(formats); i++) {
		char name[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		snprintf(name, sizeof(name), formats[i], boot, space, own_pid, start);
#pragma GCC diagnostic pop
		same_number(name, owner_state(name), UNKNOWN);
	}
	/* names of other things that are left in peace, whatever they are */
	same_number("short boot", owner_state("abc-1-2-3"), UNKNOWN);
	same_number("pid 0", state_of(boot, space, 0, start), UNKNOWN);
	same_number("start 0", state_of(boot, space, 0x7fffffff, 0), UNKNOWN);
}

/* Put together anew: a name's boot. */
static char *
renamed(const char *of_boot)
{
	return format("%s-%lu-%ld-%llu", of_boot, space, own_pid, start);
}

static void
numbers(void **state)
{
	char *name = renamed(boot), *elsewhere = renamed("0123456789ab");

	(void)state;
	assert_int_equal(owner_pid(name), own_pid);
	assert_int_equal(owner_pid(elsewhere), 0);
	assert_int_equal(owner_pid("x"), 0);
	assert_false(owner_is_of_other_boot(name));
	assert_true(owner_is_of_other_boot(elsewhere));
	assert_false(owner_is_of_other_boot("x"));
	free(elsewhere);
	free(name);
}

/* What is seen of a claim that of_boot's owner wrote, while a child holds it and when nobody does. */
static void
claims(void **state)
{
	char *here = renamed(boot), *elsewhere = renamed("0123456789ab"), end;
	int fds[2], folder;
	pid_t pid;

	(void)state;
	if (access("/etc/machine-id", R_OK) != 0)
		return;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(mkdir("claimed", 0700), 0);
	folder = open("claimed", O_RDONLY | O_DIRECTORY);
	assert_int_equal(claim_state(elsewhere, folder), UNKNOWN);
	pid = fork();
	if (pid == 0) {
		claim_folder("claimed");
		close(fds[0]);
		pid = fork();
		if (pid == 0) /* what it has started has the claim too */
			for (;;)
				pause();
		if (write(fds[1], &pid, sizeof(pid)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(claim_state(elsewhere, folder), ALIVE);
	assert_int_equal(claim_state(here, folder), ALIVE);
	assert_int_equal(kill(pid, SIGKILL), 0); /* it has the pipe too, which ends with it */
	assert_int_equal(read(fds[0], &end, 1), 0);
	assert_int_equal(claim_state(elsewhere, folder), DEAD);
	assert_int_equal(claim_state(here, folder), UNKNOWN);
	assert_int_equal(claim_state("x", folder), UNKNOWN);
	put_text("claimed/claim", "0123456789abcdef0123456789abcdef elsewhere\n");
	assert_int_equal(claim_state(elsewhere, folder), UNKNOWN);
	put_text("claimed/claim", "");
	assert_int_equal(claim_state(elsewhere, folder), UNKNOWN);
	close(fds[0]);
	close(folder);
	free(elsewhere);
	free(here);
}

/* A process in another namespace, as in a container that shares the cache. */
static void
from_another_namespace(void **state)
{
	char name[128];
	int fds[2];
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		char *own;

		if (unshare(CLONE_NEWPID) != 0)
			_exit(3);
		pid = fork();
		if (pid != 0)
			_exit(waitpid(pid, NULL, 0) == pid ? 0 : 1);
		own = own_name();
		if (write(fds[1], own, strlen(own)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], name, sizeof(name) - 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (n <= 0)
		return; /* the kernel lets only root make one */
	name[n] = '\0';
	assert_int_equal(owner_state(name), UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_this_process),
	    cmocka_unit_test(others),
	    cmocka_unit_test(through_a_life),
	    cmocka_unit_test(rubbish),
	    cmocka_unit_test(from_another_namespace),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(claims),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, take_apart, leave_folder);
}
