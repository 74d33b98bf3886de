/*
 * find-machines - looks the images of a run up in the cache.
 *
 * Without KEYs: for each image of $RUN/images that is identified, works out its key, writes what tag, push
 * and pack need as <key>.env, <key>.image ("<engine's ID> <repository path> <config digest>") and <key>.pack,
 * checks the cache's entry, and prints the key (once). With KEYs, which the caller has locked: checks those
 * again.
 *
 * Make sees whether a machine is there; this program sees to it that one which is there is whole: one that is
 * not is moved away into the run's folder. A whole one that has to be packed anew all the same (FORCE=1, or
 * it is not what is asked for) stays until the new one takes its place: <key>.renew in the run's folder says
 * that it is due, and for which file. publish-machine removes that, and so does a look under the lock that
 * finds another file: who waited takes the other's result. Exit: 0; 1 another image's machine stands under a
 * key; 100 called wrongly.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/installed.h"
#include "machine/machine.h"
#include "machine/options.h"
#include "machine/quirks.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE "usage: find-machines [-h] [KEY...]\n"

static const char *run;

static void
set_aside(const char *key, const char *why)
{
	struct machine m = name_machine(key);
	char *aside = run_file(key, OF_ASIDE);

	say("'%s' is not whole: %s; it is packed anew", m.sidecar, why);
	remove_tree(aside);
	if (rename(m.sidecar, aside) != 0 && errno != ENOENT)
		die_errno(EXIT_SYSTEM, "cannot move '%s' away", m.sidecar);
	unlink(m.verified);
	free(aside);
	free_machine(&m);
}

/* Who holds the lock is packing or looking at the same; what is damaged then goes soon. */
static void
check(const char *key, const struct list *settings, bool locked, struct finding *f)
{
	char *lock = format(".lock/%s", key);

	while (machine_state(key, settings, f) == DAMAGED && !caught_signal()) {
		int fd = locked ? -1 : lock_try(lock);

		if (locked || (fd >= 0 && machine_state(key, settings, f) == DAMAGED))
			set_aside(key, f->why);
		if (fd >= 0)
			close(fd);
		else if (!locked)
			pause_for(-1, 50);
	}
	free(lock);
}

/*
 * Which file a sidecar is, also after a hard link to OUT, which changes its ctime; "" for none. The caller
 * frees it.
 */
static char *
identity_of(const char *key)
{
	struct machine m = name_machine(key);
	struct stat st;
	bool there = lstat(m.sidecar, &st) == 0;

	free_machine(&m);
	return there ? format("%llu %llu %lld %lld\n", (unsigned long long)st.st_dev,
			      (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtime)
		     : xstrdup("");
}

/* Another machine is due in the place of the one that is there. */
static void
ask_for_another(const char *key, const struct finding *f)
{
	char *path = run_file(key, OF_RENEW), *which = identity_of(key);

	if (f->state == UNFIT)
		say("'%s.smolmachine.smolmachine' cannot be used: %s; it is packed anew", key, f->why);
	write_file(path, which, strlen(which), 0600);
	free(which);
	free(path);
}

/* Under the lock: is it still due? */
static void
look_again(const char *key)
{
	char *path = run_file(key, OF_RENEW), *then, *now;
	struct list settings = {0};
	struct finding f;

	failure_about(key, "identify");
	read_settings(key, &settings);
	check(key, &settings, true, &f);
	then = read_text(path, 512, NULL);
	now = identity_of(key);
	if (f.state == UNFIT && (then == NULL || strcmp(then, now) != 0))
		ask_for_another(key, &f);
	else if (f.state != UNFIT && then && strcmp(then, now) != 0)
		unlink(path);
	free(now);
	free(then);
	free(path);
	list_free(&settings);
}

/* The machines that are taken though an older smolvm packed them; image and version are the first one's. */
static struct {
	size_t count;
	char *image, version[40], installed[40];
	bool asked;
} aged;

/* A hit stays a hit after an upgrade of smolvm; who wants what the new one makes of it is told how. */
static void
note_age(const char *image, const struct finding *f)
{
	int version = parse_version(f->version);

	if (version < 0)
		return;
	if (!aged.asked)
		installed_smolvm(aged.installed);
	aged.asked = true;
	if (version >= parse_version(aged.installed) || aged.count++ > 0)
		return;
	aged.image = xstrdup(image);
	memcpy(aged.version, f->version, sizeof(aged.version));
}

/* One line a run. */
static void
tell_age(void)
{
	if (aged.count == 1)
		say("the machine of '%s' was packed by smolvm %s, and installed is %s; FORCE=1 packs it anew",
		    aged.image, aged.version, aged.installed);
	else if (aged.count > 1)
		say("%zu machines were packed by an older smolvm (that of '%s' by %s), and installed is %s; FORCE=1 packs them anew",
		    aged.count, aged.image, aged.version, aged.installed);
	free(aged.image);
}

static void
refuse_difference(const char *key, const struct list *one, const struct list *other, const char *name)
{
	if (strcmp(value_of(one, name), value_of(other, name)) != 0)
		refuse(
		    "IMAGE: '%s' and '%s' are not packed alike (%s), but their machines would both be called '%s'; give one of them another ENTRYPOINT, CPUS or MEM",
		    value_of(other, "IMAGE"), value_of(one, "IMAGE"), name, key);
}

/*
 * Two wishes of this run with one key are one machine, unless only the beginnings of their hashes are alike.
 */
static void
refuse_alike(const char *key, const struct list *settings)
{
	struct list other = {0};

	read_settings(key, &other);
	refuse_difference(key, settings, &other, "IMAGE_ID");
	for (size_t i = 0; i < option_count; i++)
		if (options[i].pack_flag != NULL)
			refuse_difference(key, settings, &other,
					  options[i].kind == OPTION_CONTENT ? "SMOLFILE_SHA256"
									    : options[i].name);
	list_free(&other);
}

/* The request of a key is that of its first image, with what is known by now. */
static void
complete(struct list *settings, const char *slug, const char *id, const char *engine_id)
{
	char *file = run_file(slug, OF_LAYERS), *layers = first_line(file);

	list_addf(settings, "IMAGE_ID=%s", id);
	list_addf(settings, "ENGINE_ID=%s", engine_id);
	list_addf(settings, "SLUG=%s", slug);
	list_addf(settings, "LAYERS=%s", layers ? layers : "0");
	free(layers);
	free(file);
}

static void
write_key(const char *key, const struct list *settings)
{
	char *env = run_file(key, OF_ENV), *image = run_file(key, OF_IMAGE), *text;
	char *from = run_file(value_of(settings, "SLUG"), OF_PACK), *to = run_file(key, OF_PACK);

	text = format("%s %s %s\n", value_of(settings, "ENGINE_ID"), value_of(settings, "REPO"),
		      value_of(settings, "IMAGE_ID"));
	write_request(env, settings);
	write_file(image, text, strlen(text), 0600);
	if (link(from, to) != 0 && errno != EEXIST)
		die_errno(EXIT_SYSTEM, "cannot create '%s'", to);
	free(to);
	free(from);
	free(text);
	free(image);
	free(env);
}

static void
look_at(const char *key, const struct list *settings)
{
	bool force = strcmp(setting("FORCE"), "1") == 0;
	struct finding f;

	check(key, settings, false, &f);
	write_key(key, settings);
	if (f.state == UNFIT || (f.state == WHOLE && force))
		ask_for_another(key, &f);
	else if (f.state == WHOLE)
		note_age(value_of(settings, "IMAGE"), &f);
	printf("%s\n", key);
}

/* Nothing where this run did not identify the image: its build has failed. */
static void
look_up(const char *slug, struct list *keys)
{
	char *id_file = run_file(slug, OF_ID), *id = first_line(id_file), hex[SHA256_HEX + 1];
	char *engine_file = run_file(slug, OF_ENGINE), *engine_id = first_line(engine_file);
	char *key_file = run_file(slug, OF_KEY), *key, *line;
	struct list settings = {0};

	if (id && engine_id && digest_hex(id, hex)) {
		failure_about(slug, "identify");
		read_settings(slug, &settings);
		key = format("%.*s%s", ID16, hex, value_of(&settings, "SUFFIX"));
		line = format("%s\n", key);
		write_file(key_file, line, strlen(line), 0600);
		complete(&settings, slug, id, engine_id);
		if (list_has(keys, key))
			refuse_alike(key, &settings);
		else {
			list_add(keys, key);
			look_at(key, &settings);
		}
		free(line);
		free(key);
		list_free(&settings);
		failure_about(NULL, NULL);
	}
	free(key_file);
	free(engine_file);
	free(engine_id);
	free(id_file);
	free(id);
}

static void
look_up_all(void)
{
	char *path = format("%s/images", run), *images = read_text(path, 1 << 20, NULL), *rest;
	struct list keys = {0};

	if (images == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	for (char *slug = strtok_r(images, "\n", &rest); slug; slug = strtok_r(NULL, "\n", &rest))
		look_up(slug, &keys);
	tell_age();
	list_free(&keys);
	free(images);
	free(path);
}

int
main(int argc, char **argv)
{
	int first;

	first = operands(argc, argv, USAGE);
	run = needed("RUN");
	enter_cache();
	supervise();
	if (first == argc)
		look_up_all();
	for (; first < argc; first++)
		look_again(argv[first]);
	end_as_caught();
	return 0;
}
