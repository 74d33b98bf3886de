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
 *   <slug>.Smolfile  what SMOLFILE held when its key was worked out
 *   <slug>.out    where its machine is put too
 * and in $RUN/images the slugs in order. A slug is the name made safe for a target.
 * Prints the goals of mk/image.mk: .key/<slug>.built, or .found without CONTEXT.
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
#include "machine/check.h"
#include "machine/options.h"
#include "machine/settings.h"
#include "run/files.h"

#define USAGE                                                                                                \
	"usage: plan-images [-hjn] [-f FILE]\n       plan-images -o\n"                                       \
	"  -j  as -n, but the images are printed as JSON: image, context, stamp, suffix\n"                   \
	"  -n  write nothing, ask no engine; print the goals, and the suffixes of their keys\n"              \
	"  -o  print the options of an image, as JSON for mk/images.jq\n"

/* Where relative paths of the images file begin: beside it; those of a pipe where the user stands. */
static char *
folder_of_images(void)
{
	const char *file = setting("IMAGES_FILE"), *slash = strrchr(file, '/');
	struct stat st;

	if (given(setting("SMOLMAKE_STANDING")) && (stat(file, &st) != 0 || !S_ISREG(st.st_mode)))
		return format("%s/", setting("SMOLMAKE_STANDING"));
	return slash ? format("%.*s", (int)(slash - file) + 1, file) : xstrdup("");
}

static void
add_setting(struct list *l, const char *name, const char *value)
{
	if (given(value))
		list_addf(l, "%s=%s", name, value);
}

static void
add_flag(struct list *l, const char *flag, const char *value)
{
	if (flag && given(value))
		list_addf(l, "%s=%s", flag, value);
}

/* smolvm reads the copy that was hashed. */
static void
add_pack_options(const struct wish *w, struct list *pack)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &options[i];
		const char *value = option_value(w, o);

		if (o->kind == OPTION_CONTENT && given(value))
			list_addf(pack, "%s=%s/%s/%s." OF_SMOLFILE, o->pack_flag, needed("CACHE_DIR"),
				  needed("RUN"), w->slug);
		else
			add_flag(pack, o->pack_flag, value);
	}
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
		add_flag(build, "--build-arg", name);
		if (!there)
			list_add(environment, argument);
	} else
		add_flag(build, "--build-arg", argument);
	free(name);
}

static void
add_build_option(struct wish *w, const struct option *o, struct list *build, struct list *environment)
{
	struct list *l = has_list(o) ? option_list(w, o) : NULL;

	add_flag(build, o->build_flag, option_value(w, o));
	for (size_t i = 0; l && i < l->count; i++)
		if (o->kind == OPTION_ARGUMENTS)
			add_build_arg(l->at[i], build, environment);
		else
			add_flag(build, o->build_flag, l->at[i]);
}

static void
write_one(const struct wish *w, const char *kind, struct list *l)
{
	char *path = run_file(w->slug, kind);

	write_request(path, l);
	list_free(l);
	free(path);
}

static void
write_smolfile(const struct wish *w)
{
	char *path = run_file(w->slug, OF_SMOLFILE);

	write_file(path, w->smolfile_text, w->smolfile_size, 0600);
	free(path);
}

/*
 * On Docker's containerd store: see identify-image.c. Written down before it exists, so that it can be
 * removed.
 */
static void
add_pin(const struct wish *w, struct list *build)
{
	char *mark = format("%s/.id/containerd", needed("CACHE_DIR")), *pin = pin_name(w->slug);
	char *file = run_file(w->slug, OF_PIN);

	if (access(mark, F_OK) == 0) {
		write_file(file, pin, strlen(pin), 0600);
		add_flag(build, "--tag", pin);
	}
	free(file);
	free(pin);
	free(mark);
}

static void
write_out(const struct wish *w)
{
	char *path = run_file(w->slug, OF_OUT);

	if (given(w->out))
		write_file(path, w->out, strlen(w->out), 0600);
	free(path);
}

static void
write_wish(struct wish *w)
{
	struct list env = {0}, build = {0}, args = {0}, pack = {0};
	char *suffix = option_suffix(w);

	write_out(w);

	add_setting(&env, "IMAGE", w->image);
	add_setting(&env, "REPO", w->reference.path);
	add_setting(&env, "SUFFIX", suffix);
	for (size_t i = 0; i < option_count; i++)
		if (options[i].pack_flag)
			add_setting(&env, options[i].name, option_value(w, &options[i]));
	add_setting(&env, "SMOLFILE_SHA256", w->smolfile_sha256);
	write_one(w, OF_ENV, &env);
	free(suffix);

	add_pack_options(w, &pack);
	write_one(w, OF_PACK, &pack);
	if (w->smolfile_text)
		write_smolfile(w);

	if (!given(w->context))
		return;
	add_flag(&build, "--tag", w->image);
	add_pin(w, &build);
	for (size_t i = 0; i < option_count; i++)
		add_build_option(w, &options[i], &build, &args);
	/* what Docker before 23 builds by without being asked knows neither */
	if ((w->secrets.count > 0 || w->ssh.count > 0) && !given(getenv("DOCKER_BUILDKIT")))
		list_add(&args, "DOCKER_BUILDKIT=1");
	list_add(&build, "--");
	list_add(&build, w->context);
	write_one(w, OF_BUILD, &build);
	write_one(w, OF_ARGS, &args);
}

/* A reference to pull by: name[:tag][@sha256:<64 hex>], or an ID. */
static void
check_registry_image(void)
{
	const char *image = setting("REGISTRY_IMAGE"), *digest = strchr(image, '@');
	char *name = format("%.*s", digest ? (int)(digest - image) : (int)strlen(image), image);
	struct reference r;

	if (given(image) && (!parse_reference(name, &r) || (digest && (r.is_id || !is_digest(digest + 1)))))
		refuse(
		    "REGISTRY_IMAGE: '%s' is not an image reference; leave it unset for the pinned one, or give name[:tag]",
		    image);
	free(name);
}

/* What settings may be is in their table; beside that: references, and which of them exclude each other. */
static void
check_together(void)
{
	const char *host = setting("REGISTRY_HOST");

	check_registry_image();
	if (given(host) && strcmp(host, "localhost") != 0 && strcmp(host, "127.0.0.1") != 0)
		refuse("REGISTRY_HOST: '%s' is not where the registry is; give 127.0.0.1 or localhost", host);
	if (strcmp(setting("PACK"), "native") == 0 && strcmp(setting("ROUTE"), "archive") == 0)
		refuse(
		    "ROUTE: an archive is made for smolvm, which does not pack with PACK=native; leave one of them out");
}

/* Only a push has to reach us, and under auto none is chosen that cannot, unless its registry is named. */
static bool
may_be_remote(void)
{
	const char *route = setting("ROUTE");

	return strcmp(route, "direct") == 0 || strcmp(route, "archive") == 0 ||
	       (strcmp(route, "auto") == 0 && !given(setting("REGISTRY_IMAGE")));
}

static void
refuse_same_place(const struct wish *w, size_t count, const char *about)
{
	for (size_t i = 0; given(w[count].out) && i < count; i++)
		if (given(w[i].out) && strcmp(w[i].out, w[count].out) == 0)
			refuse("%sOUT: '%s' is where '%s' goes; give each image a place of its own", about,
			       w[i].out, w[i].image);
}

static void
print_options(void)
{
	json_t *all = options_as_json();

	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

/* What mk/graph.sh draws. */
static void
print_plan(const struct wish *wishes, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct wish *w = &wishes[i];
		char *stamp = format(".key/%s.%s", w->slug, given(w->context) ? "built" : "found"),
		     *suffix = option_suffix(w);

		json_array_append_new(all, json_pack("{s:s, s:s*, s:s, s:s}", "image", w->image, "context",
						     given(w->context) ? w->context : NULL, "stamp", stamp,
						     "suffix", suffix));
		free(suffix);
		free(stamp);
	}
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

int
main(int argc, char **argv)
{
	const char *file = NULL;
	char *about = "", *folder = "";
	bool dry = false, as_json = false;
	struct list slugs = {0}, goals = {0};
	struct wish *wishes;
	size_t count;
	char *path, *text = xstrdup("");
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+f:hjno")) != -1)
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'h':
			show_usage(USAGE);
		case 'j':
			dry = as_json = true;
			break;
		case 'n':
			dry = true;
			break;
		case 'o':
			print_options();
			return 0;
		default:
			bad_usage(USAGE);
		}
	if (optind != argc)
		bad_usage(USAGE);
	check_settings(argv[0], NULL);
	check_together();
	wishes = file ? wishes_of_file(file, &count) : wishes_of_settings(&count);
	if (file) {
		folder = folder_of_images();
	} else if (given(setting("SMOLMAKE_STANDING")))
		folder = format(
		    "%s/", setting("SMOLMAKE_STANDING")); /* of SECRET and SSH; the others are absolute */
	if (!file && given(setting("ONLY")))
		refuse("ONLY: it goes with smolmachines; name the image by IMAGE=%s", setting("ONLY"));
	for (size_t i = 0; i < count; i++) {
		struct wish *w = &wishes[i];

		if (file)
			about = format("%s: images[%zu]: ", setting("IMAGES_FILE"), i);
		check_wish(w, about, folder);
		if (file && list_has(&slugs, w->slug))
			refuse("%s'%s' is there twice; name each image once", about, w->image);
		refuse_same_place(wishes, i, about);
		list_add(&slugs, w->slug);
	}
	if (as_json) {
		print_plan(wishes, count);
		return 0;
	}
	supervise();
	if (!dry)
		check_engine(needed("DOCKER"), seconds_setting("TOOL_TIMEOUT", 30), may_be_remote());
	for (size_t i = 0; i < count; i++) {
		char *longer = format("%s%s\n", text, wishes[i].slug);

		free(text);
		text = longer;
		if (list_has(&goals, wishes[i].slug))
			continue; /* named twice: two lines of the answer, one goal */
		list_add(&goals, wishes[i].slug);
		if (!dry)
			write_wish(&wishes[i]);
		printf(".key/%s.%s%s%s\n", wishes[i].slug, given(wishes[i].context) ? "built" : "found",
		       dry ? " " : "", dry ? option_suffix(&wishes[i]) : "");
	}
	if (!dry) {
		path = run_path(RUN_IMAGES);
		write_file(path, text, strlen(text), 0600);
	}
	end_as_caught();
	return 0;
}
