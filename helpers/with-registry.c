/*
 * with-registry - runs a command beside a registry on 127.0.0.1 that has the images of this run.
 *
 * KEYs are this run's machines: how their images come in is decided here, once (route/route.h). It is our own
 * registry: over one export of all images (registry/import.h), or the engine pushes to it
 * (registry/intake.h), and what is pushed is kept in CACHE_DIR/.store for the next time. Every layer is
 * proved against its image's config, and compressed, as it comes, as the packer unpacks it fastest. Where the
 * engine cannot come by either, or REGISTRY_IMAGE is named, with-container takes over.
 *
 * By hand, an image is NAME=ID[,ENGINE-ID]: served as NAME, which is <repository>:<tag>; ID is the digest of
 * its config, ENGINE-ID what the engine knows it by, where that is another.
 *
 * The COMMAND has REGISTRY=<host>:<port>, ROUTE=direct|archive|push and PACK=native|smolvm in its environment, for
 * native PARTS too (pack/parts.h), and all ends with it.
 * Without one, the address is printed, and served until the caller ends. What is on disk has no name, but for
 * the store, so nothing else is left, however this ends.
 * Exit: the command's; 1 the images cannot be had; 100 called wrongly; 111 trouble.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/sweep.h"
#include "engine/tags.h"
#include "registry/http.h"
#include "registry/import.h"
#include "route/route.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE                                                                                                \
	"usage: with-registry [-h] KEY... -- COMMAND [ARGUMENT...]\n"                                        \
	"       with-registry -r ROUTE [-s] [-c CODING] [-l FILE] [-o FILE] [-p FILE|FD] [-t DIR]\n"         \
	"                     NAME=ID[,ENGINE-ID]... [-- COMMAND [ARGUMENT...]]\n"                           \
	"  -r  direct: from the engine's export; push: the engine pushes\n"                                  \
	"  -c  how layers are compressed: early, zstd, gzip, none: they stay as they come; early: zstd,\n"   \
	"      but for small ones and those that are hardly begun when the export ends; default zstd\n"      \
	"  -l  each blob that is pushed is a line of JSON in FILE\n"                                         \
	"  -o  the address goes to FILE, which is removed in the end\n"                                      \
	"  -p  what has been pulled goes to FILE, or to descriptor FD, as lines of JSON\n"                   \
	"  -s  squash: one layer an image (direct)\n"                                                        \
	"  -t  the folder for the copy of the layers; default the run's, else $TMPDIR, else /tmp\n"          \
	"  environment: CACHE_DIR RUN DOCKER DOCKER_HOST REGISTRY_HOST REGISTRY_IMAGE ROUTE PACK\n"          \
	"               SMOLVM SQUASH STORE_MAX PUSH_TIMEOUT TOOL_TIMEOUT KEEP_GOING PROGRESS SILENT V\n"

enum { TICK_MS = 200 };

/* What is to be served, and how. */
struct service {
	struct order *order;
	size_t orders;
	struct route route;
	const char *folder;       /* for what has no name on disk */
	const char *address_file; /* or NULL */
	int pulled, pushed;       /* descriptors of lines of JSON, or -1 */
	bool by_hand;
	char **command; /* NULL-ended; empty: none */

	struct catalog catalog;
	struct intake intake; /* FROM_PUSH */
	uint64_t kept;        /* bytes that the store may have */
	struct import import; /* FROM_EXPORT */
};

static int
open_lines(const char *option, const char *text)
{
	int fd;

	if (*text != '\0' && text[strspn(text, "0123456789")] == '\0')
		return (int)number(option, text, 0, 1 << 20);
	fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open '%s'", text);
	return fd;
}

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set %s", name);
}

/* --- What is kept */

/* Bytes that may be; none where there is nowhere to keep them, which is no reason to fail. */
static uint64_t
open_store(void)
{
	uint64_t most = store_most();
	char why[WHY];

	if (most > 0 && !store_open(why)) {
		say("%s; going on without", why);
		return 0;
	}
	return most;
}

/* --- Images that the engine pushes */

/*
 * The engine remembers the layers that it has pushed by host and port: the last port is the best, if it is
 * free.
 */
static int
start_for_pushes(struct server *server, bool kept)
{
	int last = kept ? store_port() : 0, port = server_start(server, last);

	if (kept && last == 0)
		store_set_port(port);
	return port;
}

/* The port is still ours, so that no other run's reference can be meant. */
static void
remove_tags(int port)
{
	char *run = (char *)needed("RUN");
	bool before = shield(true);

	ask_anew();
	tags_remove(&run, 1, port);
	note_silence(run);
	shield(before);
}

/* --- The registry */

/* With a command the address is in its environment, and stdout is the command's. */
static void
announce(int port, const char *file, bool print)
{
	char *address = registry_address(port), *line = format("%s\n", address);

	set("REGISTRY", address);
	if (file != NULL)
		write_file(file, line, strlen(line), 0600);
	if (print && !write_all(STDOUT_FILENO, line, strlen(line)))
		die_errno(EXIT_SYSTEM, "cannot print the address");
	free(address);
	free(line);
}

/* Until the command ends, or, without one, somebody ends us. */
static int
run_beside(const struct service *s, struct progress *progress)
{
	struct command command = {
	    .argv = s->command, .in = 0, .out = 1, .err = 2, .watch = progress_show, .watch_arg = progress};

	failure_about(NULL, NULL); /* the command tells of its own */
	if (*s->command != NULL)
		return run_command(&command).code;
	while (!caught_signal()) {
		pause_for(-1, TICK_MS);
		progress_show(progress);
	}
	return 0;
}

static void
open_catalog(struct service *s)
{
	char why[WHY];

	if (!catalog_open(&s->catalog, s->orders, s->folder, why))
		die(EXIT_SYSTEM, "%s", why);
	for (size_t i = 0; i < s->orders; i++)
		catalog_name(&s->catalog.image[i], &s->order[i].name);
}

static void
open_source(struct service *s)
{
	struct load l = {.coding = s->route.coding,
			 .early = s->route.early,
			 .squash = s->route.squash,
			 .for_artifact = s->route.archive,
			 .frames = s->route.parts != NULL,
			 .folder = s->folder,
			 .order = s->order,
			 .orders = s->orders};

	if (s->route.source == FROM_PUSH || l.frames)
		s->kept = open_store(); /* says what stands against it */
	if (s->route.source == FROM_EXPORT) {
		import_images(&s->import, &l, &s->catalog);
		return;
	}
	intake_start(&s->intake, &s->catalog, s->order, s->route.coding, s->folder, s->kept, s->pushed);
}

/* One that has become one layer has a config of its own; what is to be pushed has no manifest yet. */
static void
note_served(const struct service *s)
{
	for (size_t i = 0; i < s->orders; i++) {
		const struct served *image = &s->catalog.image[i];

		if (image->ready)
			order_served(&s->order[i], image->config.digest, image->manifest.digest);
		else
			order_served(&s->order[i], s->order[i].id, "");
	}
}

static void
close_source(struct service *s)
{
	if (s->route.source == FROM_PUSH)
		intake_end(&s->intake);
	else
		import_free(&s->import);
	catalog_free(&s->catalog);
	orders_free(s->order, s->orders);
}

static int
serve(struct service *s)
{
	bool push = s->route.source == FROM_PUSH, stopped;
	struct progress progress;
	struct server server = {.catalog = &s->catalog,
				.intake = push ? &s->intake : NULL,
				.own_only = push,
				.progress = &progress};
	int port, code;

	progress_start(&progress, &s->catalog, s->order, s->pulled);
	port = push ? start_for_pushes(&server, s->kept > 0) : server_start(&server, 0);
	announce(port, s->address_file, *s->command == NULL);
	code = run_beside(s, &progress);
	if (push)
		remove_tags(port);
	stopped = server_stop(&server);
	if (s->address_file != NULL)
		unlink(s->address_file);
	if (!stopped) { /* with-run removes what is on its way */
		end_as_caught();
		_exit(code);
	}
	progress_end(&progress);
	return code;
}

/* Does not return. */
static void
run_container(const struct service *s, const char *with_container)
{
	bool named = *setting("REGISTRY_IMAGE") != '\0';
	struct list argv = {0};
	char *keys = orders_keys(s->order, s->orders);

	list_add(&argv, with_container);
	list_add(&argv, "-i");
	list_add(&argv, keys);
	if (!named) {
		set("REGISTRY_IMAGE", needed("DEFAULT_REGISTRY"));
		list_add(&argv, "-w");
		list_add(&argv, s->route.why);
	}
	for (char **word = s->command; *word; word++)
		list_add(&argv, *word);
	execv(argv.at[0], argv.at);
	die_errno(127, "cannot run '%s'", argv.at[0]);
}

/* --- How it is called */

/*
 * The words before "--", of which there is one at least; behind it a command, without which only an export
 * that is ordered by hand is served.
 */
static size_t
split(struct service *s, char **words)
{
	size_t n = 0;

	while (words[n] != NULL && strcmp(words[n], "--") != 0)
		n++;
	s->command = words + n + (words[n] != NULL);
	if (n == 0 ||
	    (*s->command == NULL && (words[n] != NULL || !s->by_hand || s->route.source == FROM_PUSH)))
		bad_usage(USAGE);
	return n;
}

static void
order_by_hand(struct service *s, char **words)
{
	s->orders = split(s, words);
	s->order = parse_orders(words, s->orders);
	if (s->folder == NULL)
		s->folder = *setting("TMPDIR") ? setting("TMPDIR") : "/tmp";
	if (s->route.source == FROM_PUSH) {
		enter_cache();
		s->folder = needed("RUN");
	}
}

static void
order_by_keys(struct service *s, char **words)
{
	size_t keys = split(s, words);
	char *path, *smolvm, *about;

	enter_cache();
	path = run_path(RUN_SMOLVM);
	smolvm = first_line(path);
	s->order = orders_of_keys(words, keys, &s->orders);
	s->folder = format("%s/%s", needed("CACHE_DIR"), needed("RUN"));
	about = orders_keys(s->order, s->orders);
	failure_about(about, "serve");
	free(about);
	route_decide(s->order, s->orders, smolvm ? smolvm : "", &s->route);
	set("ROUTE", route_name(&s->route));
	set("PACK", s->route.parts ? "native" : "smolvm");
	if (s->route.parts)
		set("PARTS", s->route.parts);
	free(smolvm);
	free(path);
}

static void
parse_route(struct service *s, const char *text)
{
	if (strcmp(text, "direct") == 0)
		s->route.source = FROM_EXPORT;
	else if (strcmp(text, "push") == 0)
		s->route.source = FROM_PUSH;
	else
		die(EXIT_USAGE, "-r: '%s' is neither direct nor push", text);
	s->by_hand = true;
}

static void
parse_form(struct service *s, const char *text)
{
	s->route.early = strcmp(text, "early") == 0;
	s->route.coding = s->route.early ? ZSTD : parse_coding(text);
}

int
main(int argc, char **argv)
{
	struct service s = {.route = {.coding = ZSTD}, .pulled = -1, .pushed = -1};
	char *with_container = sibling_program(argv[0], "with-container");
	int opt, code;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+c:hl:o:p:r:st:")) != -1)
		switch (opt) {
		case 'c':
			parse_form(&s, optarg);
			break;
		case 'h':
			show_usage(USAGE);
		case 'l':
			s.pushed = open_lines("-l", optarg);
			break;
		case 'o':
			s.address_file = optarg;
			break;
		case 'p':
			s.pulled = open_lines("-p", optarg);
			break;
		case 'r':
			parse_route(&s, optarg);
			break;
		case 's':
			s.route.squash = true;
			break;
		case 't':
			s.folder = optarg;
			break;
		default:
			bad_usage(USAGE);
		}
	supervise();
	setenv("DOCKER_CONTENT_TRUST", "0", 1); /* there is no notary beside us */
	if (s.by_hand)
		order_by_hand(&s, argv + optind);
	else
		order_by_keys(&s, argv + optind);
	if (s.route.source == FROM_CONTAINER)
		run_container(&s, with_container);
	allow_descriptors();
	open_catalog(&s);
	open_source(&s);
	note_served(&s);
	code = serve(&s);
	close_source(&s);
	end_as_caught();
	return code;
}
