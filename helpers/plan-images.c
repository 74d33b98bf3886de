/*
 * plan-images - what is wanted, checked before anything starts, as requests that
 * the recipes read.
 *
 * Without -f the wish is in the environment (IMAGE or IMAGES, CONTEXT, ...); with
 * -f FILE it is what mk/images.jq made of an images file: NUL-ended K=V strings,
 * each image beginning with IMAGE. For every image, in CACHE_DIR/$RUN:
 *   <slug>.env    the wish, NUL-ended K=V      <slug>.build  arguments of docker build
 *   <slug>.args   build arguments whose values go by its environment
 *   <slug>.pack   arguments of smolvm pack create
 * and in $RUN/images the slugs in order. A slug is the name made safe for a target.
 * Prints the goals of mk/image.mk: cache/key/<slug>.built, or .found without CONTEXT.
 * Exit: 0 printed; 1 refused, with one line that says why; 100 called wrongly.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "engine/engine.h"
#include "machine/wish.h"
#include "registry/store.h"

#define USAGE                                                                                                \
	"usage: plan-images [-hn] [-f FILE]\n  -n  write nothing, ask no engine; print the goals, and the "  \
	"suffixes of their keys\n"

/* Where the images file's relative paths begin: "" for the working folder, else "dir/". */
static char *base = "";

/* "dir/" of "dir/file", "" of "file". */
static char *
folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? format("%.*s", (int)(slash - file) + 1, file) : xstrdup("");
}

/* In front of every complaint: which image of the file it is about. */
static char *about = "";

static bool
plain(const char *s, const char *more)
{
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *s) &&
		    !strchr(more, *s))
			return false;
	return true;
}

/* "agent:latest" -> "agent-latest-1f2e3d4c": legible, and two names never share one. */
static char *
slug_of(const struct reference *r, const char *image)
{
	char *full = r->is_id ? xstrdup(image) : format("%s:%s", r->name, r->tag), *slug;
	char safe[41];
	size_t n = 0;

	for (const char *p = full; *p && n < sizeof(safe) - 1; p++)
		safe[n++] = isalnum((unsigned char)*p) ? *p : '-';
	safe[n] = '\0';
	slug = format("%s-%08x", safe, (unsigned)(hash_text(full) & 0xffffffffu));
	free(full);
	return slug;
}

static char *
under_base(const char *path)
{
	return *path == '/' ? xstrdup(path) : format("%s%s", base, path);
}

/* An absolute path of something that is there; refuses with what it should be. */
static char *
existing(const char *what, const char *path, bool folder, const char *remedy)
{
	char *full = under_base(path), *real = realpath(full, NULL);
	struct stat st;

	if (real == NULL || stat(real, &st) != 0)
		refuse("%s%s: '%s' cannot be found (%s); %s", about, what, full, strerror(errno), remedy);
	if (folder != S_ISDIR(st.st_mode))
		refuse("%s%s: '%s' is %s; %s", about, what, full, folder ? "not a folder" : "a folder",
		       remedy);
	if (access(real, folder ? R_OK | X_OK : R_OK) != 0)
		refuse("%s%s: '%s' cannot be read (%s)", about, what, full, strerror(errno));
	free(full);
	return real;
}

static void
check_image(struct wish *w)
{
	if (!given(w->image))
		refuse("%sIMAGE is empty; give IMAGE=name[:tag]", about);
	if (strstr(w->image, "@sha256:"))
		refuse("%sIMAGE: '%s' is a digest reference; give name[:tag] or sha256:<64 hex>", about,
		       w->image);
	if (!parse_reference(w->image, &w->reference))
		refuse("%sIMAGE: '%s' is not an image reference; give name[:tag] in lower case, or "
		       "sha256:<64 hex>",
		       about, w->image);
	if (strlen(setting("REGISTRY_HOST")) + strlen(":65535/") + strlen(w->reference.path) > 255)
		refuse("%sIMAGE: '%s' is too long for a reference on %s; give a shorter name", about,
		       w->image, setting("REGISTRY_HOST"));
	w->slug = slug_of(&w->reference, w->image);
}

static void
check_build(struct wish *w)
{
	if (!given(w->context)) {
		if (given(w->dockerfile))
			refuse("%sDOCKERFILE: '%s' without CONTEXT; give CONTEXT=<folder> too", about,
			       w->dockerfile);
		if (given(w->target) || w->build_args.count > 0)
			refuse("%s%s without CONTEXT: nothing is built; give CONTEXT=<folder> too", about,
			       given(w->target) ? "TARGET" : "BUILD_ARGS");
		return;
	}
	if (w->reference.is_id)
		refuse("%sIMAGE: an image ID cannot be built; give a name beside CONTEXT", about);
	w->context = existing("CONTEXT", w->context, true, "give the folder that is to be built");
	if (given(w->dockerfile))
		w->dockerfile = existing("DOCKERFILE", w->dockerfile, false, "give the Dockerfile's path");
	else {
		char *usual = format("%s/Dockerfile", w->context);

		if (access(usual, R_OK) != 0)
			refuse("%sCONTEXT: there is no Dockerfile in '%s'; give DOCKERFILE=<file>", about,
			       w->context);
		free(usual);
	}
	if (given(w->target) && (!plain(w->target, "._-") || *w->target == '-'))
		refuse("%sTARGET: '%s' is not a build stage's name", about, w->target);
	for (size_t i = 0; i < w->build_args.count; i++) {
		const char *arg = w->build_args.at[i], *equals = strchr(arg, '=');

		if (equals == NULL || equals == arg || *arg == '-')
			refuse("%sBUILD_ARGS: word %zu is not K=V (values with blanks: images file)", about,
			       i + 1); /* what it is may be the rest of a secret */
	}
}

static void
check_pack(struct wish *w)
{
	char *what = format("%sCPUS", about);

	if (given(w->cpus))
		number(what, w->cpus, 1, 255);
	free(what);
	what = format("%sMEM", about);
	if (given(w->mem))
		number(what, w->mem, 1, 4194304);
	free(what);
	if (given(w->platform) &&
	    (!plain(w->platform, "/._-") || !strchr(w->platform, '/') || *w->platform == '-'))
		refuse("%sPLATFORM: '%s' is not OS/ARCH, as linux/amd64", about, w->platform);
	if (given(w->smolfile))
		w->smolfile = existing("SMOLFILE", w->smolfile, false, "give the Smolfile's path");
}

/*
 * What tells two packings of one image apart: the first 8 hex of the SHA-256 of
 * the sorted K=V lines, Smolfiles by content; "" for a default pack. The caller frees it.
 */
static char *
option_suffix(const struct wish *w)
{
	char hex[SHA256_HEX + 1], *text = xstrdup(""), *suffix;
	char content[SHA256_HEX + 1] = "";
	/* In the order of their names. */
	const struct {
		const char *name, *value;
	} options[] = {{"CPUS", w->cpus},
		       {"ENTRYPOINT", w->entrypoint},
		       {"MEM", w->mem},
		       {"PLATFORM", w->platform},
		       {"SMOLFILE", given(w->smolfile) ? content : ""}};

	if (given(w->smolfile) && !sha256_file(w->smolfile, content))
		refuse("%sSMOLFILE: '%s' cannot be read (%s)", about, w->smolfile, strerror(errno));
	for (size_t i = 0; i < LENGTH(options); i++)
		if (given(options[i].value)) {
			char *longer = format("%s%s=%s\n", text, options[i].name, options[i].value);

			free(text);
			text = longer;
		}
	sha256_hex(text, strlen(text), hex);
	suffix = *text ? format("-%.8s", hex) : xstrdup("");
	free(text);
	return suffix;
}

static void
add_setting(struct list *l, const char *name, const char *value)
{
	if (given(value))
		list_addf(l, "%s=%s", name, value);
}

static void
add_option(struct list *l, const char *option, const char *value)
{
	if (given(value))
		list_addf(l, "%s=%s", option, value);
}

static void
add_pack_options(const struct wish *w, struct list *pack)
{
	add_option(pack, "--cpus", w->cpus);
	add_option(pack, "--mem", w->mem);
	add_option(pack, "--entrypoint", w->entrypoint);
	add_option(pack, "--smolfile", w->smolfile);
	add_option(pack, "--oci-platform", w->platform);
}

/* Whether docker, podman, what they are made with or what they start reads the variable for itself. */
static bool
is_read_by_engine(const char *name)
{
	static const char *const names[] = {"PATH", "HOME",     "USER",   "LOGNAME", "SHELL", "PWD",
					    "ENV",  "BASH_ENV", "TMPDIR", "TMP",     "TEMP",  "TERM",
					    "TZ",   "LANG",     "IFS",    "LANGUAGE"};
	static const char *const beginnings[] = {
	    "DOCKER",  "BUILDX",   "BUILDKIT", "COMPOSE_", "MOBY",         "CONTAINER", "PODMAN",
	    "BUILDAH", "STORAGE_", "LD_",      "DYLD_",    "GO",           "GRPC_",     "SSL_",
	    "CURL_",   "XDG_",     "DBUS_",    "SSH_",     "OTEL_",        "NOTIFY_",   "LISTEN_",
	    "LC_",     "GLIBC",    "MALLOC_",  "GIT_",     "REGISTRY_AUTH"};
	static const char proxy[] = "_PROXY";
	size_t n = strlen(name);

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	for (size_t i = 0; i < LENGTH(beginnings); i++)
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return n >= strlen(proxy) && strcasecmp(name + n - strlen(proxy), proxy) == 0;
}

/*
 * A build argument K=V. Everybody on the machine can see a command line, and nobody else an environment: so
 * --build-arg=K, for which docker and podman take K's value from theirs. Where the value is there already,
 * that is all; a name that means something to docker itself keeps its value on the command line.
 */
static void
add_build_arg(const char *argument, struct list *build, struct list *environment)
{
	size_t n = strcspn(argument, "=");
	char *name = format("%.*s", (int)n, argument);
	const char *known = getenv(name), *value = argument + n + 1;
	/* make has others of its own for each recipe */
	bool there = known && strcmp(known, value) == 0 && strncmp(name, "MAKE", 4) != 0 &&
		     strcmp(name, "MFLAGS") != 0;

	if (plain(name, "_") && !isdigit((unsigned char)*name) && (there || !is_read_by_engine(name))) {
		add_option(build, "--build-arg", name);
		if (!there)
			list_add(environment, argument);
	} else
		add_option(build, "--build-arg", argument);
	free(name);
}

static void
write_one(const struct wish *w, const char *kind, struct list *l)
{
	char *path = run_file(w->slug, kind);

	write_request(path, l);
	list_free(l);
	free(path);
}

/* On Docker's containerd store: see identify-image.c. Written down before it exists, so that it can be
 * removed. */
static void
add_pin(const struct wish *w, struct list *build)
{
	char *mark = format("%s/.id/containerd", needed("CACHE_DIR")), *pin = pin_name(w->slug);
	char *file = run_file(w->slug, "pin.tag");

	if (access(mark, F_OK) == 0) {
		write_file(file, pin, strlen(pin), 0600);
		add_option(build, "--tag", pin);
	}
	free(file);
	free(pin);
	free(mark);
}

static void
write_wish(const struct wish *w)
{
	struct list env = {0}, build = {0}, args = {0}, pack = {0};
	char *suffix = option_suffix(w);

	add_setting(&env, "IMAGE", w->image);
	add_setting(&env, "REPO", w->reference.path);
	add_setting(&env, "SUFFIX", suffix);
	add_setting(&env, "CPUS", w->cpus);
	add_setting(&env, "ENTRYPOINT", w->entrypoint);
	add_setting(&env, "MEM", w->mem);
	add_setting(&env, "PLATFORM", w->platform);
	add_setting(&env, "SMOLFILE", w->smolfile);
	write_one(w, "env", &env);
	free(suffix);

	add_pack_options(w, &pack);
	write_one(w, "pack", &pack);

	if (!given(w->context))
		return;
	add_option(&build, "--tag", w->image);
	add_pin(w, &build);
	add_option(&build, "--file", w->dockerfile);
	add_option(&build, "--target", w->target);
	add_option(&build, "--platform", w->platform);
	for (size_t i = 0; i < w->build_args.count; i++)
		add_build_arg(w->build_args.at[i], &build, &args);
	list_add(&build, "--");
	list_add(&build, w->context);
	write_one(w, "build", &build);
	write_one(w, "args", &args);
}

/* A reference to pull by: name[:tag][@sha256:<64 hex>], or an ID. */
static void
check_registry_image(void)
{
	const char *image = setting("REGISTRY_IMAGE"), *digest = strchr(image, '@');
	char *name = format("%.*s", digest ? (int)(digest - image) : (int)strlen(image), image);
	char hex[SHA256_HEX + 1];
	struct reference r;

	if (given(image) &&
	    (!parse_reference(name, &r) || (digest && (r.is_id || !parse_image_id(digest + 1, hex)))))
		refuse("REGISTRY_IMAGE: '%s' is not an image reference; leave it unset for the pinned one, "
		       "or give name[:tag]",
		       image);
	free(name);
}

static void
check_settings(void)
{
	static const char *const seconds[] = {"BUILD_TIMEOUT", "PUSH_TIMEOUT", "PACK_TIMEOUT", "TOOL_TIMEOUT",
					      "REGISTRY_TIMEOUT"};
	const char *host = setting("REGISTRY_HOST"), *out = setting("OUT"), *route = setting("ROUTE");

	for (size_t i = 0; i < LENGTH(seconds); i++)
		seconds_setting(seconds[i], 0);
	if (given(host) && strcmp(host, "localhost") != 0 && strcmp(host, "127.0.0.1") != 0)
		refuse("REGISTRY_HOST: '%s' is not where the registry is; give 127.0.0.1 or localhost", host);
	check_registry_image();
	if (given(route) && strcmp(route, "auto") != 0 && strcmp(route, "push") != 0 &&
	    strcmp(route, "direct") != 0)
		refuse("ROUTE: '%s' is not known; give ROUTE=auto, ROUTE=push or ROUTE=direct", route);
	if (given(setting("STORE_MAX")))
		number("STORE_MAX", setting("STORE_MAX"), 0, STORE_MIB_MAX);
	if (given(setting("SQUASH")) && strcmp(setting("SQUASH"), "0") != 0 &&
	    strcmp(setting("SQUASH"), "1") != 0)
		refuse("SQUASH: '%s' is neither 0 nor 1; leave it out to have it decided", setting("SQUASH"));
	if (given(setting("PROGRESS")) && strcmp(setting("PROGRESS"), "json") != 0)
		refuse("PROGRESS: '%s' is not known; give PROGRESS=json, or none", setting("PROGRESS"));
	if (given(out)) {
		char *folder = format("%s", out), *slash = strrchr(folder, '/');
		struct stat st;

		if (out[strlen(out) - 1] == '/' || (stat(out, &st) == 0 && S_ISDIR(st.st_mode)))
			refuse("OUT: '%s' is a folder; give the launcher's path", out);
		if (slash)
			slash[slash == folder] = '\0';
		if (slash && access(folder, W_OK | X_OK) != 0)
			refuse("OUT: cannot write to '%s' (%s)", folder, strerror(errno));
		free(folder);
	}
}

/* Only a push has to reach us, and under auto none is chosen that cannot, unless its registry is named. */
static bool
may_be_remote(void)
{
	const char *route = setting("ROUTE");

	return strcmp(route, "direct") == 0 ||
	       (strcmp(route, "auto") == 0 && !given(setting("REGISTRY_IMAGE")));
}

static const char *
kind_name(enum engine e)
{
	return e == PODMAN ? "podman\n" : "docker\n";
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *kind;
	bool dry = false;
	struct list slugs = {0}, goals = {0};
	struct wish *wishes;
	size_t count;
	char *path, *text = xstrdup("");
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+f:hn")) != -1)
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'h':
			show_usage(USAGE);
		case 'n':
			dry = true;
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind != argc)
		bad_usage(USAGE);
	check_settings();
	wishes = file ? wishes_of_file(file, &count) : wishes_of_settings(&count);
	if (file)
		base = folder_of(setting("IMAGES_FILE"));
	for (size_t i = 0; i < count; i++) {
		struct wish *w = &wishes[i];

		if (file)
			about = format("%s: image %zu: ", setting("IMAGES_FILE"), i + 1);
		check_image(w);
		check_build(w);
		check_pack(w);
		if (file && list_has(&slugs, w->slug))
			refuse("%s'%s' is there twice; name each image once", about, w->image);
		list_add(&slugs, w->slug);
	}
	supervise();
	if (!dry) {
		kind = kind_name(
		    find_engine(needed("DOCKER"), seconds_setting("TOOL_TIMEOUT", 30), may_be_remote()));
		path = format("%s/%s/engine", needed("CACHE_DIR"), needed("RUN"));
		write_file(path, kind, strlen(kind), 0600);
		free(path);
	}
	for (size_t i = 0; i < count; i++) {
		char *longer = format("%s%s\n", text, wishes[i].slug);

		free(text);
		text = longer;
		if (list_has(&goals, wishes[i].slug))
			continue; /* named twice: two lines of the answer, one goal */
		list_add(&goals, wishes[i].slug);
		if (!dry)
			write_wish(&wishes[i]);
		printf("cache/key/%s.%s%s%s\n", wishes[i].slug, given(wishes[i].context) ? "built" : "found",
		       dry ? " " : "", dry ? option_suffix(&wishes[i]) : "");
	}
	if (!dry) {
		path = format("%s/%s/images", needed("CACHE_DIR"), needed("RUN"));
		write_file(path, text, strlen(text), 0600);
	}
	end_as_caught();
	return fflush(stdout) == 0 ? 0 : EXIT_SYSTEM;
}
