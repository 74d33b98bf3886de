/*
 * with-floor - runs smolvm, and once more where it refused our registry on loopback.
 *
 * smolvms after 1.11.1 keep a packing machine from the host's loopback, and
 * `pack create` has no flag to allow it. The environment has: SMOLVM_EGRESS_FLOOR=
 * metadata, the floor of older versions. It is set for this one child, only when
 * the refusal was seen, never over a floor of the user's own, and remembered for the
 * version (CACHE_DIR/.floor), so that the next pack need not fail first.
 * VERSION and LOG are files: the first line of `smolvm --version`, and where the
 * command's output goes. An empty LOG path means that nothing can be recognised.
 * With -i that the user's own floor is in the way is a failure of that image.
 * Exit: the command's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/failure.h"

#define USAGE "usage: with-floor [-h] [-i KEY] VERSION LOG COMMAND [ARGUMENT...]\n"

#define FLOOR "SMOLVM_EGRESS_FLOOR"

/*
 * Said by the registry client in the guest: the connection itself was refused, by rule or for lack of a
 * listener.
 */
static bool
loopback_refused(const char *log)
{
	static const char *const signs[] = {"connect: permission denied", "connect: connection refused",
					    "connect: network is unreachable"};
	char *text = read_text(log, 1 << 20, NULL);
	bool refused = false;

	for (size_t i = 0; text && i < LENGTH(signs); i++)
		refused = refused || strstr(text, signs[i]) != NULL;
	free(text);
	return refused;
}

/* "smolvm 1.17.0" as a file's name: letters, digits and dots, no dot first. The caller frees it. */
static char *
memory_of(const char *version_file)
{
	char *version = first_line(version_file), *path;

	for (char *p = version; p && *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.", *p))
			*p = '_';
	if (version && *version == '.')
		*version = '_';
	path = format(".floor/%.60s", version && *version ? version : "unknown");
	free(version);
	return path;
}

static void
explain(const char *key)
{
	char *why;

	if (*setting("SMOLVM_PUBLISH_ADDR") || *setting("SMOLVM_GUEST_HOST_SERVICE"))
		why = format(
		    "with %s set, its 127.0.0.1 is the packing machine's own, and no registry on this machine can be reached; unset it for make",
		    *setting("SMOLVM_PUBLISH_ADDR") ? "SMOLVM_PUBLISH_ADDR" : "SMOLVM_GUEST_HOST_SERVICE");
	else
		why = format(
		    "your " FLOOR
		    "=%s keeps it from the registry on 127.0.0.1; unset it for make, or set it to metadata",
		    setting(FLOOR));
	complain("SMOLVM: %s", why);
	failure_write(key, "pack", EXIT_NO, why);
	free(why);
}

int
main(int argc, char **argv)
{
	struct command c = {.in = 0, .out = 1, .err = 2};
	struct outcome o;
	bool theirs, lowered = false;
	const char *key = NULL;
	char *memory;
	int first, opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hi:")) != -1)
		if (opt == 'h')
			show_usage(USAGE);
		else if (opt == 'i')
			key = optarg;
		else
			bad_usage(USAGE);
	first = optind;
	if (argc - first < 3)
		bad_usage(USAGE);
	supervise();
	c.argv = argv + first + 2;
	memory = memory_of(argv[first]);
	theirs = *setting(FLOOR) || *setting("SMOLVM_PUBLISH_ADDR") || *setting("SMOLVM_GUEST_HOST_SERVICE");
	if (!theirs && access(memory, F_OK) == 0)
		lowered = setenv(FLOOR, "metadata", 1) == 0;
	o = run_command(&c);
	if (o.code != 0 && !caught_signal() && !lowered && loopback_refused(argv[first + 1])) {
		if (theirs)
			explain(key);
		else {
			say("smolvm refuses loopback, where the registry is; again with " FLOOR
			    "=metadata, for this call only");
			setenv(FLOOR, "metadata", 1);
			o = run_command(&c);
			if (o.code == 0)
				write_file(memory, "", 0, 0600);
		}
	}
	free(memory);
	end_as_caught();
	return o.code;
}
