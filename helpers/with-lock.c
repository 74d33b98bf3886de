/*
 * with-lock - runs a command under exclusive locks.
 *
 * Every FILE is to be had; those that are free now are taken together, the command
 * runs for this batch with their names (last path components) in LOCKED, then the
 * next batch, until each FILE had its turn. A lock is a descriptor, also of all that
 * the command starts: a batch takes few of those that there are. Nothing is waited for while a lock is
 * held, so no two of these can block each other. With -s any one of FILE.1 to
 * FILE.COUNT will do: COUNT commands at once, the others queue.
 * Who waits says for whom, and in the run's status that it waits. The lock is the kernel's (flock) and dies with its last
 * holder; the command and its children inherit it, so an orphan still holds it.
 * With -f the FILEs are the locks of keys, and who waited for a pack that fails takes
 * its failure instead of packing again (machine/shared.h).
 * Exit: the command's (of several batches the first that is not 0); 111 trouble.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/io.h"
#include "machine/shared.h"
#include "run/failure.h"
#include "run/status.h"

#define USAGE                                                                                                \
	"usage: with-lock [-fhkq] [-i KEY] [-m TEXT] [-s COUNT] FILE... -- COMMAND [ARGUMENT...]\n"          \
	"  -f       a pack that failed while we waited for it is ours too\n"                                 \
	"  -h, -q   this text; wait without a word\n"                                                        \
	"  -i KEY   whose machine waits; else, with -f, those that the FILEs are called by\n"                \
	"  -k       go on with the next batch when the command failed\n"                                     \
	"  -m TEXT  what those who wait are told of us\n"                                                    \
	"  -s COUNT any one of FILE.1 to FILE.COUNT is enough\n"

enum {
	FIRST_PAUSE_MS = 5,
	LONGEST_PAUSE_MS = 100,
	REMIND_MS = 30000,
	SHARE = 8, /* of the descriptors: a registry needs several for each image of a batch */
	BATCH_MAX = 512,
	LOCK_MAX = 1 << 16,
	TEXT_MAX = 1000,
};

struct lock {
	char *file;       /* NULL: it had its turn */
	int fd;           /* -1: not held */
	struct list seen; /* who held it while we waited */
	char *kept;       /* the failure that its last holder left, for others who wait; or NULL */
};

struct queue {
	struct lock *lock;
	int count;
	bool slots;             /* any one of the locks will do */
	const char *text, *key; /* key: -i, or NULL */
	char *sign;             /* ours, in the files of locks that we hold */
	char *inputs;           /* -f; or NULL */
	bool quiet, keep_going;
};

/* One line, that no other holder of a lock has. The caller frees it. */
static char *
signature(const char *text)
{
	time_t now = time(NULL);
	struct tm tm;
	char since[32] = "?", *sign;

	if (localtime_r(&now, &tm))
		strftime(since, sizeof(since), "%H:%M:%S", &tm);
	sign = format("pid %ld (%.*s), since %s", (long)getpid(), TEXT_MAX, text, since);
	for (char *p = sign; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return sign;
}

static void
see_holder(struct lock *l)
{
	char *holder = lock_holder(l->file);

	if (!list_has(&l->seen, holder))
		list_add(&l->seen, holder);
	free(holder);
}

/* What the last holder left below its name. */
static void
keep_failure(struct lock *l)
{
	char *text = xmalloc(LOCK_MAX + 1), *rest;
	ssize_t n = pread(l->fd, text, LOCK_MAX, 0);

	text[n > 0 ? n : 0] = '\0';
	rest = strchr(text, '\n');
	free(l->kept);
	l->kept = xstrdup(rest ? rest + 1 : "");
	free(text);
}

static void
sign_lock(const struct lock *l, const char *sign)
{
	bool kept = l->kept && *l->kept;
	char *text = format("%s%s%s", sign, kept ? "\n" : "", kept ? l->kept : "");

	lock_sign(l->fd, text);
	free(text);
}

static void
release(struct lock *l)
{
	sign_lock(l, "");
	close(l->fd);
	l->fd = -1;
	free(l->file);
	l->file = NULL;
}

/* How many locks may be held at once. */
static int
batch_size(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / SHARE >= BATCH_MAX)
		return BATCH_MAX;
	return limit.rlim_cur < SHARE ? 1 : (int)(limit.rlim_cur / SHARE);
}

/* Takes what is free, at most as much as is wanted at a time. */
static int
take(struct queue *q)
{
	int taken = 0;

	free(q->sign);
	q->sign = signature(q->text);
	for (int i = 0; i < q->count; i++) {
		struct lock *l = &q->lock[i];

		if (l->file == NULL || taken == (q->slots ? 1 : batch_size()))
			continue;
		failure_about(q->inputs ? base_name(l->file) : NULL, "lock");
		l->fd = lock_try(l->file);
		failure_about(NULL, NULL);
		if (l->fd < 0) {
			if (q->inputs)
				see_holder(l);
			continue;
		}
		taken++;
		if (q->inputs)
			keep_failure(l);
		sign_lock(l, q->sign);
	}
	return taken;
}

/* Whose machines wait. The caller frees it. */
static char *
who_waits(const struct queue *q)
{
	struct list keys = {0};
	char *names;

	if (q->key != NULL)
		return xstrdup(q->key);
	for (int i = 0; q->inputs != NULL && i < q->count; i++)
		if (q->lock[i].file != NULL)
			list_add(&keys, base_name(q->lock[i].file));
	names = list_join(&keys, " ");
	list_free(&keys);
	return names;
}

/* The same, but waits until there is at least one. 0 only after a signal. */
static int
take_or_wait(struct queue *q)
{
	int64_t pause = FIRST_PAUSE_MS, say_at = 0;
	char *names = NULL;
	int taken;

	while ((taken = take(q)) == 0 && !caught_signal()) {
		if (names == NULL) {
			names = who_waits(q);
			status_waits(names, true);
		}
		if (!q->quiet && now_ms() >= say_at) {
			const struct lock *l = q->lock;
			char *holder;

			while (l->file == NULL)
				l++;
			holder = lock_holder(l->file);
			say("waiting for '%s', held by %s", base_name(l->file), holder);
			free(holder);
			say_at = now_ms() + REMIND_MS;
		}
		pause_for(-1, pause);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	status_waits(names, false);
	free(names);
	return taken;
}

/* The failure is ours: said, and written down for the end of this run. */
static void
take_failure(const struct lock *l, const struct shared *s)
{
	char *name = typed_name(base_name(l->file)),
	     *why = format("the pack of pid %ld failed meanwhile: %s", s->pid, s->failure.reason);

	say("%s: %s; taken as ours", name, why);
	failure_write(base_name(l->file), s->failure.step, s->failure.code, why);
	free(why);
	free(name);
}

/* The exit status of the pack that failed while we waited for this lock, 0 where there was none. */
static int
taken_failure(const struct queue *q, const struct lock *l)
{
	struct shared s;
	int code = 0;

	for (const char *p = l->kept; code == 0 && (p = shared_next(p, &s)) != NULL; shared_free(&s))
		if (list_has(&l->seen, s.holder) && strcmp(s.inputs, q->inputs) == 0) {
			take_failure(l, &s);
			code = s.failure.code;
		}
	return code;
}

/* Those of the batch that have failed with the run that we waited for need no other. */
static int
take_failures(struct queue *q, int *taken)
{
	int code = 0;

	for (int i = 0; q->inputs && i < q->count; i++) {
		struct lock *l = &q->lock[i];
		int failed = l->file && l->fd >= 0 ? taken_failure(q, l) : 0;

		if (failed == 0)
			continue;
		release(l);
		--*taken;
		if (code == 0)
			code = failed;
	}
	return code;
}

/*
 * What the run wrote down of a key's failure, for those who wait. Neither a signal nor a program that was
 * killed says anything of the next try.
 */
static void
leave_failure(const struct queue *q, struct lock *l, int code)
{
	struct shared s = {.holder = q->sign, .inputs = q->inputs, .pid = (long)getpid()};
	char *older = l->kept;

	if (code != 0 && (caught_signal() || !failure_read(base_name(l->file), &s.failure)))
		return; /* what others left stays */
	l->kept = NULL;
	if (code != 0 && s.failure.code < 128) {
		s.failure.code = code;
		l->kept = shared_text(&s, older ? older : "");
	}
	failure_free(&s.failure);
	free(older);
}

static int
run_batch(struct queue *q, char *const *command)
{
	struct command c = {.argv = command, .in = 0, .out = 1, .err = 2};
	struct outcome o;
	char *names = xstrdup("");

	for (int i = 0; i < q->count; i++)
		if (q->lock[i].fd >= 0) {
			char *longer = format("%s%s%s", names, *names ? " " : "", base_name(q->lock[i].file));

			free(names);
			names = longer;
		}
	if (setenv("LOCKED", names, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set LOCKED");
	free(names);
	o = run_command(&c);
	for (int i = 0; i < q->count; i++)
		if (q->lock[i].fd >= 0) {
			if (q->inputs)
				leave_failure(q, &q->lock[i], o.code);
			release(&q->lock[i]);
		}
	return o.code;
}

/* One turn: what could be locked, and what became of it. */
static int
run_turn(struct queue *q, char *const *command, int *left)
{
	int taken = take_or_wait(q), code;

	*left -= taken;
	code = take_failures(q, &taken);
	if (taken > 0 && (code == 0 || q->keep_going)) {
		int rc = run_batch(q, command);

		return code ? code : rc;
	}
	return code;
}

int
main(int argc, char **argv)
{
	struct queue q = {.text = "with-lock"};
	int opt, left, code = 0, slots = 0;
	struct list files = {0};

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+fhi:km:qs:")) != -1)
		switch (opt) {
		case 'f':
			q.inputs = pack_inputs();
			break;
		case 'h':
			show_usage(USAGE);
		case 'i':
			q.key = optarg;
			break;
		case 'k':
			q.keep_going = true;
			break;
		case 'm':
			q.text = optarg;
			break;
		case 'q':
			q.quiet = true;
			break;
		case 's':
			slots = (int)number("-s", optarg, 1, 1000);
			break;
		default:
			bad_usage(USAGE);
		}
	argv += optind;
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		for (int i = 1; i <= slots; i++)
			list_addf(&files, "%s.%d", *argv, i);
		if (slots == 0)
			list_add(&files, *argv);
	}
	if (files.count == 0 || argv[0] == NULL || argv[1] == NULL)
		bad_usage(USAGE);
	supervise();
	q.count = (int)files.count;
	q.slots = slots > 0;
	q.lock = xmalloc(files.count * sizeof(*q.lock));
	for (int i = 0; i < q.count; i++)
		q.lock[i] = (struct lock){.file = xstrdup(files.at[i]), .fd = -1};
	for (left = slots ? 1 : q.count; left > 0 && (code == 0 || q.keep_going) && !caught_signal();) {
		int rc = run_turn(&q, argv + 1, &left);

		if (code == 0)
			code = rc;
	}
	end_as_caught();
	return code;
}
