/*
 * pack-image - makes the machine KEY of an image without starting one: launcher and sidecar, as smolvm's `pack create` writes them.
 *
 * The image is what $REGISTRY serves, the rest are the parts of the installed smolvm (PARTS, pack/parts.h). One stream, written
 * once: the agent's root filesystem, one layer, the disk template, the manifest, the footer.
 * Of an image that with-registry serves as one layer already (<key>.served says how long it is) the frame is copied as it comes.
 * The same image, smolvm and options give the same bytes. What the machine is called has no port of a registry in it, so
 * <key>.ref becomes <repository>:<id16>.
 * Exit: 0 packed; 1 the image or a part is not what it should be; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/encode.h"
#include "image/header.h"
#include "image/pour.h"
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

struct sidecar_out {
	int fd;
	uint32_t crc; /* of all that was written */
	uint64_t size;
};

static bool
put(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct sidecar_out *o = arg;

	o->crc = (uint32_t)crc32(o->crc, bytes, (uInt)size);
	o->size += size;
	return write_all(o->fd, bytes, size) || fail_errno(why, "cannot write the machine");
}

/* What passes, with its CRC-32. */
struct watched {
	decoder_sink sink;
	void *arg;
	uint32_t crc;
};

static bool
watch(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct watched *w = arg;

	w->crc = (uint32_t)crc32(w->crc, bytes, (uInt)size);
	return w->sink(w->arg, bytes, size, why);
}

/* A kept part, which a disk may have spoilt meanwhile. */
static bool
copy_part(const struct part *p, decoder_sink sink, void *arg, char why[WHY])
{
	struct watched w = {sink, arg, (uint32_t)crc32(0, NULL, 0)};

	if (!pour(p->fd, 0, p->size, watch, &w, why))
		return false;
	if (w.crc == p->crc)
		return true;
	parts_discard(needed("PARTS"));
	return fail(why, "'%.100s' was damaged and is removed; run make again", needed("PARTS"));
}

/* The folder of layers, and the header of the one in it, as a small frame of its own. */
static bool
put_layer_header(struct sidecar_out *o, const char *digest, uint64_t size, char why[WHY])
{
	char block[2 * TAR_BLOCK], frame[1024], *name = format("layers/%s.tar", digest_digits(digest));
	size_t length;

	gnu_header(block, "layers/", S_IFDIR | 0755, 0);
	gnu_header(block + TAR_BLOCK, name, S_IFREG | 0644, size);
	free(name);
	length = encode_small(block, sizeof(block), frame, sizeof(frame));
	return put(o, frame, length, why);
}

/* --- The image */

struct source {
	struct fetched image;
	struct whole whole; /* where it has several layers, or is served as it was pushed */
};

/* "CONFIG MANIFEST LAYER-BYTES FILE-BYTES": false where it is not served as one layer, of which the last two tell. */
static bool
read_served(const char *key, struct whole *w)
{
	char *path = run_file(key, OF_SERVED), *line = first_line(path);
	const char *sizes = line ? strchr(line, ' ') : NULL;
	char *end = NULL;
	bool whole;

	*w = (struct whole){.fd = -1};
	sizes = sizes ? strchr(sizes + 1, ' ') : NULL; /* behind both digests */
	whole = sizes != NULL;
	if (whole) {
		w->size = strtoull(sizes, &end, 10);
		w->files = strtoull(end, NULL, 10);
	}
	free(line);
	free(path);
	return whole;
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

static bool
open_source(struct source *s, const char *key, const char *reference, char why[WHY])
{
	if (!fetch_image(&s->image, reference, why))
		return false;
	if (!read_served(key, &s->whole))
		return whole_flatten(&s->whole, &s->image, needed("RUN"), why);
	if (s->image.layers != 1)
		return fail(why, "it is served as %zu layers where one was made", s->image.layers);
	return config_layer(s->image.config_json, s->whole.digest, why);
}

static bool
put_layer(struct sidecar_out *o, struct source *s, char why[WHY])
{
	return s->whole.fd >= 0 ? pour(s->whole.fd, 0, s->whole.length, put, o, why)
				: fetch_layer(&s->image, 0, put, o, why);
}

/* --- The two files */

static int
create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot make '%s'", path);
	return fd;
}

/* As machine/sidecar.c reads it. */
static bool
put_footer(struct sidecar_out *o, uint64_t assets, uint64_t manifest, char why[WHY])
{
	unsigned char footer[FOOTER] = "SMOLPACK";

	put_little(footer + 8, 1, 4);
	put_little(footer + 28, assets, 8);
	put_little(footer + 36, assets, 8);
	put_little(footer + 44, manifest, 8);
	put_little(footer + 52, o->crc, 4);
	return put(o, footer, sizeof(footer), why);
}

static bool
write_sidecar(const char *path, struct source *s, const struct parts *p, struct subject *about, char why[WHY])
{
	struct sidecar_out o = {.fd = create(path, 0600), .crc = (uint32_t)crc32(0, NULL, 0)};
	uint64_t assets;
	char *manifest = make_manifest(about, why);
	bool good = manifest != NULL && copy_part(&p->head, put, &o, why) &&
		    put_layer_header(&o, s->whole.digest, s->whole.size, why) && put_layer(&o, s, why) &&
		    copy_part(&p->tail, put, &o, why);

	assets = o.size;
	good =
	    good && put(&o, manifest, strlen(manifest), why) && put_footer(&o, assets, strlen(manifest), why);
	free(manifest);
	if (close(o.fd) != 0 && good)
		good = fail_errno(why, "cannot write the machine");
	return good;
}

static bool
write_launcher(const char *path, const struct parts *p, char why[WHY])
{
	int fd = create(path, 0700);
	bool good = copy_part(&p->launcher, into_file, &fd, why);

	return (close(fd) == 0 || fail_errno(why, "cannot write the launcher")) && good;
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

static bool
pack(const char *key, char why[WHY])
{
	char *reference = read_reference(key), *launcher = format("%s/%s", needed("RUN"), key),
	     *sidecar = format("%s.smolmachine", launcher), *name;
	struct list settings = {0};
	struct source s = {.whole.fd = -1};
	struct subject about;
	struct parts p;
	bool good;

	read_settings(key, &settings);
	if (!parts_open(&p, needed("PARTS"), why))
		return false;
	good = open_source(&s, key, reference, why);
	if (s.whole.outward != NULL) {
		char *path = run_file(key, OF_OUTWARD); /* what we say stands in a log */

		write_file(path, s.whole.outward, strlen(s.whole.outward), 0600);
		free(path);
	}
	name = call_it(key, reference);
	about = (struct subject){.reference = name,
				 .image_id = value_of(&settings, "IMAGE_ID"),
				 .config = s.image.config_json,
				 .layer = s.whole.digest,
				 .layer_size = s.whole.size,
				 .files = s.whole.files,
				 .settings = &settings,
				 .parts = &p};
	good = good && write_sidecar(sidecar, &s, &p, &about, why) && write_launcher(launcher, &p, why);
	whole_free(&s.whole);
	fetch_end(&s.image);
	parts_close(&p);
	list_free(&settings);
	free(name);
	free(sidecar);
	free(launcher);
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
