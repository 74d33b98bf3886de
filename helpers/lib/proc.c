/*
 * proc.c - commands, and foreign programs under a deadline.
 *
 * A foreign program (docker, smolvm) gets a process group of its own, so that it
 * goes as a whole; none of our descriptors, so that no lock or jobserver leaks
 * into what it may leave running; and SIGKILL when we die (Linux). A command of
 * our own (a sub-make) stays in our group and keeps the descriptors; it is asked
 * with SIGTERM, which Make hands down.
 *
 * Signals are taken by a self-pipe (no sigtimedwait on macOS): a helper never
 * dies in the middle, it ends its child, cleans up and then dies of the same signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "lib/job.h"

enum { GRACE_MS = 5000, WATCH_MS = 200 };

static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t caught;
static bool shielded;
static pid_t parent;

static const int fatal_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static void
on_signal(int signo)
{
	int saved = errno;

	if (signo != SIGCHLD && !caught)
		caught = signo;
	if (write(signal_pipe[1], "", 1) < 0)
		errno = 0; /* full: somebody will wake anyway */
	errno = saved;
}

static void
die_with_parent(int signo)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, signo);
#else
	(void)signo;
#endif
}

void
supervise(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;

	if (pipe(signal_pipe) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	for (int i = 0; i < 2; i++) {
		/* Above 9, so that no shell or make below stumbles over it. */
		int fd = fcntl(signal_pipe[i], F_DUPFD_CLOEXEC, 10);

		if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
			die_errno(EXIT_SYSTEM, "cannot set up a pipe");
		close(signal_pipe[i]);
		signal_pipe[i] = fd;
	}
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < LENGTH(fatal_signals); i++) {
		sigaction(fatal_signals[i], NULL, &old);
		if (old.sa_handler != SIG_IGN || fatal_signals[i] == SIGTERM)
			sigaction(fatal_signals[i], &action, NULL);
	}
	sigaction(SIGCHLD, &action, NULL);
	job_supervise();
	signal(SIGPIPE, SIG_IGN);
	parent = getppid();
	die_with_parent(SIGTERM);
	if (getppid() != parent)
		caught = SIGTERM;
}

int
caught_signal(void)
{
	return caught;
}

bool
shield(bool on)
{
	bool before = shielded;

	shielded = on;
	return before;
}

void
end_as_caught(void)
{
	sigset_t none;

	if (!caught)
		return;
	signal(caught, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	raise(caught);
	_exit(128 + caught);
}

void
pause_for(int fd, int64_t ms)
{
	struct pollfd fds[2] = {{.fd = signal_pipe[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	char drain[64];

	if (ms < 0 || ms > 1000)
		ms = 1000;
	if (poll(fds, fd < 0 ? 1 : 2, (int)ms) > 0 && (fds[0].revents & POLLIN))
		while (read(signal_pipe[0], drain, sizeof(drain)) > 0)
			continue;
	if (signal_pipe[0] >= 0 && getppid() != parent && !caught)
		caught = SIGTERM;
}

static void
close_from(int fd)
{
#ifdef SYS_close_range /* no wrapper before glibc 2.34 */
	if (syscall(SYS_close_range, (unsigned)fd, ~0U, 0) == 0)
		return;
#endif
	for (long end = sysconf(_SC_OPEN_MAX); fd < end && fd < 65536; fd++)
		close(fd);
}

/* All three at once: who calls us with one of them closed has another file there. */
static void
place(const int wanted[3])
{
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = wanted[i];
		if (fds[i] < 0)
			fds[i] = open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
	}
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0 && fds[i] < 3 && fds[i] != i)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	for (int i = 0; i < 3; i++)
		if (fds[i] == i)
			fcntl(i, F_SETFD, 0);
		else
			dup2(fds[i], i);
}

_Noreturn static void
become(const struct command *c, pid_t starter, int report)
{
	struct sigaction action;
	sigset_t none;
	int code;

	for (size_t i = 0; i < LENGTH(fatal_signals); i++) {
		sigaction(fatal_signals[i], NULL, &action);
		if (action.sa_handler == on_signal)
			signal(fatal_signals[i], SIG_DFL);
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->foreign || c->group) {
		setpgid(0, 0);
		job_leave_terminal();
	}
	die_with_parent(c->foreign ? SIGKILL : SIGTERM);
	if (getppid() != starter)
		_exit(EXIT_SYSTEM); /* it died before we could ask */
	if (report < 3)
		report = fcntl(report, F_DUPFD_CLOEXEC, 3);
	place((const int[]){c->in, c->out, c->err});
	if (c->foreign) {
		if (report != 3)
			report = dup2(report, 3);
		fcntl(report, F_SETFD, FD_CLOEXEC);
		close_from(4);
	}
	give_back_descriptors();
	for (char *const *e = c->environment; e && *e; e++)
		putenv(*e);
	if (c->dir == NULL || chdir(c->dir) == 0)
		execvp(c->argv[0], c->argv);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(EXIT_SYSTEM);
	_exit(code == ENOENT ? 127 : 126);
}

pid_t
start_command(const struct command *c)
{
	pid_t pid, starter = getpid();
	int report[2], code = 0;
	ssize_t n;

	if (pipe(report) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	fcntl(report[0], F_SETFD, FD_CLOEXEC);
	fcntl(report[1], F_SETFD, FD_CLOEXEC);
	job_hold(true);
	pid = fork();
	if (pid < 0)
		die_errno(EXIT_SYSTEM, "cannot fork");
	if (pid == 0) {
		close(report[0]);
		become(c, starter, report[1]);
	}
	if (c->foreign || c->group) {
		setpgid(pid, pid); /* whoever comes first: no signal may miss the group */
		job_started(pid, c->foreign);
	}
	job_hold(false);
	close(report[1]);
	do
		n = read(report[0], &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == (ssize_t)sizeof(code)) {
		waitpid(pid, NULL, 0);
		job_ended(pid);
		errno = code;
		return -1;
	}
	return pid;
}

bool
poll_command(pid_t pid, struct outcome *o)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	job_ended(pid);
	*o = (struct outcome){.code = EXIT_SYSTEM};
	if (got == pid && WIFSIGNALED(status)) {
		o->signo = WTERMSIG(status);
		o->code = 128 + o->signo;
	} else if (got == pid)
		o->code = WEXITSTATUS(status);
	return true;
}

static void
signal_command(pid_t pid, bool group, int signo)
{
	kill(group ? -pid : pid, signo);
}

static bool
ended_within(pid_t pid, int64_t ms, struct outcome *o)
{
	int64_t end = now_ms() + ms;

	while (!poll_command(pid, o)) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return false;
		pause_for(-1, left);
	}
	return true;
}

void
kill_command(pid_t pid)
{
	struct outcome o;

	signal_command(pid, true, SIGKILL);
	ended_within(pid, GRACE_MS, &o);
}

/* The same for all of its group. */
static bool
group_ended_within(pid_t group, int64_t ms)
{
	int64_t end = now_ms() + ms;
	struct outcome o;

	while (poll_command(group, &o), kill(-group, 0) == 0) {
		if (now_ms() >= end)
			return false;
		pause_for(-1, 20);
	}
	return true;
}

void
end_command(pid_t pid, const struct command *c)
{
	bool group = c->foreign || c->group;
	struct outcome o;

	signal_command(pid, group, SIGTERM);
	signal_command(pid, group, SIGCONT); /* what is stopped hears nothing */
	if (c->group) {
		if (!group_ended_within(pid, 4 * GRACE_MS))
			kill_command(pid);
	} else if (c->foreign) {
		ended_within(pid, GRACE_MS, &o);
		kill_command(pid); /* what it left behind in its group, too */
	} else
		while (!poll_command(pid, &o))
			pause_for(-1, -1);
}

struct outcome
wait_command(pid_t pid, const struct command *c)
{
	int64_t start = now_ms(), end = start + (int64_t)c->timeout * 1000;
	struct outcome o;

	while (!poll_command(pid, &o)) {
		int64_t left = c->timeout ? end - now_ms() : -1;

		bool stop = caught && !shielded;

		if (stop || (c->timeout && left <= 0)) {
			o = (struct outcome){.timed_out = !stop, .code = stop ? 128 + caught : EXIT_DEADLINE};
			end_command(pid, c);
			break;
		}
		if (c->watch) {
			c->watch(c->watch_arg);
			left = left < 0 || left > WATCH_MS ? WATCH_MS : left;
		}
		pause_for(-1, left);
	}
	/* A leader that was killed has told the others nothing. */
	if (c->group && kill(-pid, 0) == 0)
		end_command(pid, c);
	o.ms = now_ms() - start;
	return o;
}

struct outcome
try_command(const struct command *c)
{
	pid_t pid = start_command(c);

	if (pid < 0)
		return (struct outcome){.code = errno == ENOENT ? 127 : 126, .error = errno};
	return wait_command(pid, c);
}

char *
start_trouble(const struct command *c, int error)
{
	if (c->dir && access(c->dir, X_OK) != 0)
		return format("cannot run '%s' in '%s': %s", c->argv[0], c->dir, strerror(error));
	return format("cannot run '%s': %s", c->argv[0], strerror(error));
}

struct outcome
run_command(const struct command *c)
{
	struct outcome o = try_command(c);

	if (o.error) {
		char *why = start_trouble(c, o.error);

		say("%s", why);
		free(why);
	}
	return o;
}

unsigned
seconds_setting(const char *name, unsigned fallback)
{
	const char *text = setting(name);

	return *text ? seconds_of(name, text) : fallback;
}
