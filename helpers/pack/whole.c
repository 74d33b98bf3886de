/* whole.c - the layers of a served image, made one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/pour.h"
#include "pack/whole.h"

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

/* An export of the one image, in its own words. */
static bool
fetch_export(struct export *e, struct fetched *f, const char *folder, char why[WHY])
{
	struct image *m = xmalloc(sizeof(*m));
	bool good;

	*e = (struct export){.spool = unlinked_file(folder), .images = 1, .image = m};
	*m = (struct image){.config_json = xstrdup(f->config_json), .layers = f->layers};
	memcpy(m->id, f->config, DIGEST);
	m->layer = xmalloc((m->layers + 1) * sizeof(*m->layer));
	good = e->spool >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);
	good = good && read_diff_ids(m, why);
	for (size_t i = 0; good && i < m->layers; i++)
		good = fetch_into(f, i, e->spool, &m->layer[i], why);
	if (!good)
		free_export(e);
	return good;
}

static bool
compress_flat(struct whole *w, struct flat *f, char why[WHY])
{
	struct recoded *r = NULL;
	bool good;

	flat_for_artifact(f);
	if (!flat_measure(f, &w->size, why))
		return false;
	w->files = flat_files(f);
	if (flat_outward(f) != NULL)
		w->outward = xstrdup(flat_outward(f));
	good = recoder_flat(&w->recoder, f, w->size, &r, w->digest, why);
	recoder_finish(&w->recoder);
	if (r == NULL)
		return false;
	if (!r->good && *r->why)
		return fail(why, "%.190s", r->why);
	if (!good || !r->good)
		return false;
	w->fd = r->fd;
	w->length = r->length;
	return true;
}

bool
whole_flatten(struct whole *w, struct fetched *f, const char *folder, char why[WHY])
{
	struct flat *flat;
	bool good;

	*w = (struct whole){.fd = -1};
	if (!fetch_export(&w->export, f, folder, why))
		return false;
	recoder_start(&w->recoder, folder, ZSTD, 0, &w->export);
	flat = flat_open(&w->export, w->export.image, folder, why);
	good = flat != NULL && compress_flat(w, flat, why);
	if (flat != NULL)
		flat_free(flat);
	if (!good)
		whole_free(w);
	return good;
}

void
whole_free(struct whole *w)
{
	if (w->export.images == 0)
		return;
	recoder_free(&w->recoder);
	free_export(&w->export);
	free(w->outward);
	*w = (struct whole){.fd = -1};
}
