/*
 * flatten-image - an image with one layer instead of many.
 *
 * Reads what `docker save` or `podman save` writes, writes what `docker load`
 * and `podman load` take: the same tree, the same config, one layer. Every image
 * that is in the one is in the other, but without its name (-n gives it another), so that
 * loading it takes a name away from nobody; with -o their new IDs are printed.
 * Exit: 0 written; 1 not, and why; 100 called wrongly; 111 cannot write.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/flatten.h"

#define USAGE                                                                                                \
	"usage: flatten-image [-h] [-n REFERENCE] [-o OUT] [-t DIR] < SAVED.tar\n"                           \
	"  -n  what the image is called when it is loaded; the export must hold one only\n"                  \
	"  -o  write OUT, whole or not at all, and print the ID of each image; without it stdout\n"          \
	"      gets the archive\n"                                                                           \
	"  -t  folder for a copy of what comes by a pipe or is compressed; without it $TMPDIR or /tmp\n"

enum { BLOCK = 512 };

static int out = STDOUT_FILENO;
static const char *reference; /* -n */
static char *unfinished;      /* what OUT is called until it is whole */

static void
remove_unfinished(void)
{
	if (unfinished != NULL)
		unlink(unfinished);
}

static void
put(const void *bytes, size_t size)
{
	if (!write_all(out, bytes, size))
		die_errno(EXIT_SYSTEM, "cannot write the archive");
}

/* In GNU's format, which takes one block whatever the size. */
static void
put_header(const char *name, uint64_t size)
{
	struct archive_entry *entry = archive_entry_new();
	struct archive *a = archive_write_new();
	char block[BLOCK];
	size_t used = 0;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, AE_IFREG | 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, 0, 0);
	archive_write_set_format_gnutar(a);
	archive_write_set_bytes_per_block(a, BLOCK);
	if (archive_write_open_memory(a, block, sizeof(block), &used) != ARCHIVE_OK ||
	    archive_write_header(a, entry) != ARCHIVE_OK || used != BLOCK)
		die(EXIT_SYSTEM, "cannot make a header: %s", archive_error_string(a));
	archive_write_free(a); /* which would fill the file with zeros, had it the room */
	archive_entry_free(entry);
	put(block, BLOCK);
}

static void
put_text(const char *name, const char *text)
{
	static const char zeros[BLOCK];
	size_t size = strlen(text);

	put_header(name, size);
	put(text, size);
	put(zeros, -size % BLOCK);
}

/* The layer, then its config; returns the image's item of the manifest. */
static json_t *
put_image(struct export *e, struct image *m, const char *folder)
{
	char why[WHY], digest[DIGEST], hex[SHA256_HEX + 1], *config, *config_name, *layer_name;
	uint64_t size, written;
	struct flat *f;
	json_t *item;

	layer_name = format("%s/layer.tar", digest_digits(m->id));
	f = flat_open(e, m, folder, why);
	if (f == NULL || !flat_measure(f, &size, why))
		die(EXIT_NO, "%s", why);
	put_header(layer_name, size);
	if (!flat_write(f, out, digest, &written, why))
		die(EXIT_NO, "%s", why);
	if (written != size)
		die(EXIT_NO, "the export has changed while it was read");
	flat_free(f);

	config = flat_config(m, digest);
	sha256_hex(config, strlen(config), hex);
	config_name = format("%s.json", hex);
	put_text(config_name, config);
	item = json_pack("{s:s, s:[], s:[s]}", "Config", config_name, "RepoTags", "Layers", layer_name);
	if (reference)
		json_array_append_new(json_object_get(item, "RepoTags"), json_string(reference));
	else
		json_object_set_new(item, "RepoTags", json_null());
	if (unfinished != NULL)
		printf(DIGEST_PREFIX "%s\n", hex);
	free(layer_name);
	free(config_name);
	free(config);
	return item;
}

/* Two names for one image are two items of an export, but one image. */
static bool
seen(const struct export *e, size_t image)
{
	for (size_t i = 0; i < image; i++)
		if (strcmp(e->image[i].id, e->image[image].id) == 0)
			return true;
	return false;
}

static void
put_archive(struct export *e, const char *folder)
{
	static const char end[2 * BLOCK];
	json_t *manifest = json_array();
	char *text;

	for (size_t i = 0; i < e->images; i++)
		if (!seen(e, i))
			json_array_append_new(manifest, put_image(e, &e->image[i], folder));
	text = json_dumps(manifest, JSON_COMPACT);
	put_text("manifest.json", text);
	put(end, sizeof(end));
	free(text);
	json_decref(manifest);
}

static void
open_output(const char *path)
{
	out = temporary_file(path, &unfinished, 0600);
	if (out < 0)
		die_errno(EXIT_SYSTEM, "cannot create '%s'", unfinished);
	atexit(remove_unfinished);
}

static void
publish_output(const char *path)
{
	if (fsync(out) != 0 || close(out) != 0 || rename(unfinished, path) != 0)
		die_errno(EXIT_SYSTEM, "cannot write '%s'", path);
	free(unfinished);
	unfinished = NULL;
}

int
main(int argc, char **argv)
{
	const char *path = NULL, *folder = *setting("TMPDIR") ? setting("TMPDIR") : "/tmp";
	struct export e;
	char why[WHY];
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hn:o:t:")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'n':
			reference = optarg;
			break;
		case 'o':
			path = optarg;
			break;
		case 't':
			folder = optarg;
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind != argc || isatty(STDIN_FILENO) || (path == NULL && isatty(out)))
		bad_usage(USAGE);
	if (!read_export(STDIN_FILENO, folder, NULL, NULL, &e, why))
		die(EXIT_NO, "%s", why);
	if (reference && e.images != 1)
		die(EXIT_NO, "-n: the export holds %zu images, one can be called so", e.images);
	if (path != NULL)
		open_output(path);
	put_archive(&e, folder);
	if (path != NULL)
		publish_output(path);
	free_export(&e);
	return 0;
}
