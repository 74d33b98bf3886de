/*
 * job.c - Ctrl-Z, fg and `stty tostop` for what runs in process groups of our own making.
 *
 * A terminal knows one foreground group, make's, and signals no other. The groups that we make are behind it
 * for good: they may write to the terminal, and cannot read from it. A stop is handed on to them by the
 * process that has started them, before it stops itself, and so is the continuation. No deadline runs
 * meanwhile (clock.c).
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/job.h"

enum { GROUPS_MAX = 32 }; /* at once; a helper has one or two */

/* A signal may come between any two of our steps: each entry is one number, negative for a foreign group. */
static atomic_int group[GROUPS_MAX];
static atomic_llong stopped;

static int64_t
clock_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A foreign program may take no notice of SIGTSTP; our own hand it on. */
static void
signal_groups(bool stop)
{
	for (size_t i = 0; i < GROUPS_MAX; i++) {
		int pid = atomic_load(&group[i]);

		if (pid != 0)
			kill(pid < 0 ? pid : -pid, !stop ? SIGCONT : pid < 0 ? SIGSTOP : SIGTSTP);
	}
}

static void on_stop(int signo);

static void
set_handler(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGTSTP, &action, NULL);
}

static void
block_stop(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	pthread_sigmask(how, &set, NULL);
}

/* By the default action, so that the shell sees what it always sees; in an orphaned group that is nothing. */
static void
on_stop(int signo)
{
	int saved = errno;
	int64_t since = clock_ms();

	signal_groups(true);
	set_handler(SIG_DFL);
	block_stop(SIG_UNBLOCK);
	raise(signo);
	set_handler(on_stop);
	signal_groups(false);
	atomic_fetch_add(&stopped, clock_ms() - since);
	errno = saved;
}

void
job_supervise(void)
{
	struct sigaction old;

	sigaction(SIGTSTP, NULL, &old);
	if (old.sa_handler != SIG_IGN)
		set_handler(on_stop);
}

void
job_hold(bool on)
{
	block_stop(on ? SIG_BLOCK : SIG_UNBLOCK);
}

void
job_started(pid_t pid, bool foreign)
{
	for (size_t i = 0; i < GROUPS_MAX; i++) {
		int none = 0;

		if (atomic_compare_exchange_strong(&group[i], &none, foreign ? -pid : pid))
			return;
	}
}

void
job_ended(pid_t pid)
{
	for (size_t i = 0; i < GROUPS_MAX; i++) {
		int own = pid, foreign = -pid;

		if (atomic_compare_exchange_strong(&group[i], &own, 0) ||
		    atomic_compare_exchange_strong(&group[i], &foreign, 0))
			return;
	}
}

void
job_leave_terminal(void)
{
	sigset_t set;

	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int64_t
stopped_ms(void)
{
	return atomic_load(&stopped);
}
