/*
 * find-machines - looks the images of a run up in the cache.
 *
 * Without KEYs: for each image of $RUN/images that is identified, works out its
 * key, writes what tag, push and pack need as <key>.env, <key>.image ("<engine's ID>
 * <repository path> <config digest>") and <key>.pack, checks the cache's entry, and prints the key
 * (once). With KEYs, which the caller has locked: checks those again.
 * An entry that is not whole is moved away into the run's folder: whether a
 * machine is there is Make's to see, that one which is there is whole is seen to here.
 * Exit: 0; 1 another image's machine stands under a key; 100 called wrongly.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"

#define USAGE "usage: find-machines [-h] [KEY...]\n"

static const char *run;

static void
set_aside(const char *key, const char *why)
{
	struct machine m = name_machine(key);
	char *aside = run_file(key, "aside");

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
check(const char *key, const char *image_id, bool locked)
{
	char why[200], *lock = format(".lock/%s", key);

	while (machine_state(key, image_id, why) == DAMAGED && !caught_signal()) {
		int fd = locked ? -1 : lock_try(lock);

		if (locked || (fd >= 0 && machine_state(key, image_id, why) == DAMAGED))
			set_aside(key, why);
		if (fd >= 0)
			close(fd);
		else if (!locked)
			pause_for(-1, 50);
	}
	free(lock);
}

static void
write_key(const char *key, const char *slug, struct list *settings, const char *id, const char *engine_id)
{
	char *env = run_file(key, "env"), *image = run_file(key, "image"), *text;
	char *from = run_file(slug, "pack"), *to = run_file(key, "pack");

	text = format("%s %s %s\n", engine_id, value_of(settings, "REPO"), id);
	list_addf(settings, "IMAGE_ID=%s", id);
	list_addf(settings, "ENGINE_ID=%s", engine_id);
	list_addf(settings, "SLUG=%s", slug);
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

/* Nothing where this run did not identify the image: its build has failed. */
static void
look_up(const char *slug, struct list *keys)
{
	char *id_file = run_file(slug, "id"), *id = first_line(id_file), hex[SHA256_HEX + 1];
	char *engine_file = run_file(slug, "engine"), *engine_id = first_line(engine_file);
	char *key_file = run_file(slug, "key"), *key, *line;
	struct list settings = {0};

	if (id && engine_id && parse_image_id(id, hex)) {
		read_settings(slug, &settings);
		key = format("%.*s%s", ID16, hex, value_of(&settings, "SUFFIX"));
		line = format("%s\n", key);
		write_file(key_file, line, strlen(line), 0600);
		if (!list_has(keys, key)) {
			list_add(keys, key);
			check(key, id, false);
			write_key(key, slug, &settings, id, engine_id);
			printf("%s\n", key);
		}
		free(line);
		free(key);
		list_free(&settings);
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
	for (; first < argc; first++) {
		struct list settings = {0};

		read_settings(argv[first], &settings);
		check(argv[first], value_of(&settings, "IMAGE_ID"), true);
		list_free(&settings);
	}
	end_as_caught();
	return 0;
}
