/*
 * with-store - runs a command beside a registry of ours on 127.0.0.1 that takes its images by push.
 *
 * The engine remembers the layers that it has pushed, and asks for them by digest: so what is pushed here is
 * kept in CACHE_DIR/.store, and the next push brings only what is new. Each layer is proved against the
 * image's config, and compressed, as it comes, as the packer unpacks it fastest. Only the images that are
 * named are taken, each under its NAME, <repository>:<tag>, and known by its ID, the digest of its config.
 * The command has REGISTRY=<host>:<port> in its environment, and all ends with it: nothing is left but the
 * store, of at most STORE_MAX MiB. Exit: the command's; 100 called wrongly; 111 trouble.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/sweep.h"
#include "engine/tags.h"
#include "lib/failure.h"
#include "registry/http.h"

#define USAGE                                                                                                \
	"usage: with-store [-h] [-c zstd|gzip|none] [-l FILE] NAME=ID... -- COMMAND [ARGUMENT...]\n"         \
	"  -c  how layers are compressed; none: they stay as they are pushed; default zstd\n"                \
	"  -l  every blob that is pushed is a line of JSON in FILE\n"                                        \
	"  environment: CACHE_DIR RUN PROGRESS REGISTRY_HOST SILENT STORE_MAX\n"

static void
announce(int port)
{
	char *address = registry_address(port);

	if (setenv("REGISTRY", address, 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set REGISTRY");
	free(address);
}

/* Bytes that may be kept; none where there is nowhere to keep them, which is no reason to fail. */
static uint64_t
open_store(void)
{
	const char *text = setting("STORE_MAX");
	uint64_t most = (uint64_t)(*text ? mebibytes_of("STORE_MAX", text, 0, STORE_MIB_MAX) : STORE_MIB)
			<< 20;
	char why[WHY];

	if (most > 0 && !store_open(why)) {
		say("%s; going on without", why);
		return 0;
	}
	return most;
}

/* The engine tells layers apart by the port that they were pushed to: the same one, where nobody has it, is
 * best. */
static int
start_server(struct server *s, bool kept)
{
	int last = kept ? store_port() : 0, port = server_start(s, last);

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

int
main(int argc, char **argv)
{
	struct command command = {.in = 0, .out = 1, .err = 2};
	struct progress progress;
	struct server server = {.own_only = true, .progress = &progress};
	enum coding coding = ZSTD;
	struct catalog catalog;
	struct intake intake;
	struct order *order;
	size_t orders = 0;
	uint64_t most;
	int opt, lines = -1, code, first, port;
	char why[WHY];

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+c:hl:")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'c':
			coding = parse_coding(optarg);
			break;
		case 'l':
			lines = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
			if (lines < 0)
				die_errno(EXIT_SYSTEM, "cannot open '%s'", optarg);
			break;
		default:
			bad_usage(USAGE);
		}
	for (first = optind; optind < argc && strcmp(argv[optind], "--") != 0; optind++)
		orders++;
	if (orders == 0 || optind == argc || argv[optind + 1] == NULL)
		bad_usage(USAGE);
	order = parse_orders(argv + first, orders);
	command.argv = argv + optind + 1;
	supervise();
	failure_about(setting("keys"), "serve");
	allow_descriptors();
	/* Content trust would look for a notary, and there is none beside us. */
	setenv("DOCKER_CONTENT_TRUST", "0", 1);
	enter_cache();
	if (!catalog_open(&catalog, orders, needed("RUN"), why))
		die(EXIT_SYSTEM, "%s", why);
	most = open_store();
	intake_start(&intake, &catalog, order, coding, needed("RUN"), most, lines);
	server.catalog = &catalog;
	server.intake = &intake;
	progress_start(&progress, &catalog, -1);
	command.watch = progress_show;
	command.watch_arg = &progress;
	port = start_server(&server, most > 0);
	announce(port);
	failure_about(NULL, NULL); /* the command tells of its own */
	code = run_command(&command).code;
	remove_tags(port);
	if (!server_stop(&server)) { /* with-run removes what is on its way */
		end_as_caught();
		_exit(code);
	}
	progress_end(&progress);
	intake_end(&intake);
	catalog_free(&catalog);
	free(order);
	end_as_caught();
	return code;
}
