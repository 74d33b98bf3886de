/*
 * flatten-image - an image with one layer instead of many.
 *
 * Reads what `docker save` or `podman save` writes, writes what `docker load`
 * and `podman load` take: the same tree, the same config, one layer. Every image
 * that is in the one is in the other, but without its name (-n gives it another), so that
 * loading it takes a name away from nobody; with -o their new IDs are printed.
 * Exit: 0 written; 1 not, and why; 100 called wrongly; 111 cannot write.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/flatten.h"
#include "image/saved.h"

#define USAGE                                                                                                \
	"usage: flatten-image [-h] [-n REFERENCE] [-o OUT] [-t DIR] < SAVED.tar\n"                           \
	"  -n  what the image is called when it is loaded; the export must hold one only\n"                  \
	"  -o  write OUT, whole or not at all, and print the ID of each image; without it stdout\n"          \
	"      gets the archive\n"                                                                           \
	"  -t  folder for a copy of what comes by a pipe or is compressed; without it $TMPDIR or /tmp\n"

static int out = STDOUT_FILENO;
static const char *reference; /* -n */
static char *unfinished;      /* what OUT is called until it is whole */

static void
remove_unfinished(void)
{
	if (unfinished != NULL)
		unlink(unfinished);
}

static bool
put(void *arg, const void *bytes, size_t size, char why[WHY])
{
	(void)arg;
	return write_all(out, bytes, size) || fail_errno(why, "cannot write the archive");
}

/* The layer, then its config. */
static void
put_image(struct saved *s, struct export *e, struct image *m, const char *folder)
{
	char why[WHY], digest[DIGEST], hex[SHA256_HEX + 1], *config, *layer;
	uint64_t size, written;
	struct flat *f;

	layer = format("%s/layer.tar", digest_digits(m->id));
	f = flat_open(e, m, folder, why);
	if (f == NULL || !flat_measure(f, &size, why))
		die(EXIT_NO, "%s", why);
	if (!saved_layer(s, layer, size, why))
		die(EXIT_SYSTEM, "%s", why);
	if (!flat_write(f, out, digest, &written, why))
		die(EXIT_NO, "%s", why);
	if (written != size)
		die(EXIT_NO, "the export has changed while it was read");
	flat_free(f);

	config = flat_config(m, digest);
	if (!saved_image(s, layer, config, reference, why))
		die(EXIT_SYSTEM, "%s", why);
	sha256_hex(config, strlen(config), hex);
	if (unfinished != NULL)
		printf(DIGEST_PREFIX "%s\n", hex);
	free(layer);
	free(config);
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
	struct saved s;
	char why[WHY];

	saved_begin(&s, put, NULL);
	for (size_t i = 0; i < e->images; i++)
		if (!seen(e, i))
			put_image(&s, e, &e->image[i], folder);
	if (!saved_end(&s, why))
		die(EXIT_SYSTEM, "%s", why);
	saved_free(&s);
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
	if (!read_export(STDIN_FILENO, folder, NULL, &e, why))
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
