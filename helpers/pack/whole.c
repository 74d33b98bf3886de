/* whole.c - the layers of a served image, made one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/pour.h"
#include "pack/whole.h"
#include "registry/framed.h"
#include "registry/store.h"

/* The layer behind those that are in the spool already. */
static bool
fetch_into(struct fetched *f, size_t layer, int fd, struct blob *b, char why[WHY])
{
	unsigned char start[MAGIC];
	size_t n;

	*b = (struct blob){.offset = lseek(fd, 0, SEEK_END), .size = f->layer[layer].size};
	memcpy(b->digest, f->layer[layer].digest, DIGEST);
	if (!fetch_layer(f, layer, into_file, &fd, why))
		return false;
	n = b->size < MAGIC ? (size_t)b->size : MAGIC;
	return (read_at(fd, start, n, b->offset) && tell_coding(start, n, &b->coding)) ||
	       fail(why, "layer %zu of %.19s... is none", layer + 1, f->config);
}

/* An export of the one image, in its own words, into which nothing has come yet. */
static bool
begin_export(struct export *e, const struct fetched *f, const char *folder, char why[WHY])
{
	struct image *m = xmalloc(sizeof(*m));

	*e = (struct export){.spool = unlinked_file(folder), .images = 1, .image = m};
	*m = (struct image){.config_json = xstrdup(f->config_json), .layers = f->layers};
	memcpy(m->id, f->config, DIGEST);
	m->layer = xmalloc((m->layers + 1) * sizeof(*m->layer));
	memset(m->layer, 0, (m->layers + 1) * sizeof(*m->layer));
	return (e->spool >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder)) &&
	       read_diff_ids(m, why);
}

static bool
make_layer(struct export *e, struct fetched *f, size_t layer, struct framed *framed, char why[WHY])
{
	struct image *m = e->image;
	struct blob *b = &m->layer[layer];
	char reason[WHY];

	if (!fetch_into(f, layer, e->spool, b, why) || !verify_layer(e, m, layer, why))
		return false;
	return framed_make(m->diff_id[layer], e->spool, b->offset, b->size, b->coding, framed, reason) ||
	       fail(why, "layer %zu of %.19s...: %.140s", layer + 1, m->id, reason);
}

static bool
open_layers(struct whole *w, struct export *e, struct fetched *f, char why[WHY])
{
	for (; w->layers < f->layers; w->layers++)
		if (!framed_find(e->image->diff_id[w->layers], &w->layer[w->layers]) &&
		    !make_layer(e, f, w->layers, &w->layer[w->layers], why))
			return false;
	return true;
}

bool
whole_open(struct whole *w, struct fetched *f, const char *folder, char why[WHY])
{
	struct export e;

	*w = (struct whole){.layer = xmalloc((f->layers + 1) * sizeof(*w->layer))};
	if (begin_export(&e, f, folder, why) && open_layers(w, &e, f, why))
		w->compose = compose_open(w->layer, w->layers, f->config, folder, why);
	w->diff_id = e.image->diff_id;
	e.image->diff_id = NULL;
	free_export(&e);
	if (w->compose != NULL)
		return true;
	whole_free(w);
	return false;
}

static bool
find_beginning(void *whole, size_t layers, unsigned char state[HASH_STATE])
{
	const struct whole *w = whole;

	return framed_beginning(w->diff_id, layers, state);
}

static void
keep_beginning(void *whole, size_t layers, const unsigned char state[HASH_STATE])
{
	const struct whole *w = whole;

	framed_keep_beginning(w->diff_id, layers, state);
}

bool
whole_digest(const struct whole *w, char digest[DIGEST], char why[WHY])
{
	const struct beginnings known = {find_beginning, keep_beginning, (void *)w},
				none = {NULL, NULL, NULL};

	return compose_digest(w->compose, store_most() > 0 ? &known : &none, digest, why);
}

void
whole_free(struct whole *w)
{
	compose_free(w->compose);
	for (size_t i = 0; i < w->layers; i++)
		frames_close(&w->layer[i]);
	free(w->layer);
	free(w->diff_id);
	*w = (struct whole){.layers = 0};
}
