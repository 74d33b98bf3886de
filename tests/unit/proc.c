/* proc.c - commands, and foreign programs under a deadline. */
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "unit.h"

#define SHELL(script) ((char *[]){"sh", "-c", (script), NULL})

static struct command
foreign(char *const *argv)
{
	return (struct command){.argv = argv, .in = -1, .out = -1, .err = -1, .foreign = true};
}

static struct command
own(char *const *argv)
{
	return (struct command){.argv = argv, .in = -1, .out = -1, .err = -1};
}

/* Orphans become ours, so that their end can be seen whatever process 1 does. */
static int
start(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setenv("PATH", "/usr/bin:/bin", 1); /* a folder of it that is closed to us would be another error */
	supervise();
	return enter_folder(state);
}

static pid_t
pid_in(const char *path)
{
	for (int i = 0; i < 500; i++) {
		long pid = strtol(text_of(path), NULL, 10);

		if (pid > 1 && strchr(text_of(path), '\n'))
			return (pid_t)pid;
		usleep(10000);
	}
	fail_msg("no process was written into '%s'", path);
	return 0;
}

static bool
gone_within(pid_t pid, int ms)
{
	for (; ms >= 0; ms -= 10) {
		waitpid(pid, NULL, WNOHANG); /* an orphan of ours */
		if (kill(pid, 0) != 0)
			return true;
		usleep(10000);
	}
	return false;
}

static void
endings(void **state)
{
	static const struct {
		char *script;
		int code, signo;
	} cases[] = {
	    {"exit 0", 0, 0},          {"exit 1", 1, 0},           {"exit 100", 100, 0},
	    {"exit 255", 255, 0},      {"exit 143", 143, 0},       {"kill -TERM $$", 143, SIGTERM},
	    {"kill -KILL $$", 137, 9}, {"kill -SEGV $$", 139, 11},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		for (int is_foreign = 0; is_foreign < 2; is_foreign++) {
			struct command c = own(SHELL(cases[i].script));
			struct outcome o;

			c.foreign = is_foreign;
			o = run_command(&c);
			same_number(cases[i].script, o.code, cases[i].code);
			same_number(cases[i].script, o.signo, cases[i].signo);
			same_number(cases[i].script, o.timed_out, false);
			assert_in_range(o.ms, 0, 60000);
		}
}

static void
run_this(void *arg)
{
	_exit(run_command(arg).code);
}

static void
not_started(void **state)
{
	static const struct {
		char *program, *dir;
		int code;
		const char *says;
	} cases[] = {
	    {"./not there", NULL, 127, "cannot run './not there': No such file or directory\n"},
	    {"no-such-program", NULL, 127, "cannot run 'no-such-program': No such file or directory\n"},
	    {"./data", NULL, 126, "cannot run './data': Permission denied\n"},
	    {"/", NULL, 126, "cannot run '/': Permission denied\n"},
	    {"true", "not there", 127, "cannot run 'true' in 'not there': No such file or directory\n"},
	    {"true", "data", 126, "cannot run 'true' in 'data': Not a directory\n"},
	};

	(void)state;
	put_text("data", "");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *argv[] = {cases[i].program, NULL};
		struct command c = foreign(argv);
		struct ending e;

		c.dir = cases[i].dir;
		e = ending_of(run_this, &c);
		same_number(cases[i].says, e.code, cases[i].code);
		has_text(cases[i].program, e.said, cases[i].says);
	}
}

static void
deadline(void **state)
{
	struct command c = foreign(SHELL("sleep 60 & echo $! >child; echo $$ >leader; wait"));
	struct outcome o;

	(void)state;
	c.timeout = 1;
	o = run_command(&c);
	assert_int_equal(o.code, EXIT_DEADLINE);
	assert_true(o.timed_out);
	assert_int_equal(o.signo, 0);
	assert_in_range(o.ms, 1000, 60000);
	assert_true(gone_within(pid_in("leader"), 0));
	assert_true(gone_within(pid_in("child"), 60000));
}

/* Who is asked with SIGTERM and does not go is killed 5 s later, a child of it at once with its leader. */
static void
deadline_ignored(void **state)
{
	struct command stubborn =
	    foreign(SHELL("trap '' TERM; echo $$ >stubborn; while :; do sleep 1; done"));
	struct command child = foreign(SHELL("(trap '' TERM; exec sleep 60) & echo $! >ignoring; wait"));
	struct outcome o;

	(void)state;
	child.timeout = stubborn.timeout = 1;
	o = run_command(&child);
	assert_int_equal(o.code, EXIT_DEADLINE);
	assert_in_range(o.ms, 1000, 60000);
	assert_true(gone_within(pid_in("ignoring"), 60000));

	o = run_command(&stubborn);
	assert_int_equal(o.code, EXIT_DEADLINE);
	assert_in_range(o.ms, 6000, 60000);
	assert_true(gone_within(pid_in("stubborn"), 0));
}

static void
in_time(void **state)
{
	struct command c = foreign(SHELL("exit 7"));
	struct outcome o;

	(void)state;
	c.timeout = 30;
	/*
	 * a child's end is noticed at once, not at the next look, which is a second later: on a busy machine
	 * once at least
	 */
	for (int i = 0; i < 20; i++) {
		o = run_command(&c);
		assert_int_equal(o.code, 7);
		if (o.ms <= 900)
			return;
	}
	fail_msg("20 children that ended at once were noticed %lld ms later", (long long)o.ms);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
watched(void **state)
{
	struct command c = foreign(SHELL("sleep 1"));
	int looks = 0;

	(void)state;
	c.watch = count;
	c.watch_arg = &looks;
	assert_int_equal(run_command(&c).code, 0);
	assert_in_range(looks, 1, 50);
}

static void
descriptors(void **state)
{
	struct command c = own(SHELL("[ -e /proc/$$/fd/7 ]"));

	(void)state;
	assert_int_equal(dup2(0, 7), 7); /* a lock's, say */
	assert_int_equal(run_command(&c).code, 0);
	/* a foreign program has its three, and no others at all */
	c = foreign(
	    SHELL("for fd in /proc/$$/fd/*; do n=${fd##*/}; [ $n -lt 3 ] || [ ! -e $fd ] || exit 1; done"));
	assert_int_equal(run_command(&c).code, 0);
	close(7);
}

static void
streams(void **state)
{
	struct command c = foreign(SHELL("readlink /proc/$$/fd/0; pwd; echo error >&2"));
	int out = open("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int err = open("err", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	c.out = out;
	c.err = err;
	c.dir = "/";
	assert_int_equal(run_command(&c).code, 0);
	assert_string_equal(text_of("out"), "/dev/null\n/\n");
	assert_string_equal(text_of("err"), "error\n");
	close(out);
	close(err);
}

/* As `make <&- >&-` has it: the first files that are opened become 0 and 1. */
static void
with_closed_streams(void *arg)
{
	struct command c = foreign(SHELL("echo out; echo err >&2; read -r x; exit 7"));

	(void)arg;
	supervise();
	close(0);
	close(1);
	c.err = open("closed-err", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	c.out = open("closed-out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	_exit(c.err == 0 && c.out == 1 ? run_command(&c).code : 99);
}

static void
closed_streams(void **state)
{
	(void)state;
	assert_int_equal(ending_of(with_closed_streams, NULL).code, 7);
	assert_string_equal(text_of("closed-out"), "out\n");
	assert_string_equal(text_of("closed-err"), "err\n");
}

/* A helper of ours that is killed while its command runs. */
static void
killed_helper(bool is_foreign, char *script)
{
	pid_t helper = fork(), child;

	assert_true(helper >= 0);
	if (helper == 0) {
		struct command c = own(SHELL(script));

		c.foreign = is_foreign;
		supervise();
		run_command(&c);
		_exit(0);
	}
	child = pid_in("running");
	kill(helper, SIGKILL);
	assert_int_equal(waitpid(helper, NULL, 0), helper);
	assert_true(gone_within(child, 60000));
	unlink("running");
}

static void
dies_with_us(void **state)
{
	(void)state;
	killed_helper(true, "trap '' TERM; echo $$ >running; while :; do sleep 1; done");
	killed_helper(false, "trap 'echo asked >asked; exit' TERM; echo $$ >running; sleep 60 & wait");
	assert_string_equal(text_of("asked"), "asked\n");
}

static void
run_as_helper(void *arg)
{
	struct command c = foreign(SHELL(arg));
	struct outcome o;

	supervise();
	o = run_command(&c);
	if (caught_signal() && o.code != 128 + caught_signal())
		_exit(99);
	end_as_caught();
	_exit(o.code);
}

/* A signal ends the command, then the helper by the same signal. */
static void
signalled(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	(void)state;
	for (size_t i = 0; i < LENGTH(signals); i++) {
		char *script = format("echo $$ >running; kill -%d $PPID; exec sleep 60", signals[i]);
		struct ending e;

		signal(signals[i], SIG_DFL);
		e = ending_of(run_as_helper, script);
		same_number(script, e.signo, signals[i]);
		assert_true(gone_within(pid_in("running"), 0));
		unlink("running");
		free(script);
	}
}

static int
state_of(pid_t pid)
{
	char *path = format("/proc/%ld/stat", (long)pid);
	const char *text = text_of(path), *name_end = strrchr(text, ')');

	free(path);
	return name_end ? name_end[2] : '?';
}

static bool
stopped_within(pid_t pid, bool stopped, int ms)
{
	for (; ms >= 0; ms -= 10) {
		if ((state_of(pid) == 'T') == stopped)
			return true;
		usleep(10000);
	}
	return false;
}

/* Ctrl-Z: the command stops with us, goes on with us, and its deadline stands still meanwhile. */
static void
stopped(void **state)
{
	enum { DEADLINE = 3, PAUSE = 4 };
	struct timespec begin, end;
	pid_t helper, child;
	int status;

	(void)state;
	if (getenv("SMOLMAKE_TEST_VALGRIND"))
		skip(); /* there SIGTSTP stops nobody by default: valgrind goes on */
	clock_gettime(CLOCK_MONOTONIC, &begin);
	helper = fork();
	assert_true(helper >= 0);
	if (helper == 0) {
		struct command c = foreign(SHELL("trap '' TSTP; echo $$ >running; exec sleep 60"));

		setpgid(0, 0);
		c.timeout = DEADLINE;
		supervise();
		_exit(run_command(&c).code);
	}
	child = pid_in("running");
	kill(helper, SIGTSTP);
	assert_true(stopped_within(helper, true, 20000));
	assert_true(stopped_within(child, true, 20000));
	sleep(PAUSE);
	kill(helper, SIGCONT);
	assert_true(stopped_within(child, false, 20000));
	assert_int_equal(waitpid(helper, &status, 0), helper);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(WEXITSTATUS(status), EXIT_DEADLINE);
	assert_true(end.tv_sec - begin.tv_sec >= DEADLINE + PAUSE - 1);
	unlink("running");
}

/* What was stopped by somebody else is ended all the same, and hears why. */
static void
stopped_by_others(void **state)
{
	struct command c =
	    foreign(SHELL("trap 'echo asked >asked; exit' TERM; kill -STOP $$; while :; do sleep 0.1; done"));

	(void)state;
	unlink("asked");
	c.timeout = 1;
	assert_int_equal(run_command(&c).code, EXIT_DEADLINE);
	assert_string_equal(text_of("asked"), "asked\n");
}

static void
clean_up_after_signal(void *arg)
{
	struct command c = foreign(SHELL("sleep 0.3; exit 7"));

	(void)arg;
	supervise();
	raise(SIGTERM);
	if (caught_signal() != SIGTERM || shield(true) || run_command(&c).code != 7 || !shield(false))
		_exit(99);
	if (run_command(&c).code != 128 + SIGTERM)
		_exit(98);
	end_as_caught();
}

/* What clears up after a signal is not ended by that signal. */
static void
shielded(void **state)
{
	struct ending e = ending_of(clean_up_after_signal, NULL);

	(void)state;
	assert_int_equal(e.code, -1);
	assert_int_equal(e.signo, SIGTERM);
}

static void
killed_unasked(void **state)
{
	struct command c = foreign(
	    SHELL("trap 'echo asked >unasked' TERM; sleep 60 & echo $! >left; echo $$ >running; wait"));
	pid_t pid = start_command(&c);

	(void)state;
	assert_int_equal(pid_in("running"), pid);
	kill_command(pid);
	assert_true(gone_within(pid, 0));
	assert_true(gone_within(pid_in("left"), 60000));
	assert_string_equal(text_of("unasked"), "(no file)");
	unlink("running");
	unlink("left");
}

static void
run_under_nohup(void *arg)
{
	signal(SIGHUP, SIG_IGN);
	run_as_helper(arg);
}

/* nohup make ...: neither we nor our commands mind. */
static void
ignored_signals(void **state)
{
	struct ending e = ending_of(run_under_nohup, "kill -HUP $PPID $$; sleep 0.3; exit 7");

	(void)state;
	assert_int_equal(e.code, 7);
}

static void
die_before_helper(void *arg)
{
	if (fork() == 0) {
		fclose(stderr); /* else ending_of waits for it */
		close(STDERR_FILENO);
		run_as_helper(arg);
	}
	pid_in("running");
	_exit(0);
}

/* kill -9 of make: the helper notices, ends what it runs and cleans up as after SIGTERM. */
static void
dies_with_make(void **state)
{
	struct ending e = ending_of(die_before_helper, "echo $PPID >helper; echo $$ >running; exec sleep 60");
	pid_t helper = pid_in("helper");
	int status;

	(void)state;
	assert_int_equal(e.code, 0);
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_true(gone_within(pid_in("running"), 0));
	unlink("running");
}

static void
captures(void **state)
{
	static const struct {
		char *script;
		unsigned timeout;
		int code;
		const char *out, *err;
	} cases[] = {
	    {"echo out; echo err >&2; exit 3", 0, 3, "out", "err"},
	    {"true", 10, 0, "", ""},
	    {"printf 'a\\n\\nb\\n\\n'", 10, 0, "a\n\nb", ""},
	    {"printf '\\n\\n\\n'", 10, 0, "", ""},
	    {"printf 'a\\000b'", 10, 0, "a", ""},
	    {"cat; echo end", 10, 0, "end", ""},
	    {"kill -KILL $$", 10, 137, "", "'sh' died of signal 9 and said nothing"},
	    {"exit 4", 10, 4, "", "'sh' ended with status 4 and said nothing"},
	    {"echo out; exit 4", 10, 4, "out", "'sh' ended with status 4 and said nothing"},
	    {"exec sleep 60", 1, EXIT_DEADLINE, "", "no answer from 'sh' within 1 s"},
	    /* what it leaves running holds nothing up */
	    {"sleep 60 & echo $! >left; echo out", 30, 0, "out", ""},
	};
	char *out, *err;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct outcome o = capture(SHELL(cases[i].script), cases[i].timeout, &out, &err);

		same_number(cases[i].script, o.code, cases[i].code);
		same_text(cases[i].script, out, cases[i].out);
		same_text(cases[i].script, err, cases[i].err);
		assert_in_range(o.ms, 0, 60000);
		free(out);
		free(err);
	}
	kill(pid_in("left"), SIGKILL);
	assert_int_equal(capture((char *[]){"./not there", NULL}, 0, &out, &err).code, 127);
	assert_string_equal(out, "");
	assert_string_equal(err, "cannot run './not there': No such file or directory");
	free(out);
	free(err);
}

/*
 * What an image's inspection may be is taken whole; of a reason the first mebibyte is; and no more than 64.
 */
static void
captures_have_a_limit(void **state)
{
	char *out, *err;
	struct outcome o =
	    capture(SHELL("yes | head -c 3000000; yes no | head -c 3000000 >&2"), 60, &out, &err);

	(void)state;
	assert_int_equal(o.code, 0);
	/* the last byte of it is a newline */
	assert_int_equal(strlen(out), 3000000 - 1);
	assert_in_range(strlen(err), (1 << 20) - 2, 1 << 20);
	free(out);
	free(err);
	o = capture(SHELL("head -c 67108865 /dev/zero"), 60, &out, &err);
	assert_int_equal(o.code, EXIT_SYSTEM);
	assert_string_equal(err, "'sh' printed more than 64 MiB");
	free(out);
	free(err);
}

static void
ask_seconds(void *arg)
{
	_exit((int)seconds_setting(arg, 0));
}

static void
seconds(void **state)
{
	struct ending e;

	(void)state;
	unsetenv("PUSH_TIMEOUT");
	assert_int_equal(seconds_setting("PUSH_TIMEOUT", 900), 900);
	setenv("PUSH_TIMEOUT", "", 1);
	assert_int_equal(seconds_setting("PUSH_TIMEOUT", 900), 900);
	setenv("PUSH_TIMEOUT", "0", 1);
	assert_int_equal(seconds_setting("PUSH_TIMEOUT", 900), 0);
	setenv("PUSH_TIMEOUT", "1000000", 1);
	assert_int_equal(seconds_setting("PUSH_TIMEOUT", 900), 1000000);
	setenv("PUSH_TIMEOUT", "1000001", 1);
	e = ending_of(ask_seconds, "PUSH_TIMEOUT");
	assert_int_equal(e.code, EXIT_NO);
	has_text("seconds", e.said, "error: PUSH_TIMEOUT: '1000001' is not a whole number from 0 to 1000000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(endings),
	    cmocka_unit_test(not_started),
	    cmocka_unit_test(deadline),
	    cmocka_unit_test(deadline_ignored),
	    cmocka_unit_test(in_time),
	    cmocka_unit_test(watched),
	    cmocka_unit_test(descriptors),
	    cmocka_unit_test(stopped),
	    cmocka_unit_test(stopped_by_others),
	    cmocka_unit_test(streams),
	    cmocka_unit_test(closed_streams),
	    cmocka_unit_test(dies_with_us),
	    cmocka_unit_test(signalled),
	    cmocka_unit_test(shielded),
	    cmocka_unit_test(killed_unasked),
	    cmocka_unit_test(ignored_signals),
	    cmocka_unit_test(dies_with_make),
	    cmocka_unit_test(captures),
	    cmocka_unit_test(captures_have_a_limit),
	    cmocka_unit_test(seconds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, start, leave_folder);
}
