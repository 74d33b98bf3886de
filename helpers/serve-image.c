/*
 * serve-image - images of the engine, for whoever pulls from a registry on 127.0.0.1.
 *
 * Takes one export of all images from the engine, proves every layer against its
 * image's config, compresses it as wanted while the rest still comes, and serves
 * what an OCI registry serves to a client that pulls: each ID under its NAME, which
 * is <repository>:<tag>. ID is the digest of the image's config; where the engine
 * knows the image by another one, that is the ENGINE-ID.
 * With a COMMAND it is run with REGISTRY=<host>:<port> in its environment, and all
 * ends with it; otherwise the address is printed, and served until the caller ends.
 * What is on disk has no name there, so nothing is left, however this ends.
 * Exit: the command's; 1 the images cannot be had; 100 called wrongly; 111 trouble.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lib/failure.h"
#include "lib/words.h"
#include "registry/http.h"
#include "registry/load.h"

#define USAGE                                                                                                \
	"usage: serve-image [-hs] [-c early|zstd|gzip|none] [-o FILE] [-p FILE|FD] [-t DIR]\n"               \
	"                   NAME=ID[,ENGINE-ID]... [-- COMMAND [ARGUMENT...]]\n"                             \
	"  -c  how layers are compressed; none: they stay as the engine has them; early: zstd, but for\n"    \
	"      small ones and those that are hardly begun when the export ends; default zstd\n"              \
	"  -o  the address goes to FILE, which is removed in the end\n"                                      \
	"  -p  what has been pulled goes to FILE, or to descriptor FD, as lines of JSON\n"                   \
	"  -s  squash: one layer an image\n"                                                                 \
	"  -t  the folder for the copy of the layers; default $TMPDIR, else /tmp\n"                          \
	"  environment: DOCKER DOCKER_HOST REGISTRY_HOST PUSH_TIMEOUT TOOL_TIMEOUT PROGRESS SILENT V\n"

enum { TICK_MS = 200 };

static int
open_lines(const char *text)
{
	int fd;

	if (*text != '\0' && text[strspn(text, "0123456789")] == '\0')
		return (int)number("-p", text, 0, 1 << 20);
	fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open '%s'", text);
	return fd;
}

/* With a command the address is in its environment, and stdout is the command's. */
static void
announce(int port, const char *file, bool print)
{
	char *address = registry_address(port), *line = format("%s\n", address);

	if (setenv("REGISTRY", address, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set REGISTRY");
	if (file != NULL)
		write_file(file, line, strlen(line), 0600);
	if (print && !write_all(STDOUT_FILENO, line, strlen(line)))
		die_errno(EXIT_SYSTEM, "cannot print the address");
	free(address);
	free(line);
}

/* Where the time went, for V=2 and the bench. */
static void
tell_load(const struct load *l, const struct catalog *c)
{
	size_t layers = 0, compressed = 0;

	if (strcmp(setting("V"), "2") != 0)
		return;
	for (size_t i = 0; i < c->images; i++)
		for (size_t k = 0; k < c->image[i].layers; k++) {
			layers++;
			compressed += strchr(c->image[i].layer[k].type, '+') != NULL;
		}
	step_line("EXPORT",
		  "%.1f MB in %lld ms, the first byte after %lld, served %lld ms later: %zu of %zu layers "
		  "compressed",
		  (double)l->bytes / 1e6, (long long)l->export_ms, (long long)l->first_ms,
		  (long long)l->remainder_ms, compressed, layers);
}

/* Of the run's images together, as the engine told it; 0 where it did not. */
static uint64_t
images_size(void)
{
	char *keys = xstrdup(setting("keys")), *rest = NULL;
	struct list slugs = {0};
	uint64_t size = 0;

	for (char *key = strtok_r(keys, " ", &rest); key; key = strtok_r(NULL, " ", &rest)) {
		struct list settings = {0};
		const char *slug;

		read_settings(key, &settings);
		slug = value_of(&settings, "SLUG");
		if (*slug && !list_has(&slugs, slug)) {
			json_t *image = kept_inspection(slug);

			size += (uint64_t)json_integer_value(json_object_get(image, "Size"));
			json_decref(image);
			list_add(&slugs, slug);
		}
		list_free(&settings);
	}
	list_free(&slugs);
	free(keys);
	return size;
}

/* What a full disk needs: "" where the reason is another. The caller frees it. */
static char *
explain_room(const struct load *l, const char *why)
{
	long long left = free_bytes(l->folder),
		  copied = l->export.spool >= 0 ? used_bytes(l->export.spool) : 0;
	uint64_t size = images_size();
	bool cache = strncmp(l->folder, setting("CACHE_DIR"), strlen(setting("CACHE_DIR"))) == 0;
	char *needed, *text;

	if (!tells_full_disk(why))
		return xstrdup("");
	needed = size > 0 ? format("%.1f MB are needed", (double)size / 1e6)
			  : xstrdup("as much as the image is needed");
	text = format(
	    "; a copy goes to '%s', where %s and %.1f MB were free: make room there, or give another %s",
	    l->folder, needed, (double)((left > 0 ? left : 0) + copied) / 1e6,
	    cache && *setting("CACHE_DIR") ? "CACHE_DIR" : "TMPDIR");
	free(needed);
	return text;
}

/* name: "NAME=...", by which it would have been served, where there is no run that knows how the user calls
 * it. */
_Noreturn static void
refuse_images(const char *name, const struct load *l, const char *why)
{
	char *names, *reason, *room = explain_room(l, why);

	if (*setting("keys"))
		names = typed_names(setting("keys"));
	else
		names = format("%.*s%s", (int)strcspn(name, "="), name, l->orders > 1 ? " and others" : "");
	reason = format("cannot be served: %s%s", why, room);
	complain("%s: %s", names, reason);
	failure_note(EXIT_NO, reason);
	exit(EXIT_NO);
}

static int
serve(const struct catalog *c, const char *file, int lines, char **argv)
{
	struct command command = {.argv = argv, .in = 0, .out = 1, .err = 2, .watch = progress_show};
	struct progress progress;
	struct server server = {.catalog = c, .progress = &progress};
	bool stopped;
	int code = 0;

	progress_start(&progress, c, lines);
	command.watch_arg = &progress;
	announce(server_start(&server, 0), file, *argv == NULL);
	if (*argv != NULL)
		code = run_command(&command).code;
	else
		while (!caught_signal()) {
			pause_for(-1, TICK_MS);
			progress_show(&progress);
		}
	stopped = server_stop(&server);
	if (file != NULL)
		unlink(file);
	if (!stopped) {
		end_as_caught();
		_exit(code);
	}
	progress_end(&progress);
	return code;
}

int
main(int argc, char **argv)
{
	struct load load = {.coding = ZSTD, .folder = *setting("TMPDIR") ? setting("TMPDIR") : "/tmp"};
	const char *address_file = NULL;
	struct order *order;
	struct catalog catalog;
	int opt, lines = -1, code, first;
	char why[WHY];

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hc:o:p:st:")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'c':
			load.early = strcmp(optarg, "early") == 0;
			load.coding = load.early ? ZSTD : parse_coding(optarg);
			break;
		case 'o':
			address_file = optarg;
			break;
		case 'p':
			lines = open_lines(optarg);
			break;
		case 's':
			load.squash = true;
			break;
		case 't':
			load.folder = optarg;
			break;
		default:
			bad_usage(USAGE);
		}
	for (first = optind; optind < argc && strcmp(argv[optind], "--") != 0; optind++)
		load.orders++;
	if (load.orders == 0 || (optind < argc && argv[optind + 1] == NULL))
		bad_usage(USAGE);
	load.order = order = parse_orders(argv + first, load.orders);
	supervise();
	failure_about(setting("keys"), "serve");
	allow_descriptors();
	if (!load_images(&load, &catalog, why)) {
		end_as_caught();
		refuse_images(argv[first], &load, why);
	}
	failure_about(NULL, NULL); /* the command tells of its own */
	tell_load(&load, &catalog);
	code = serve(&catalog, address_file, lines, argv + optind + (optind < argc));
	catalog_free(&catalog);
	load_free(&load);
	free(order);
	end_as_caught();
	return code;
}
