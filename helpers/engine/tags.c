/*
 * tags.c - removes the names that runs have given to images.
 *
 * Pushes to our own registry use the port of the last ones again, since the engine remembers its layers by
 * it: so a dead run's reference can be a live run's too. It is the live one's for as long as that has the
 * port. Whoever removes a reference therefore has its port: the registry's own run, or a sweep that listens
 * there meanwhile.
 *
 * An engine that pushes gives the image a reference by digest. It goes with the last tag of its repository,
 * but not where the tag went before the push had ended.
 *
 * docker removes an image with its last name (--no-prune keeps the layers below, the user's build cache). An
 * image that the user has without a name, or has taken the name from since, must stay: see untag().
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/kind.h"
#include "engine/sweep.h"
#include "engine/tags.h"

enum { PORTS_MAX = 64, NAMES_MAX = 1000 };

/* Behind the words of call(). */
#define END ((const char *)NULL)

/* What one .tag file says. */
struct name {
	char *file;      /* its path */
	char *reference; /* a pin, or host:port/repository:tag */
	char *image;     /* the ID of the image that was meant, or "" */
	int port;        /* 0: a pin, which has none */
	bool held;       /* nobody else can use it now */
};

struct names {
	struct name *at;
	size_t count;
	int socket[PORTS_MAX];
	size_t sockets;
	const struct engine_kind *kind; /* podman's where a run of it is among them */
};

static bool
is_pin(const char *reference)
{
	return strncmp(reference, PIN_PREFIX, strlen(PIN_PREFIX)) == 0;
}

/*
 * Only a pin, or a tag on loopback, can be one of ours, whatever the file says. The port; 0: a pin; -1: none.
 */
static int
port_of(const char *reference)
{
	static const char *const hosts[] = {"127.0.0.1:", "localhost:", "[::1]:"};

	for (size_t i = 0; i < LENGTH(hosts); i++)
		if (strncmp(reference, hosts[i], strlen(hosts[i])) == 0) {
			const char *digits = reference + strlen(hosts[i]);
			long port = strtol(digits, NULL, 10);

			return digits[strspn(digits, "0123456789")] == '/' && port > 0 && port < 65536
				   ? (int)port
				   : -1;
		}
	return is_pin(reference) ? 0 : -1;
}

/* --- What the folders say */

static void
add_name(struct names *names, const char *run, int folder, const char *file)
{
	char *text = read_private(folder, file, 65536), *second = text ? strchr(text, '\n') : NULL;
	struct name n = {0};

	if (second != NULL) {
		*second++ = '\0';
		second[strcspn(second, "\n")] = '\0';
	}
	n.port = text ? port_of(text) : -1;
	if (n.port >= 0 && names->count < NAMES_MAX) {
		n.file = format("%s/%s", run, file);
		n.reference = xstrdup(text);
		n.image = xstrdup(second ? second : "");
		names->at = xrealloc(names->at, (names->count + 1) * sizeof(*names->at));
		names->at[names->count++] = n;
	}
	free(text);
}

static void
add_folder(struct names *names, const char *run)
{
	int fd = open_run(run);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (ends_with(entry->d_name, ".tag"))
			add_name(names, run, fd, entry->d_name);
	char *engine = read_private(fd, "engine", 64);

	if (engine != NULL && kind_noted(engine)->untags)
		names->kind = kind_noted(engine);
	free(engine);
	closedir(folder);
}

static void
free_names(struct names *names)
{
	for (size_t i = 0; i < names->sockets; i++)
		close(names->socket[i]);
	for (size_t i = 0; i < names->count; i++) {
		free(names->at[i].file);
		free(names->at[i].reference);
		free(names->at[i].image);
	}
	free(names->at);
}

bool
tags_there(const char *run)
{
	struct names names = {.kind = kind_noted(NULL)};
	bool there;

	add_folder(&names, run);
	there = names.count > 0;
	free_names(&names);
	return there;
}

/* --- Ports */

static bool
is_held(const struct names *names, int port)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->at[i].held && names->at[i].port == port)
			return true;
	return false;
}

/* False where a name has to wait for its port. */
static bool
hold_ports(struct names *names, int own_port)
{
	bool all = true;

	for (size_t i = 0; i < names->count; i++) {
		struct name *n = &names->at[i];
		int fd = -1;

		n->held = n->port == own_port || is_held(names, n->port); /* pins are of every port */
		if (!n->held && own_port == EVERY_PORT && names->sockets < PORTS_MAX) {
			n->held = port_hold(n->port, &fd);
			if (fd >= 0)
				names->socket[names->sockets++] = fd;
		}
		all = all && n->held;
	}
	return all;
}

/* --- What the engine says */

/* Without its tag. */
static size_t
repository_length(const char *reference)
{
	const char *slash = strrchr(reference, '/'), *colon = strchr(slash ? slash : reference, ':');

	return colon ? (size_t)(colon - reference) : strlen(reference);
}

/* The reference is one of ours, or one by digest that a push of ours has left. */
static bool
is_doomed(const struct names *names, const char *reference)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *n = &names->at[i];
		size_t length = repository_length(n->reference);

		if (n->held && (strcmp(n->reference, reference) == 0 ||
				(n->port > 0 && names->kind->keeps_pushed_digests &&
				 strncmp(n->reference, reference, length) == 0 && reference[length] == '@')))
			return true;
	}
	return false;
}

/* An image of the user's, not one that was loaded for a run. */
static bool
is_users(const struct names *names, const char *id)
{
	for (size_t i = 0; i < names->count; i++)
		if (*names->at[i].image && strcmp(digest_digits(names->at[i].image), digest_digits(id)) == 0)
			return true;
	return false;
}

/* A name that was never given, or is gone, is an error of the client's, and none of ours. */
static bool
is_only_gone(const char *err)
{
	char *copy = xstrdup(err), *rest = NULL;
	bool gone = *err != '\0';

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		gone = gone && (strstr(line, "o such image") || strstr(line, "not known") ||
				strstr(line, "errors occurred"));
	free(copy);
	return gone;
}

/* False where it fails for another reason than that the name is gone. */
static bool
run_client(const struct list *argv)
{
	char *out, *err;
	struct outcome o = ask(argv->at, &out, &err);
	bool done = o.code == 0 || (!o.timed_out && is_only_gone(err));

	free(out);
	free(err);
	return done;
}

/* The same with words, the last of them END, and those of more behind them. */
static bool
call(const struct list *more, const char *word, ...)
{
	struct list argv = {0};
	va_list words;
	bool done;

	list_add(&argv, client());
	va_start(words, word);
	for (; word != NULL; word = va_arg(words, const char *))
		list_add(&argv, word);
	va_end(words);
	for (size_t i = 0; more != NULL && i < more->count; i++)
		list_add(&argv, more->at[i]);
	done = run_client(&argv);
	list_free(&argv);
	return done;
}

/*
 * Takes the last names from an image that stays. docker untags an image that has a child without removing it,
 * so it gets one for as long as that takes, of a container that is never started.
 */
static bool
untag_parent(const char *run, const char *id, const struct list *references)
{
	const char *owner = base_name(run);
	char *pin = format(PIN_PREFIX "keep.%s", owner), *file = format("%s/keep.tag", run);
	char *name = format("--name=" CONTAINER_PREFIX "keep-%s", owner), *container = strchr(name, '=') + 1;
	char *label = format("--label=" OWNER_LABEL "=%s", owner);
	char *cache = format("--label=" CACHE_LABEL "=%s", needed("CACHE_DIR"));
	bool done;

	write_file(file, pin, strlen(pin), 0600);
	done = call(NULL, "create", name, label, cache, id, "none", END) &&
	       call(NULL, "commit", container, pin, END);
	done = call(NULL, "rm", "-fv", container, END) && done &&
	       call(references, "rmi", "--no-prune", "-f", END);
	if (call(NULL, "rmi", "--no-prune", pin, END))
		unlink(file);
	free(cache);
	free(label);
	free(name);
	free(file);
	free(pin);
	return done;
}

/* Docker's containerd store keeps an image without a name under one of its own, or not at all. */
static bool
untag(const struct names *names, const char *run, const char *id, const struct list *references)
{
	if (names->kind->untags)
		return call(references, "untag", id, END);
	if (access(".id/containerd", F_OK) == 0)
		return call(references, "rmi", "--no-prune", END);
	return untag_parent(run, id, references);
}

/* A line of inspect: "<ID> <reference>...". What of it is to go joins doomed, or goes at once. */
static bool
look_at_line(const struct names *names, const char *run, char *line, struct list *doomed)
{
	struct list ours = {0};
	size_t others = 0;
	char *rest = NULL, *id = strtok_r(line, " ", &rest);
	bool done = true;

	for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (is_doomed(names, word))
			list_add(&ours, word);
		else if (names->kind->keeps_pushed_digests ||
			 strchr(word, '@') == NULL) /* else made up of the tags */
			others++;
	if (ours.count > 0 && others == 0 && is_users(names, id))
		done = untag(names, run, id, &ours);
	else
		for (size_t i = 0; i < ours.count; i++)
			if (!list_has(doomed, ours.at[i]))
				list_add(doomed, ours.at[i]);
	list_free(&ours);
	return done;
}

/* False where the engine has not answered, or something stays. */
static bool
remove_held(const struct names *names, const char *run)
{
	static const char format_of[] =
	    "{{.Id}}{{range .RepoTags}} {{.}}{{end}}{{range .RepoDigests}} {{.}}{{end}}";
	struct list inspect = {0}, doomed = {0}, seen = {0};
	char *out, *err, *rest = NULL;
	struct outcome o;
	size_t first;
	bool done;

	list_add(&inspect, client());
	list_add(&inspect, "image");
	list_add(&inspect, "inspect");
	list_addf(&inspect, "--format=%s", format_of);
	for (size_t i = 0; i < names->count; i++) {
		const struct name *n = &names->at[i];

		if (n->held && !list_has(&inspect, n->reference))
			list_add(&inspect, n->reference);
		if (n->held && *n->image && !list_has(&inspect, n->image))
			list_add(&inspect, n->image);
	}
	list_add(&doomed, client());
	list_add(&doomed, "rmi");
	list_add(&doomed, "--no-prune");
	first = doomed.count;
	o = ask(inspect.at, &out, &err);
	done = o.code == 0 || (!o.timed_out && is_only_gone(err));
	for (char *line = strtok_r(out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (list_has(&seen, line)) /* by reference and by ID */
			continue;
		list_add(&seen, line);
		done = look_at_line(names, run, line, &doomed) && done;
	}
	if (doomed.count > first)
		done = run_client(&doomed) && done;
	list_free(&seen);
	list_free(&doomed);
	list_free(&inspect);
	free(out);
	free(err);
	return done;
}

bool
tags_remove(char *const *runs, size_t count, int own_port)
{
	struct names names = {.kind = kind_noted(NULL)};
	bool all, some = false, done = true;

	for (size_t i = 0; i < count; i++)
		add_folder(&names, runs[i]);
	all = hold_ports(&names, own_port);
	for (size_t i = 0; i < names.count; i++)
		some = some || names.at[i].held;
	if (some)
		done = remove_held(&names, runs[0]);
	for (size_t i = 0; done && i < names.count; i++)
		if (names.at[i].held)
			unlink(names.at[i].file);
	free_names(&names);
	return all && done;
}
