/*
 * with-smolvm - runs smolvm as it has to be run: what it needs to reach us, what it leaves, what its failures mean.
 *
 * A smolvm with QUIRK_FLOOR (machine/quirks.h) keeps a packing machine from the host's loopback, and `pack create`
 * has no flag to allow it. The environment has: SMOLVM_EGRESS_FLOOR=metadata, the floor of older versions. It is
 * set for this one child, and never over what the user has said of floors; where that keeps the child from the
 * registry, a line says so.
 * VERSION and LOG are files: the first line of `smolvm --version`, and where the command's output goes.
 * What a smolvm that was killed leaves in its own cache is removed (machine/leavings.h).
 * A failure that smolvm's own words do not help with gets a line that does; with -i it is that image's failure.
 * Exit: the command's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine/leavings.h"
#include "machine/quirks.h"
#include "run/failure.h"

#define USAGE "usage: with-smolvm [-h] [-i KEY] VERSION LOG COMMAND [ARGUMENT...]\n"

#define FLOOR "SMOLVM_EGRESS_FLOOR"

/*
 * Said by the registry client in the guest: the connection itself was refused, by rule or for lack of a
 * listener.
 */
static bool
loopback_refused(const char *text)
{
	static const char *const signs[] = {"connect: permission denied", "connect: connection refused",
					    "connect: network is unreachable"};
	bool refused = false;

	for (size_t i = 0; i < LENGTH(signs); i++)
		refused = refused || strstr(text, signs[i]) != NULL;
	return refused;
}

/*
 * smolvm does not unpack a layer that both deletes and makes a name (run: 1.32.2, check-real, cell odd). Of
 * one layer nothing has to be deleted.
 */
static void
explain_layer(const char *key)
{
	static const char remedy[] = "SQUASH=1 packs it as one layer";
	struct failure f;
	char *reason;

	complain("SQUASH: smolvm cannot unpack a layer of this image; %s", remedy);
	if (key == NULL || !failure_read(key, &f))
		return;
	reason = format("%s; %s", f.reason, remedy);
	failure_write(key, "pack", f.code, reason);
	free(reason);
	failure_free(&f);
}

/* What the user has said, by any name that smolvm reads (source: smolvm-network 1.13.0 to 1.33.0, egress.rs: floor_mode). */
static const char *
user_floor(void)
{
	static const char *const names[] = {FLOOR, "SMOLVM_PUBLISH_ADDR", "SMOLVM_GUEST_HOST_SERVICE",
					    "SMOLVM_EGRESS_ALLOW_PRIVATE", "SMOLVM_ALLOW_HOST_LOOPBACK"};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (*setting(names[i]))
			return names[i];
	return NULL;
}

static void
explain(const char *key, const char *name)
{
	bool inside =
	    strcmp(name, "SMOLVM_PUBLISH_ADDR") == 0 || strcmp(name, "SMOLVM_GUEST_HOST_SERVICE") == 0;
	char *why;

	if (inside)
		why = format(
		    "with %s set, its 127.0.0.1 is the packing machine's own, and no registry on this machine can be reached; unset it for make",
		    name);
	else
		why = format("your %s=%s keeps it from the registry on 127.0.0.1; unset it for make%s", name,
			     setting(name), strcmp(name, FLOOR) == 0 ? ", or set it to metadata" : "");
	complain("SMOLVM: %s", why);
	failure_write(key, "pack", EXIT_NO, why);
	free(why);
}

static void
explain_failure(const char *key, const char *log, const char *theirs)
{
	char *text = read_text(log, 1 << 20, NULL);

	if (text != NULL && theirs != NULL && loopback_refused(text))
		explain(key, theirs);
	else if (text != NULL && strstr(text, "layer extraction failed") != NULL &&
		 strcmp(setting("SQUASH"), "1") != 0)
		explain_layer(key);
	free(text);
}

int
main(int argc, char **argv)
{
	struct command c = {.in = 0, .out = 1, .err = 2};
	struct outcome o;
	const char *key = NULL, *theirs = user_floor();
	char *version;
	long long began;
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
	version = first_line(argv[first]);
	if (theirs == NULL && (smolvm_quirks(version ? version : "") & QUIRK_FLOOR) &&
	    setenv(FLOOR, "metadata", 1) != 0)
		die_errno(EXIT_SYSTEM, "cannot set " FLOOR);
	began = (long long)time(NULL);
	o = run_command(&c);
	if (o.code != 0 || caught_signal())
		remove_dead_packs(began);
	if (o.code != 0 && !caught_signal())
		explain_failure(key, argv[first + 1], theirs);
	free(version);
	end_as_caught();
	return o.code;
}
