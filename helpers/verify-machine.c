/*
 * verify-machine - is this sidecar a whole artifact?
 *
 * Footer, sizes, manifest and CRC-32; with -q footer, sizes and manifest only.
 * Prints one line of what it is, or says what is wrong. With -a all machines of CACHE_DIR, launchers too, by as many processes as
 * there are processors, and every two seconds on stderr how far they are; what is not whole is moved into .aside, where nobody
 * finds it, and one that a run holds is passed over.
 * Exit: 0 whole; 1 not; 100 called wrongly; 111 cannot be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/encode.h"
#include "machine/entries.h"
#include "machine/machine.h"
#include "machine/sidecar.h"

#define USAGE                                                                                                \
	"usage: verify-machine [-hq] SIDECAR...\n"                                                           \
	"       verify-machine -a   (environment: CACHE_DIR)\n"                                              \
	"  -a  all machines of CACHE_DIR; what is not whole is moved to CACHE_DIR/.aside\n"                  \
	"  -q  footer, sizes and manifest only: a few kilobytes, whatever the size\n"

static bool
verify(const char *path, bool quick)
{
	struct sidecar s;
	char why[200];
	bool good;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open '%s'", path);
	good = read_sidecar(fd, &s, why) && (quick || check_sidecar(fd, &s, why));
	close(fd);
	if (good)
		printf("%s: %s, %s, %s, smolvm %s, %zu layer%s\n", path, s.image, s.digest, s.platform,
		       s.version, s.layers, s.layers == 1 ? "" : "s");
	else
		say("'%s': %s", path, why);
	return good;
}

/* --- All of CACHE_DIR */

enum { READERS_MAX = 4 };

static void
set_aside(const char *key, const struct machine *m, const char *why)
{
	char *aside = format(ASIDE "/%s.smolmachine.smolmachine", key);

	mkdir(ASIDE, 0700);
	unlink(m->verified);
	if (rename(m->sidecar, aside) != 0)
		die_errno(EXIT_SYSTEM, "cannot move '%s' away", m->sidecar);
	printf("not whole: %s: %s; it is in '%s/" ASIDE "' now\n", key, why, setting("CACHE_DIR"));
	free(aside);
}

/* Reads all of it, whatever is known of it. False: it is not whole. */
static bool
verify_entry(const struct entry_of_cache *e)
{
	char *path = format(".lock/%s", e->key);
	struct machine m = name_machine(e->key);
	int lock = lock_try(path);
	struct finding f = {.state = WHOLE};

	if (lock < 0)
		printf("passed over: %s: a run holds it\n", e->key);
	else {
		unlink(m.verified);
		if (machine_state(e->key, NULL, &f) == DAMAGED)
			set_aside(e->key, &m, f.why);
		else
			printf("%s: %s\n", f.state == MISSING ? "removed meanwhile" : "whole", e->key);
		close(lock);
	}
	fflush(stdout); /* a line at once: others print too */
	free_machine(&m);
	free(path);
	return f.state != DAMAGED;
}

/* What all readers have done so far, in memory that they share. */
struct done {
	_Atomic size_t machines;
	_Atomic uint64_t bytes;
};

/* Every so-manyth machine. */
static bool
verify_some(const struct entries *all, size_t first, size_t step, struct done *done)
{
	bool good = true;

	for (size_t i = first; i < all->count && !caught_signal(); i += step) {
		good = verify_entry(&all->at[i]) && good;
		done->machines++;
		done->bytes += all->at[i].bytes;
	}
	return good;
}

/* --- Who waits is told that it goes on */

enum { TELL_MS = 1900 };

struct telling {
	const struct entries *all;
	const struct done *done;
	int end[2]; /* closed when all are read */
	pthread_t thread;
	bool started;
};

static void *
tell(void *arg)
{
	struct telling *t = arg;
	struct pollfd end = {.fd = t->end[0], .events = POLLIN};
	int64_t began = now_ms();
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->all->count; i++)
		bytes += t->all->at[i].bytes;
	while (poll(&end, 1, TELL_MS) == 0) {
		char *read = bytes_text(t->done->bytes), *of = bytes_text(bytes);

		step_line("VERIFY", "%lld s, %zu of %zu machines, %s of %s",
			  (long long)(now_ms() - began) / 1000, (size_t)t->done->machines, t->all->count,
			  read, of);
		free(of);
		free(read);
	}
	return NULL;
}

static void
tell_begin(struct telling *t)
{
	sigset_t all, before;

	if (pipe(t->end) != 0)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* a signal is for who reads */
	t->started = pthread_create(&t->thread, NULL, tell, t) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
tell_end(struct telling *t)
{
	if (!t->started)
		return;
	close(t->end[1]);
	pthread_join(t->thread, NULL);
}

static bool
verify_all(void)
{
	size_t readers = processors(READERS_MAX), started = 0;
	struct entries all;
	struct done *done =
	    mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct telling telling = {.all = &all, .done = done};
	bool good = true;
	pid_t ended;
	int status;

	if (done == MAP_FAILED)
		die(EXIT_SYSTEM, "out of memory");
	if (!cache_is_there()) {
		puts(NO_CACHE);
		return true;
	}
	prepare_cache();
	entries_read(&all);
	for (; started + 1 < readers; started++) {
		pid_t pid = fork();

		if (pid == 0)
			exit(verify_some(&all, started, readers, done) ? 0 : EXIT_NO);
		if (pid < 0)
			break;
	}
	tell_begin(&telling);
	for (size_t i = started; i < readers; i++) /* and those whose process could not be started */
		good = verify_some(&all, i, readers, done) && good;
	while ((ended = wait(&status)) > 0 || errno == EINTR)
		good = good && (ended < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	tell_end(&telling);
	printf("%zu machine%s\n", all.count, all.count == 1 ? "" : "s");
	entries_free(&all);
	end_as_caught();
	return good;
}

int
main(int argc, char **argv)
{
	bool quick = false, all = true, whole_cache = false;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+ahq")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'a':
			whole_cache = true;
			break;
		case 'q':
			quick = true;
			break;
		default:
			bad_usage(USAGE);
		}
	if ((optind == argc) != whole_cache || (whole_cache && quick))
		bad_usage(USAGE);
	if (whole_cache) {
		supervise();
		return verify_all() ? 0 : EXIT_NO;
	}
	for (; optind < argc; optind++)
		all = verify(argv[optind], quick) && all;
	return all ? 0 : EXIT_NO;
}
