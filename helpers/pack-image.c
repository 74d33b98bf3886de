/*
 * pack-image - makes the machine KEY of an image without starting one: launcher and sidecar, as smolvm's `pack create` writes them.
 *
 * The image is what $REGISTRY serves, its layers are in frames (registry/framed.h), the rest are the parts of the installed smolvm
 * (PARTS, pack/parts.h). Written once: the agent's root filesystem, one layer, which most often is the frames of the image's
 * layers as they are, the disk template, the manifest, the footer.
 * The same image, smolvm and options give the same bytes. What the machine is called has no port of a registry in it, so
 * <key>.ref becomes <repository>:<id16>.
 * Exit: 0 packed; 1 the image or a part is not what it should be; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/encode.h"
#include "image/header.h"
#include "image/pour.h"
#include "pack/growing.h"
#include "pack/manifest.h"
#include "pack/whole.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE                                                                                                    \
	"usage: pack-image [-h] KEY\n"                                                                           \
	"       pack-image -p VERSION\n"                                                                         \
	"  -p  packs nothing: whether it could for SMOLVM, which says that it is of that version; if not, why\n" \
	"  environment: CACHE_DIR RUN PARTS SMOLVM\n"

enum { FOOTER = 64 };

/* A sink: arg is a struct growing. */
static bool
put(void *arg, const void *bytes, size_t size, char why[WHY])
{
	return growing_add(arg, bytes, size, (uint32_t)crc32(0, bytes, (uInt)size), why);
}

/* What passes, with its CRC-32. */
struct watched {
	struct growing *to;
	uint32_t crc;
};

static bool
watch(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct watched *w = arg;
	uint32_t crc = (uint32_t)crc32(0, bytes, (uInt)size);

	w->crc = (uint32_t)crc32_combine(w->crc, crc, (z_off_t)size);
	return growing_add(w->to, bytes, size, crc, why);
}

/* A kept part, which a disk may have spoilt meanwhile. */
static bool
copy_part(const struct part *p, struct growing *to, char why[WHY])
{
	struct watched w = {to, (uint32_t)crc32(0, NULL, 0)};

	if (!pour(p->fd, 0, p->size, watch, &w, why))
		return false;
	if (w.crc == p->crc)
		return true;
	parts_discard(needed("PARTS"));
	return fail(why, "'%.100s' was damaged and is removed; run make again", needed("PARTS"));
}

/* --- The layer */

/* The folder of layers, and the header of the one in it, as a frame of its own, which is as long whatever the digest is. */
enum { LAYER_HEADER = 2 * TAR_BLOCK + STORED_FRAME };

static void
make_layer_header(const char *digest, uint64_t size, unsigned char frame[LAYER_HEADER])
{
	char block[2 * TAR_BLOCK], *name = format("layers/%s.tar", digest_digits(digest));

	gnu_header(block, "layers/", S_IFDIR | 0755, 0);
	gnu_header(block + TAR_BLOCK, name, S_IFREG | 0644, size);
	free(name);
	encode_stored(block, sizeof(block), frame);
}

/* Its digest, taken by a thread while the layer is written. */
struct digesting {
	const struct whole *whole;
	char digest[DIGEST], why[WHY];
	bool good;
};

static void *
take_digest(void *arg)
{
	struct digesting *d = arg;

	d->good = whole_digest(d->whole, d->digest, d->why);
	return NULL;
}

static bool
put_frame(void *arg, const void *bytes, size_t length, uint32_t crc, char why[WHY])
{
	return growing_add(arg, bytes, length, crc, why);
}

/* Room for the header is left, and filled when the digest is known. */
static bool
put_layer(struct growing *g, const struct whole *whole, char digest[DIGEST], char why[WHY])
{
	struct digesting d = {.whole = whole};
	unsigned char header[LAYER_HEADER];
	bool threaded, good;
	pthread_t thread;

	if (!growing_gap(g, sizeof(header), why))
		return false;
	threaded = pthread_create(&thread, NULL, take_digest, &d) == 0;
	good = compose_write(whole->compose, put_frame, g, why);
	if (threaded)
		pthread_join(thread, NULL);
	else
		take_digest(&d);
	if (!good || !d.good)
		return good ? fail(why, "%.190s", d.why) : false;
	memcpy(digest, d.digest, DIGEST);
	make_layer_header(digest, compose_size(whole->compose), header);
	return growing_fill(g, header, why);
}

static char *
read_reference(const char *key)
{
	char *path = run_file(key, OF_REF), *line = first_line(path);

	if (line == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	free(path);
	return line;
}

/* --- The two files */

/* What publish-machine need not read again. */
struct written {
	char sha256[SHA256_HEX + 1];
	uint64_t size;
};

static struct growing *
create(const char *path, mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot make '%s'", path);
	return growing_new(fd);
}

static bool
finish(struct growing *g, bool good, struct written *w, char why[WHY])
{
	w->size = growing_size(g);
	return growing_end(g, good, w->sha256, why);
}

/* As machine/sidecar.c reads it. */
static bool
put_footer(struct growing *g, uint64_t assets, uint64_t manifest, char why[WHY])
{
	unsigned char footer[FOOTER] = "SMOLPACK";

	put_little(footer + 8, 1, 4);
	put_little(footer + 28, assets, 8);
	put_little(footer + 36, assets, 8);
	put_little(footer + 44, manifest, 8);
	put_little(footer + 52, growing_crc(g), 4);
	return put(g, footer, sizeof(footer), why);
}

/* about says all but the layer's digest. */
static bool
write_sidecar(const char *path, const struct whole *whole, const struct parts *p, struct subject about,
	      struct written *w, char why[WHY])
{
	struct growing *g = create(path, 0600);
	char digest[DIGEST], *manifest = NULL;
	bool good =
	    copy_part(&p->head, g, why) && put_layer(g, whole, digest, why) && copy_part(&p->tail, g, why);
	uint64_t assets = growing_size(g);

	about.layer = digest;
	good = good && (manifest = make_manifest(&about, why)) != NULL &&
	       put(g, manifest, strlen(manifest), why) && put_footer(g, assets, strlen(manifest), why);
	free(manifest);
	return finish(g, good, w, why);
}

static bool
write_launcher(const char *path, const struct parts *p, struct written *w, char why[WHY])
{
	struct growing *g = create(path, 0700);

	return finish(g, copy_part(&p->launcher, g, why), w, why);
}

static void
note_written(const char *key, const struct written *sidecar, const struct written *launcher)
{
	char *path = run_file(key, OF_WRITTEN),
	     *text = format("%s %llu\n%s %llu\n", sidecar->sha256, (unsigned long long)sidecar->size,
			    launcher->sha256, (unsigned long long)launcher->size);

	write_file(path, text, strlen(text), 0600);
	free(text);
	free(path);
}

/* REPOSITORY:ID16 of HOST:PORT/REPOSITORY:ID16; the caller frees it. */
static char *
call_it(const char *key, const char *reference)
{
	char *path = run_file(key, OF_REF), *name = format("%s\n", strchr(reference, '/') + 1);

	write_file(path, name, strlen(name), 0600);
	name[strlen(name) - 1] = '\0';
	free(path);
	return name;
}

/* What we say stands in a log. */
static void
note_outward(const char *key, const char *link)
{
	char *path = run_file(key, OF_OUTWARD);

	if (link != NULL)
		write_file(path, link, strlen(link), 0600);
	free(path);
}

static bool
write_machine(const char *key, const char *reference, const struct fetched *image, const struct whole *whole,
	      char why[WHY])
{
	char *launcher = format("%s/%s", needed("RUN"), key), *sidecar = format("%s.smolmachine", launcher),
	     *name = call_it(key, reference);
	struct written of_sidecar, of_launcher;
	struct list settings = {0};
	struct subject about;
	struct parts p;
	bool good;

	note_outward(key, compose_outward(whole->compose));
	read_settings(key, &settings);
	good = parts_open(&p, needed("PARTS"), why);
	about = (struct subject){.reference = name,
				 .image_id = value_of(&settings, "IMAGE_ID"),
				 .config = image->config_json,
				 .layer_size = compose_size(whole->compose),
				 .files = compose_files(whole->compose),
				 .settings = &settings,
				 .parts = &p};
	good = good && write_sidecar(sidecar, whole, &p, about, &of_sidecar, why) &&
	       write_launcher(launcher, &p, &of_launcher, why);
	if (good)
		note_written(key, &of_sidecar, &of_launcher);
	parts_close(&p);
	list_free(&settings);
	free(name);
	free(sidecar);
	free(launcher);
	return good;
}

static bool
pack(const char *key, char why[WHY])
{
	char *reference = read_reference(key);
	struct fetched image;
	struct whole whole;
	bool good = fetch_image(&image, reference, why) && whole_open(&whole, &image, needed("RUN"), why);

	if (good) {
		good = write_machine(key, reference, &image, &whole, why);
		whole_free(&whole);
	}
	fetch_end(&image);
	free(reference);
	return good;
}

static int
tell_possible(const char *version)
{
	struct found_parts found;
	char why[WHY];

	if (!parts_find_proved(needed("SMOLVM"), version, &found, why)) {
		puts(why);
		return EXIT_NO;
	}
	parts_forget(&found);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *version = NULL;
	char why[WHY] = "";
	int first, opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hp:")) != -1)
		if (opt == 'h')
			show_usage(USAGE);
		else if (opt == 'p')
			version = optarg;
		else
			bad_usage(USAGE);
	first = optind;
	if (argc - first != (version == NULL ? 1 : 0))
		bad_usage(USAGE);
	if (version != NULL)
		return tell_possible(version);
	supervise();
	enter_cache();
	failure_about(argv[first], "pack");
	if (!pack(argv[first], why)) {
		end_as_caught();
		die(EXIT_NO, "%s", why);
	}
	return 0;
}
