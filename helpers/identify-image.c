/*
 * identify-image - which image a build made, or a name means, on this engine.
 *
 * With -b what CACHE_DIR/$RUN/<slug>.iid says (docker build --iidfile), else what
 * IMAGE of <slug>.env names on the engine. The identity is the config digest: it is
 * the same on every engine and image store. Docker's containerd store has an ID of
 * its own for the same image (the manifest's or the index's digest), and buildx 0.29
 * writes the config digest into the iidfile there, by which the store finds nothing.
 * So what a build said is resolved once and kept in CACHE_DIR/.id: the pair never
 * changes, and a hit asks the engine for nothing. The image's platform is kept with it: PLATFORM is compared
 * with it each time, since a build and a name may both be of another.
 *
 * On that store an image that lost its name is gone at once. CACHE_DIR/.id/containerd
 * says that one was seen: from then on plan-images gives each build a private name too,
 * the pin, which this run removes at its end.
 *
 * Writes <slug>.id (config digest), <slug>.engine (the engine's ID), <slug>.layers (how many; 0: not known)
 * and, where it had to ask, <slug>.inspect (what it was told) into the run, and the STAMP anew if the
 * identity has changed. Exit: 0 known; 1 no such image, none that can be packed, or one of another PLATFORM;
 * 100 called wrongly.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lib/json.h"
#include "machine/machine.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE "usage: identify-image [-bh] SLUG STAMP\n  -b  the image was built just now\n"

struct identity {
	char config[SHA256_HEX + 1], engine[SHA256_HEX + 1];
	char *platform;   /* of the image, as platform.c spells it; NULL: not known */
	bool any_variant; /* of the platform the engine told no variant */
	long long layers; /* 0: not known */
};

static unsigned
tool_timeout(void)
{
	return seconds_setting("TOOL_TIMEOUT", 30);
}

static char *
in_ids(const char *name)
{
	return format("%s/.id/%s", needed("CACHE_DIR"), name);
}

/*
 * Lines: the config digest, the engine's ID, the image's platform, its number of layers; what older versions
 * wrote ends after the second.
 */
static bool
known_pair(const char *said, struct identity *id)
{
	char *file = in_ids(said), *text = read_private(AT_FDCWD, file, 512), *line[4], *rest = text;
	bool known;

	for (size_t i = 0; i < LENGTH(line); i++)
		line[i] = rest ? strsep(&rest, "\n") : NULL;
	known = line[1] && digest_hex(line[0], id->config) && digest_hex(line[1], id->engine);
	if (known && line[3]) {
		id->platform = parse_platform(line[2]);
		id->layers = strtoll(line[3], NULL, 10);
	}
	free(text);
	free(file);
	return known;
}

static void
remember_pair(const char *said, const struct identity *id)
{
	char *file = in_ids(said), *text;

	text = format("sha256:%s\nsha256:%s\n%s\n%lld\n", id->config, id->engine,
		      id->platform && !id->any_variant ? id->platform : "", id->layers);
	write_file(file, text, strlen(text), 0600);
	free(text);
	free(file);
}

/* By an export of the image: what an attested one is made of, its inspection does not tell. */
static void
export_config_digest(const char *name, char hex[SHA256_HEX + 1])
{
	char *program = format("%s/config-digest", needed("BIN"));
	char *argv[] = {program, (char *)name, NULL}, *out, *err;
	struct outcome o = capture(argv, seconds_setting("PUSH_TIMEOUT", 900), &out, &err);

	if (o.code != 0 || !digest_hex(out, hex))
		refuse(
		    "IMAGE: the engine does not tell the config digest of '%s' (%s); build it with BUILDX_NO_DEFAULT_ATTESTATIONS=1, or give CONTEXT=",
		    name, err);
	free(out);
	free(err);
	free(program);
}

/* podman tells the variant of no image (4.3 to 5); docker leaves out the one that is usual. */
static void
read_platform(json_t *image, const struct inspection *i, struct identity *id)
{
	const char *variant = json_text(image, "Variant");

	free(id->platform);
	id->platform = platform_of(json_text(image, "Os"), json_text(image, "Architecture"), variant);
	id->any_variant = *variant == '\0' && i->by_podman;
}

/* Up to the variant. */
static size_t
family(const char *platform)
{
	size_t n = strcspn(platform, "/") + 1;

	return n + strcspn(platform + n, "/");
}

/* What was asked for is what is packed: neither a builder nor a name need heed PLATFORM. */
static void
check_platform(const char *name, const char *asked, const struct identity *id, bool built)
{
	char *wanted = parse_platform(asked);
	const char *is = id->platform;
	bool same;

	if (wanted == NULL)
		refuse("PLATFORM: '%s' is not OS/ARCH, as linux/amd64", asked);
	if (is == NULL)
		refuse("PLATFORM: the engine does not tell the platform of '%s'; leave PLATFORM out", name);
	same = strcmp(wanted, is) == 0;
	if (id->any_variant)
		same = family(wanted) == family(is) && strncmp(wanted, is, family(is)) == 0;
	if (!same && built)
		refuse(
		    "PLATFORM: %s was asked for, but the build of '%s' made %s; build with BuildKit, which heeds it, or give PLATFORM=%s",
		    asked, name, is, is);
	if (!same)
		refuse(
		    "PLATFORM: %s was asked for, but '%s' is %s; run `%s pull --platform=%s %s`, or give PLATFORM=%s",
		    asked, name, is, setting("DOCKER"), asked, name, is);
	free(wanted);
}

static void
read_identity(json_t *image, const char *slug, const char *name, struct identity *id)
{
	struct inspection i;
	char *mark;

	if (!read_inspection(image, &i))
		die(EXIT_SYSTEM, "the engine names no ID for '%s'", name);
	keep_inspection(slug, image);
	memcpy(id->engine, i.id, sizeof(id->engine));
	memcpy(id->config, i.config, sizeof(id->config));
	if (i.containerd) {
		mark = in_ids("containerd");
		write_file(mark, "", 0, 0600);
		free(mark);
	}
	if (*id->config == '\0' && !known_pair(id->engine, id))
		export_config_digest(name, id->config);
	read_platform(image, &i, id);
	id->layers = (long long)i.layers;
	if (i.layers == 0)
		refuse("IMAGE: '%s' has no layers, there is nothing to boot; add a file to it", name);
}

/* The build again, from Docker's cache, with a name that nobody else gives away. */
static void
build_pinned(const char *slug, const char *pin)
{
	struct list argv = {0}, arguments = {0}, environment = {0};
	char *request = run_file(slug, OF_BUILD), *values = run_file(slug, OF_ARGS),
	     *reference = run_file(slug, OF_PIN), *line = format("%s\n", pin);
	struct outcome o;
	char *out, *err;

	if (!read_request(request, &arguments) || !read_request(values, &environment))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", request);
	write_file(reference, line, strlen(line), 0600);
	list_add(&argv, needed("DOCKER"));
	list_add(&argv, "build");
	list_addf(&argv, "--tag=%s", pin);
	for (size_t i = 0; i < arguments.count; i++)
		list_add(&argv, arguments.at[i]);
	setenv("BUILDX_NO_DEFAULT_ATTESTATIONS", "1", 1);
	o = capture_with(argv.at, environment.at, seconds_setting("BUILD_TIMEOUT", 3600), &out, &err);
	if (o.code != 0)
		refuse("IMAGE: the second build of '%s', from the cache, failed: %s", slug, err);
	free(err);
	free(out);
	free(line);
	free(reference);
	free(values);
	free(request);
	list_free(&argv);
	list_free(&arguments);
	list_free(&environment);
}

static void
identify_built(const char *slug, const char *name, const char *platform, struct identity *id)
{
	char *file = run_file(slug, OF_IID), *text = read_text(file, 128, NULL), *err, *full;
	char *pin = pin_name(slug), said[SHA256_HEX + 1];
	json_t *image;

	if (text == NULL || !digest_hex(text, said))
		refuse(
		    "IMAGE: the build of '%s' left no image ID; a builder that does not load its result into the engine? try BUILDX_BUILDER=default",
		    name);
	free(text);
	free(file);
	if (known_pair(said, id) && (*platform == '\0' || id->platform)) {
		free(pin);
		return;
	}
	full = format("sha256:%s", said);
	image = inspect_image(needed("DOCKER"), full, tool_timeout(), &err);
	if (image == NULL && is_no_such_image(err) && !caught_signal()) {
		free(err);
		build_pinned(slug, pin);
		image = inspect_image(needed("DOCKER"), pin, tool_timeout(), &err);
	}
	if (image == NULL && !is_no_such_image(err))
		refuse("IMAGE: the engine cannot inspect what the build of '%s' made, %s: %s", name, full,
		       err);
	if (image == NULL)
		refuse(
		    "IMAGE: the build of '%s' made %s, but the engine does not have it: the builder does not load its result; try BUILDX_BUILDER=default (%s)",
		    name, full, err);
	read_identity(image, slug, name, id);
	remember_pair(said, id);
	json_decref(image);
	free(err);
	free(full);
	free(pin);
}

static void
identify_found(const char *slug, const char *name, struct identity *id)
{
	char *err;
	json_t *image = inspect_image(needed("DOCKER"), name, tool_timeout(), &err);

	if (image == NULL && is_no_such_image(err))
		refuse(
		    "IMAGE: there is no image '%s' on the engine; give IMAGE=<one of `%s images`>, or CONTEXT=<folder> to build it",
		    name, setting("DOCKER"));
	if (image == NULL)
		refuse("IMAGE: the engine cannot inspect '%s': %s", name, err);
	read_identity(image, slug, name, id);
	remember_pair(id->engine, id);
	json_decref(image);
	free(err);
}

static void
write_line(const char *slug, const char *kind, const char *hex)
{
	char *file = run_file(slug, kind), *text = format("sha256:%s\n", hex);

	write_file(file, text, strlen(text), 0600);
	free(text);
	free(file);
}

static void
write_layers(const char *slug, long long layers)
{
	char *file = run_file(slug, OF_LAYERS), *text = format("%lld\n", layers);

	write_file(file, text, strlen(text), 0600);
	free(text);
	free(file);
}

/* Anew where the image is another one than the last time, which is said. */
static void
write_stamp(const char *stamp, const char *verb, const char *name, const char *config)
{
	char *before = first_line(stamp), *text = format("sha256:%s\n", config), was[SHA256_HEX + 1];

	if (!write_if_changed(stamp, text))
		;
	else if (before != NULL && digest_hex(before, was))
		step_line(verb, "%s -> %.*s (was %.*s)", name, ID16, config, ID16, was);
	else
		step_line(verb, "%s -> %.*s", name, ID16, config);
	free(text);
	free(before);
}

int
main(int argc, char **argv)
{
	struct list settings = {0};
	struct identity id = {0};
	const char *slug, *name, *platform;
	bool built = false;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+bh")) != -1)
		switch (opt) {
		case 'b':
			built = true;
			break;
		case 'h':
			show_usage(USAGE);
		default:
			bad_usage(USAGE);
		}
	if (argc - optind != 2)
		bad_usage(USAGE);
	supervise();
	slug = argv[optind];
	failure_about(slug, "identify");
	read_settings(slug, &settings);
	name = value_of(&settings, "IMAGE");
	platform = value_of(&settings, "PLATFORM");
	if (built)
		identify_built(slug, name, platform, &id);
	else
		identify_found(slug, name, &id);
	if (*platform)
		check_platform(name, platform, &id, built);
	end_as_caught();
	write_line(slug, OF_ID, id.config);
	write_line(slug, OF_ENGINE, id.engine);
	write_layers(slug, id.layers);
	write_stamp(argv[optind + 1], built ? "BUILD" : "FOUND", name, id.config);
	free(id.platform);
	list_free(&settings);
	return 0;
}
