/*
 * feed-archive - runs a packer whose standard input is the image of KEY, as an archive of one layer.
 *
 * For smolvm from 1.29.1 on, `pack create --image -`: its machine then needs no network. The image is what $REGISTRY serves as one
 * plain layer, since smolvm does not honour the opaque folders of an archive's layers (run: 1.32.2). Such a machine's manifest
 * names local:<SHA-256 of the archive> instead of the image: this becomes the key's reference. smolvm keeps a copy of every
 * archive in its cache, for ever; that of this one is removed.
 * Exit: the command's; 1 the image cannot be had; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/saved.h"
#include "machine/leavings.h"
#include "registry/fetch.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE "usage: feed-archive [-h] KEY COMMAND [ARGUMENT...]\n"

/* The archive on its way to the packer. */
struct feed {
	struct fetched image;
	struct saved archive;
	struct hash *hash;
	int out;   /* the packer's standard input */
	bool gone; /* the packer takes no more, and knows why */
	bool good;
	char why[WHY];
};

static bool
put(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct feed *f = arg;

	hash_update(f->hash, bytes, size);
	if (write_all(f->out, bytes, size))
		return true;
	f->gone = errno == EPIPE;
	return fail_errno(why, "cannot hand on the archive");
}

static bool
put_layer_bytes(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct feed *f = arg;

	return saved_bytes(&f->archive, bytes, size, why);
}

static void *
feed(void *arg)
{
	struct feed *f = arg;

	saved_begin(&f->archive, put, f);
	f->good = saved_layer(&f->archive, "layer.tar", f->image.layer[0].size, f->why) &&
		  fetch_layer(&f->image, 0, put_layer_bytes, f, f->why) &&
		  saved_image(&f->archive, "layer.tar", f->image.config_json, NULL, f->why);
	if (f->good) /* else the packer must not take it for an archive */
		f->good = saved_end(&f->archive, f->why);
	saved_free(&f->archive);
	close(f->out);
	return NULL;
}

static void
note_reference(const char *key, const char *digest)
{
	char *path = run_file(key, OF_REF), *line = format("local:%s\n", digest_digits(digest));

	write_file(path, line, strlen(line), 0600);
	free(line);
	free(path);
}

static void
open_image(struct feed *f, const char *key)
{
	char *path = run_file(key, OF_REF), *reference = first_line(path), why[WHY];

	if (reference == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	if (!fetch_image(&f->image, reference, why))
		die(EXIT_NO, "%s", why);
	if (f->image.layers != 1)
		die(EXIT_SYSTEM, "'%s' has %zu layers where it is to have one", reference, f->image.layers);
	free(reference);
	free(path);
}

int
main(int argc, char **argv)
{
	struct command c = {.out = 1, .err = 2};
	struct feed f = {0};
	struct outcome o;
	char digest[DIGEST];
	pthread_t thread;
	const char *key;
	int first, ends[2];
	pid_t child;

	first = operands(argc, argv, USAGE);
	if (argc - first < 2)
		bad_usage(USAGE);
	supervise();
	enter_cache();
	key = argv[first];
	failure_about(key, "pack");
	open_image(&f, key);
	if (pipe(ends) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	c.argv = argv + first + 1;
	c.in = ends[0];
	child = start_command(&c);
	if (child < 0)
		die_errno(127, "cannot run '%s'", *c.argv);
	close(ends[0]);
	f.out = ends[1];
	f.hash = hash_new();
	if (pthread_create(&thread, NULL, feed, &f) != 0)
		die(EXIT_SYSTEM, "cannot start a thread");
	o = wait_command(child, &c);
	pthread_join(thread, NULL);
	hash_end(f.hash, digest);
	hash_free(f.hash);
	fetch_end(&f.image);
	remove_archive_copy(digest_digits(digest));
	end_as_caught();
	if (!f.good && !f.gone)
		die(EXIT_NO, "%s", f.why);
	if (o.code == 0)
		note_reference(key, digest);
	return o.code;
}
