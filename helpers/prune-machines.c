/*
 * prune-machines - removes machines of CACHE_DIR that nobody needs any more, those that were used longest ago first.
 *
 * What a run holds, was used in the last hour, or is pinned, never goes. A machine goes sidecar first, under its lock: whoever is
 * killed in the middle leaves a launcher and a record that are none, and that the next one removes. What verify-machine -a has set
 * aside goes too, but not under -q.
 * Exit: 0 done; 1 something could not be removed; 100 called wrongly; 111 trouble.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine/entries.h"
#include "machine/machine.h"
#include "machine/room.h"
#include "machine/used.h"

#define USAGE                                                                                                \
	"usage: prune-machines [-hnq] [-k KEEP] [-d DAYS] [-m MAX]\n"                                        \
	"       prune-machines -p|-u MACHINE\n"                                                              \
	"  -d  those that were not used for so many days\n"                                                  \
	"  -k  of each name all but the so many that were used last\n"                                       \
	"  -m  until all together have at most so much: MiB, or 10G\n"                                       \
	"  -n  only says what would go\n"                                                                    \
	"  -p  pins a machine (a name, 16 hex digits, an image ID): it never goes; -u: no more\n"            \
	"  -q  says nothing\n"                                                                               \
	"  environment: CACHE_DIR\n"

enum { YOUNG_SECONDS = 3600, DAY_SECONDS = 86400 };

struct limits {
	long long keep, days; /* -1: none */
	uint64_t most;        /* UINT64_MAX: none */
	bool dry, quiet;
};

/* --- Which go */

/* How many of a name have been seen, the machines that were used last first. */
struct tally {
	struct list names;
	long long *seen;
};

/* Whether this is one of the last so many of any of its names; a machine without a name is alone. */
static bool
is_among_last(struct tally *t, const struct entry_of_cache *e, long long keep)
{
	bool among = e->names.count == 0 && keep > 0;

	for (size_t i = 0; i < e->names.count; i++) {
		size_t k = 0;

		while (k < t->names.count && strcmp(t->names.at[k], e->names.at[i]) != 0)
			k++;
		if (k == t->names.count) {
			list_add(&t->names, e->names.at[i]);
			t->seen = xrealloc(t->seen, t->names.count * sizeof(*t->seen));
			t->seen[k] = 0;
		}
		among = among || t->seen[k] < keep;
		t->seen[k]++;
	}
	return among;
}

/* How many stay though a limit says that they are to go. */
static size_t
choose(const struct entries *all, const struct limits *l, bool *goes)
{
	struct tally t = {.seen = NULL};
	int64_t now = (int64_t)time(NULL);
	bool *spared = xmalloc(all->count + 1);
	struct room *room = room_of(all);
	size_t exempt = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct entry_of_cache *e = &all->at[i];

		goes[i] = (l->days >= 0 && now - e->used > l->days * DAY_SECONDS) ||
			  (l->keep >= 0 && !is_among_last(&t, e, l->keep));
		spared[i] = goes[i] && (e->pinned || now - e->used < YOUNG_SECONDS);
		goes[i] = goes[i] && !spared[i];
		if (goes[i])
			room_let_go(room, i);
	}
	for (size_t i = all->count; i-- > 0 && room_taken(room) > l->most;) {
		const struct entry_of_cache *e = &all->at[i];

		if (goes[i])
			continue;
		if (e->pinned || now - e->used < YOUNG_SECONDS) {
			spared[i] = true;
			continue;
		}
		goes[i] = true;
		room_let_go(room, i);
	}
	for (size_t i = 0; i < all->count; i++)
		exempt += spared[i];
	room_free(room);
	free(spared);
	list_free(&t.names);
	free(t.seen);
	return exempt;
}

/* --- Away with it */

/* True where it is gone. */
static bool
gone(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT;
}

static void
unlink_pin(const char *key)
{
	char *path = format(PINS "/%s", key);

	unlink(path);
	free(path);
}

/* Nobody packs or looks at it: the caller has its lock. */
static bool
remove_machine(const char *key)
{
	struct machine m = name_machine(key);
	bool all = gone(m.sidecar);

	all = all && gone(m.launcher) && gone(m.record) && gone(m.verified);
	if (all)
		unlink_pin(key);
	if (!all)
		say("warning: '%s/%s' cannot be removed (%s)", setting("CACHE_DIR"), m.sidecar,
		    strerror(errno));
	else
		forget_use(key);
	free_machine(&m);
	return all;
}

static void
tell(const struct entry_of_cache *e, const struct limits *l)
{
	char *size = bytes_text(e->bytes), *names = list_join(&e->names, ", ");

	if (!l->quiet)
		printf("%s %s, %s, not used for %lld h%s%s\n", l->dry ? "would go:" : "removed:", e->key,
		       size, (long long)(((int64_t)time(NULL) - e->used) / 3600), *names ? ": " : "", names);
	free(names);
	free(size);
}

/* Whether it went; one that somebody holds, or has used meanwhile, stays. */
static bool
prune(const struct entry_of_cache *e, const struct limits *l, bool *failed)
{
	char *path = format(".lock/%s", e->key);
	struct list names = {0};
	bool there = access(path, F_OK) == 0; /* a dry run makes no lock */
	int lock = l->dry && !there ? -1 : lock_try(path);
	bool went = l->dry && (lock >= 0 || !there);

	if (!l->dry && lock >= 0 && read_use(e->key, &names) <= e->used) {
		went = remove_machine(e->key);
		*failed = *failed || !went;
	}
	if (lock >= 0)
		close(lock);
	if (went)
		tell(e, l);
	list_free(&names);
	free(path);
	return went;
}

/* A launcher and a record without the sidecar that commits them, of somebody who was killed more than an hour ago. */
static void
sweep_halves(void)
{
	DIR *folder = opendir(".");
	struct dirent *entry;
	struct stat st;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		size_t length = strlen(entry->d_name);
		struct machine m;
		char *key, *path;
		int lock;

		if (length <= strlen(".json") ||
		    strcmp(entry->d_name + length - strlen(".json"), ".json") != 0 ||
		    strspn(entry->d_name, "0123456789abcdef") != ID16)
			continue;
		key = format("%.*s", (int)(length - strlen(".json")), entry->d_name);
		path = format(".lock/%s", key);
		m = name_machine(key);
		if (access(m.sidecar, F_OK) != 0 && lstat(m.record, &st) == 0 &&
		    time(NULL) - st.st_mtime > YOUNG_SECONDS && (lock = lock_try(path)) >= 0) {
			if (access(m.sidecar, F_OK) != 0)
				remove_machine(key);
			close(lock);
		}
		free_machine(&m);
		free(path);
		free(key);
	}
	if (folder != NULL)
		closedir(folder);
}

static void
tell_sum(const struct limits *l, size_t went, uint64_t freed, size_t left, uint64_t stay, size_t exempt)
{
	char *gone_size = bytes_text(freed), *left_size = bytes_text(stay);

	printf("%zu machine%s, %s %s; %zu, %s %s", went, went == 1 ? "" : "s", gone_size,
	       l->dry ? "would go" : "removed", left, left_size, l->dry ? "would stay" : "stay");
	if (exempt > 0)
		printf(", %zu of them since they are pinned, held by a run, or were used in this hour",
		       exempt);
	putchar('\n');
	free(left_size);
	free(gone_size);
}

static int
prune_all(const struct limits *l)
{
	struct entries all;
	struct room *room;
	uint64_t freed = 0;
	size_t went = 0, exempt;
	bool *goes, failed = false;

	entries_read(&all);
	room = room_of(&all);
	goes = xmalloc(all.count + 1);
	exempt = choose(&all, l, goes);
	for (size_t i = all.count; i-- > 0 && !caught_signal();)
		if (goes[i] && prune(&all.at[i], l, &failed)) {
			freed += room_let_go(room, i);
			went++;
		} else
			exempt += goes[i];
	if (!l->dry)
		sweep_halves();
	if (!l->dry && !l->quiet)
		remove_tree(ASIDE); /* what verify has set aside; who asks for a prune wants the room */
	if (!l->quiet)
		tell_sum(l, went, freed, all.count - went, room_taken(room), exempt);
	room_free(room);
	free(goes);
	entries_free(&all);
	return failed ? EXIT_NO : 0;
}

/* --- Pins */

static int
pin(const char *what, bool pinned)
{
	char *key = find_key(what), *path;

	if (key == NULL)
		refuse("IMAGE: no machine is called '%s'; `make list` tells which there are", what);
	path = format(PINS "/%s", key);
	if (pinned) {
		mkdir(PINS, 0700);
		write_file(path, "", 0, 0600);
	} else if (unlink(path) != 0 && errno != ENOENT)
		die_errno(EXIT_SYSTEM, "cannot remove '%s/%s'", setting("CACHE_DIR"), path);
	printf("%s %s\n", pinned ? "pinned:" : "not pinned:", key);
	free(path);
	free(key);
	return 0;
}

/* --- How it is called */

int
main(int argc, char **argv)
{
	struct limits l = {.keep = -1, .days = -1, .most = UINT64_MAX};
	const char *to_pin = NULL, *to_unpin = NULL;
	int opt, code;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+d:hk:m:np:qu:")) != -1)
		switch (opt) {
		case 'd':
			l.days = number("DAYS", optarg, 0, 36500);
			break;
		case 'h':
			show_usage(USAGE);
		case 'k':
			l.keep = number("KEEP", optarg, 0, 1000000);
			break;
		case 'm':
			l.most = (uint64_t)mebibytes_of("MAX", optarg, 0, 1 << 30) << 20;
			break;
		case 'n':
			l.dry = true;
			break;
		case 'p':
			to_pin = optarg;
			break;
		case 'q':
			l.quiet = true;
			break;
		case 'u':
			to_unpin = optarg;
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind != argc)
		bad_usage(USAGE);
	if (to_pin == NULL && to_unpin == NULL && l.keep < 0 && l.days < 0 && l.most == UINT64_MAX)
		refuse(
		    "prune: nothing says what is to go; give KEEP=<of each name>, DAYS=<not used for>, or MAX=<10G>");
	supervise();
	if (!cache_is_there()) {
		puts(NO_CACHE);
		return 0;
	}
	prepare_cache();
	code = to_pin != NULL ? pin(to_pin, true) : to_unpin != NULL ? pin(to_unpin, false) : prune_all(&l);
	if (fflush(stdout) != 0)
		die_errno(EXIT_SYSTEM, "cannot print it");
	end_as_caught();
	return code;
}
