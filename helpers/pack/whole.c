/* whole.c - the layers of a served image, made one. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/pour.h"
#include "lib/json.h"
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

static bool
read_diff_ids(struct image *m, char why[WHY])
{
	json_t *config = read_json(m->config_json, strlen(m->config_json), why),
	       *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids"), *id;
	bool good = config != NULL && json_array_size(ids) == m->layers;
	size_t i;

	if (config != NULL && !good)
		fail(why, "the config %.19s... names %zu layers, the manifest %zu", m->id,
		     json_array_size(ids), m->layers);
	if (good)
		json_array_foreach(ids, i, id) good =
		    good && (parse_digest(json_string_value(id), m->diff_id[i]) ||
			     fail(why, "the config %.19s... names a layer that is none", m->id));
	json_decref(config);
	return good;
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
	m->diff_id = xmalloc((m->layers + 1) * sizeof(*m->diff_id));
	good = e->spool >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);
	good = good && read_diff_ids(m, why);
	for (size_t i = 0; good && i < m->layers; i++)
		good = fetch_into(f, i, e->spool, &m->layer[i], why);
	if (!good)
		free_export(e);
	return good;
}

/* Written here, compressed there: a pipe is between. */
static bool
stream_flat(struct whole *w, struct flat *f, char why[WHY])
{
	struct recoded *r;
	uint64_t written;
	int ends[2];
	bool good;

	flat_for_artifact(f);
	if (!flat_measure(f, &w->size, why))
		return false;
	w->files = flat_files(f);
	if (flat_outward(f) != NULL)
		w->outward = xstrdup(flat_outward(f));
	if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		return fail_errno(why, "cannot make a pipe");
	r = recoder_stream(&w->recoder, ends[0], w->size);
	good = flat_write(f, ends[1], w->digest, &written, why);
	close(ends[1]);
	recoder_finish(&w->recoder);
	if (!r->good && *r->why)
		return fail(why, "%.190s", r->why);
	w->fd = r->fd;
	w->length = r->length;
	return good && r->good;
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
	good = flat != NULL && stream_flat(w, flat, why);
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
