/*
 * load.c - images out of the engine into a catalog, every layer proved.
 *
 * While the export comes in, the recoder takes its layers as they arrive; what it has
 * hardly begun with by the end of it is as fast pulled as compressed (bench). Then it is known which of them
 * belong to whom, what is still to be done is, and each must be what its image's config says. Only then is a
 * manifest made.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/save.h"
#include "image/decode.h"
#include "image/flatten.h"
#include "registry/framed.h"
#include "registry/load.h"
#include "run/failure.h"
#include "run/status.h"

/*
 * Bytes: to compress less takes longer than it saves the one who pulls, and nothing hides it (bench,
 * serve-small).
 */
enum { EARLY_MIN = 8 << 20 };

enum { TELL_MS = 200 };

/* An image on its way: what it will be made of. */
struct draft {
	struct image *image;
	const struct order *order;
	struct recoded **layer;
	size_t layers;
	uint64_t plain;    /* bytes of that layer */
	char flat[DIGEST]; /* the one layer's digest, before it was compressed; "" without squash */
	bool shared;       /* the layers are those of another draft */
	bool good;
};

/* Until something comes, or is known not to. */
static void
await(int in)
{
	struct pollfd fd = {.fd = in, .events = POLLIN};

	while (poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
}

/*
 * What is to become one layer is decoded and compressed only when all of it is there; but a plain layer can be
 * hashed while the rest still comes.
 */
static void
prove_arrival(void *prover, const char *name, off_t offset, uint64_t size)
{
	struct recoder *r = prover;
	unsigned char start[MAGIC];
	size_t n = size < MAGIC ? (size_t)size : MAGIC;
	enum coding coding;

	if (size > 0 && read_at(r->export->spool, start, n, offset) && tell_coding(start, n, &coding) &&
	    coding == PLAIN)
		recoder_arrival(r, name, offset, size);
}

static void
take_proof(const struct recoded *proved, struct export *e)
{
	for (size_t i = 0; i < e->images; i++)
		for (size_t k = 0; k < e->image[i].layers; k++) {
			struct blob *b = &e->image[i].layer[k];

			if (!proved->good || b->offset != proved->offset || b->size != proved->size ||
			    strcmp(proved->diff_id, e->image[i].diff_id[k]) != 0 ||
			    (*b->digest && strcmp(proved->stored, b->digest) != 0))
				continue; /* flat_open will say what is wrong */
			memcpy(b->digest, proved->stored, DIGEST);
			b->verified = true;
		}
}

static void
tell_bytes(void *load, uint64_t so_far)
{
	struct load *l = load;
	int64_t now = now_ms();

	if (now - l->told < TELL_MS)
		return;
	l->told = now;
	status_bytes(l->keys, "EXPORT", so_far, so_far < l->expected ? l->expected : 0);
}

static bool
read_proving(struct load *l, int in, char why[WHY])
{
	struct arrivals arrivals = {.member = prove_arrival, .bytes = tell_bytes, .bytes_arg = l};
	struct recoder prover;
	bool good;

	recoder_start(&prover, l->folder, PLAIN, 0, &l->export);
	arrivals.member_arg = &prover;
	good = read_export(in, l->folder, &arrivals, &l->export, why);
	recoder_finish(&prover);
	for (size_t i = 0; good && i < prover.items; i++)
		take_proof(prover.item[i], &l->export);
	recoder_free(&prover);
	return good;
}

/* What fails here fails again where the packer tries it, who can say so. */
static void
make_frames(const struct recoded *l)
{
	char ignored[WHY];

	if (!framed_find(l->diff_id, NULL))
		framed_make(l->diff_id, l->fd, l->at, l->length, l->coding, NULL, ignored);
}

static bool
receive(struct load *l, char why[WHY])
{
	struct list ids = {0};
	int64_t start = now_ms();
	struct arrivals arrivals = {
	    .member = recoder_arrival, .member_arg = &l->recoder, .bytes = tell_bytes, .bytes_arg = l};
	struct save save;
	bool good;
	int in;

	for (size_t i = 0; i < l->orders; i++)
		if (!list_has(&ids, l->order[i].engine_id))
			list_add(&ids, l->order[i].engine_id);
	in = save_start(&save, &ids, seconds_setting("PUSH_TIMEOUT", 900));
	recoder_start(&l->recoder, l->folder, l->coding, l->early ? EARLY_MIN : 0, &l->export);
	if (l->frames)
		l->recoder.proved = make_frames;
	await(in);
	l->first_ms = now_ms() - start;
	good = l->squash ? read_proving(l, in, why) : read_export(in, l->folder, &arrivals, &l->export, why);
	if (l->early)
		recoder_hurry(&l->recoder);
	l->export_ms = now_ms() - start;
	l->bytes = good ? lseek(l->export.spool, 0, SEEK_END) : 0;
	good = save_end(&save, why) && good;
	if (!good) {
		recoder_free(&l->recoder);
		free_export(&l->export);
	}
	list_free(&ids);
	return good;
}

static struct image *
find_image(const struct load *l, const struct order *w, char why[WHY])
{
	for (size_t i = 0; i < l->export.images; i++)
		if (strcmp(l->export.image[i].id, w->id) == 0)
			return &l->export.image[i];
	fail(why, "the engine's %.19s... has no config %.19s...", w->engine_id, w->id);
	return NULL;
}

static void
want_layers(struct load *l, struct draft *d)
{
	d->layers = d->image->layers;
	d->layer = xmalloc(d->layers * sizeof(struct recoded *));
	for (size_t i = 0; i < d->layers; i++)
		d->layer[i] = recoder_want(&l->recoder, d->image->layer[i].offset, d->image->layer[i].size);
}

static bool
compress_flat(struct load *l, struct draft *d, struct flat *f, char why[WHY])
{
	if (l->for_artifact)
		flat_for_artifact(f);
	if (!flat_measure(f, &d->plain, why))
		return false;
	if (flat_outward(f) != NULL) {
		char *name = typed_names(d->order->keys);

		say_line(OUTWARD_WARNING, name, flat_outward(f));
		free(name);
	}
	return recoder_flat(&l->recoder, f, d->plain, &d->layer[0], d->flat, why);
}

static bool
want_flat(struct load *l, struct draft *d, char why[WHY])
{
	struct flat *f = flat_open(&l->export, d->image, l->folder, why);
	bool good;

	if (f == NULL)
		return false;
	d->layers = 1;
	d->layer = xmalloc(sizeof(struct recoded *));
	d->layer[0] = NULL;
	good = compress_flat(l, d, f, why);
	flat_free(f);
	return good;
}

static bool
want(struct load *l, struct draft *d, char why[WHY])
{
	if (l->squash)
		return want_flat(l, d, why);
	want_layers(l, d);
	return true;
}

static bool
check_layer(const struct draft *d, size_t i, char why[WHY])
{
	const struct image *m = d->image;
	const struct recoded *r = d->layer[i];
	const char *diff_id = *d->flat ? d->flat : m->diff_id[i],
		   *stored = *d->flat ? "" : m->layer[i].digest;

	if (!r->good)
		return fail(why, "layer %zu of %.19s...: %.140s", i + 1, m->id, r->why);
	if (strcmp(r->diff_id, diff_id) != 0)
		return fail(why, "layer %zu of %.19s...: it holds %.19s..., the config says %.19s...", i + 1,
			    m->id, r->diff_id, diff_id);
	if (*stored && strcmp(r->stored, stored) != 0)
		return fail(why, "layer %zu of %.19s...: it is %.19s..., its name says %.19s...", i + 1,
			    m->id, r->stored, stored);
	return true;
}

/* The config is the image's own, byte by byte, but for a squashed one. */
static bool
set_config(struct load *l, const struct draft *d, struct catalog *c, struct content *config, char why[WHY])
{
	char *text;
	bool good;

	if (!*d->flat) {
		*config = (struct content){.type = TYPE_CONFIG,
					   .fd = l->export.spool,
					   .offset = d->image->config.offset,
					   .size = d->image->config.size};
		memcpy(config->digest, d->image->id, DIGEST);
		return true;
	}
	text = flat_config(d->image, d->flat);
	good = catalog_text(c, config, text, TYPE_CONFIG, why);
	free(text);
	return good;
}

static bool
publish(struct load *l, const struct draft *d, struct catalog *c, struct served *s, char why[WHY])
{
	catalog_layers(s, d->layers);
	for (size_t i = 0; i < d->layers; i++) {
		if (!check_layer(d, i, why))
			return false;
		catalog_layer(&s->layer[i], d->layer[i]);
	}
	return set_config(l, d, c, &s->config, why) && catalog_manifest(c, s, why);
}

/* One image may be wanted under several names. */
static bool
make_draft(struct load *l, struct draft *draft, size_t i, char (*why)[WHY])
{
	struct image *image = find_image(l, &l->order[i], why[i]);

	if (image == NULL)
		return false;
	for (size_t k = 0; k < i; k++)
		if (draft[k].image == image) {
			draft[i] = draft[k];
			draft[i].shared = true;
			memcpy(why[i], why[k], WHY);
			return draft[i].good;
		}
	draft[i].image = image;
	draft[i].order = &l->order[i];
	return want(l, &draft[i], why[i]);
}

/* Where the one who reads a stream fails, so does the one who writes it: the former knows why. */
static void
blame_reader(const struct load *l, const struct draft *d, char why[WHY])
{
	const struct recoded *r = l->squash && d->layers > 0 ? d->layer[0] : NULL;

	if (r != NULL && *r->why)
		fail(why, "the layer of %.19s...: %.140s", d->image->id, r->why);
}

static bool
load_drafts(struct load *l, struct draft *draft, struct catalog *c, size_t first, char (*why)[WHY])
{
	bool all = true;

	for (size_t i = 0; i < l->orders; i++)
		draft[i].good = make_draft(l, draft, i, why);
	recoder_finish(&l->recoder);
	for (size_t i = 0; i < l->orders; i++) {
		if (draft[i].good)
			draft[i].good = publish(l, &draft[i], c, &c->image[first + i], why[i]);
		else
			blame_reader(l, &draft[i], why[i]);
		all = all && draft[i].good;
	}
	return all;
}

bool
load_images(struct load *l, struct catalog *c, size_t first, char (*why)[WHY])
{
	struct draft *draft = xmalloc(l->orders * sizeof(*draft));
	int64_t start = now_ms();
	bool all = false;

	memset(draft, 0, l->orders * sizeof(*draft));
	memset(why, 0, l->orders * sizeof(*why));
	l->keys = orders_keys(l->order, l->orders);
	status_begin(l->keys, "EXPORT");
	l->exported = receive(l, why[0]);
	if (l->exported)
		all = load_drafts(l, draft, c, first, why);
	status_end(l->keys);
	free(l->keys);
	for (size_t i = 0; i < l->orders; i++) {
		if (!l->exported)
			memmove(why[i], why[0], WHY);
		if (!draft[i].shared)
			free(draft[i].layer);
	}
	free(draft);
	l->remainder_ms = now_ms() - start - l->export_ms;
	return all;
}

void
load_free(struct load *l)
{
	if (!l->exported)
		return;
	recoder_free(&l->recoder);
	free_export(&l->export);
}
