/* route.c - which way the images of a run get to smolvm, in which form, and why. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "machine/quirks.h"
#include "pack/parts.h"
#include "registry/store.h"
#include "route/rates.h"
#include "route/reach.h"
#include "route/route.h"
#include "run/files.h"

enum { MB = 1000000 };

struct subject {
	const struct order *order;
	uint64_t size;
	struct list diff_ids, last; /* the lowest first; of the last one that was missed */
	bool again, compressed;
};

static unsigned
tool_timeout(void)
{
	return seconds_setting("TOOL_TIMEOUT", 30);
}

/*
 * Under -k one that the engine does not know does not take the others with it: it fails by itself, on its
 * way.
 */
static void
look_at(struct subject *m)
{
	json_t *image = kept_inspection(m->order->slug), *diff_id;
	char *err = NULL;
	size_t i;

	if (image == NULL)
		image = inspect_image(needed("DOCKER"), m->order->engine_id, tool_timeout(), &err);
	if (image == NULL && *setting("KEEP_GOING") == '\0')
		die(EXIT_SYSTEM, "the engine cannot inspect '%s': %s", m->order->engine_id, err);
	json_array_foreach(json_object_get(json_object_get(image, "RootFS"), "Layers"), i, diff_id)
	{
		const char *text = json_string_value(diff_id);

		list_add(&m->diff_ids, text ? text : "");
	}
	m->size = (uint64_t)json_integer_value(json_object_get(image, "Size"));
	m->compressed = json_is_object(json_object_get(image, "Descriptor")); /* Docker's containerd store */
	m->again = store_last(m->order->name.path, &m->last);
	json_decref(image);
	free(err);
}

static const struct stock *
find_stock(const struct stock *stock, size_t count, const char *diff_id, enum coding wanted)
{
	for (size_t i = 0; i < count; i++)
		if (stock[i].coding == wanted && strcmp(stock[i].diff_id, diff_id) == 0)
			return &stock[i];
	return NULL;
}

/* Bytes of the layers that are not in stock; sizes of layers are known of those that are. */
static uint64_t
unknown_bytes(const struct subject *m, const struct stock *stock, size_t count, enum coding wanted)
{
	uint64_t known = 0;
	size_t found = 0;

	for (size_t i = 0; i < m->diff_ids.count; i++) {
		const struct stock *s = find_stock(stock, count, m->diff_ids.at[i], wanted);

		known += s ? s->plain : 0;
		found += s != NULL;
	}
	/* a tar is a little larger than what is in it */
	return found == m->diff_ids.count || known > m->size ? 0 : m->size - known;
}

/*
 * Bytes of the layers above those that the last image had too: a change is in a layer, and all above it are
 * made anew. `docker history` says the sizes, the uppermost first, with a 0 for each step that made no layer.
 */
static uint64_t
changed_bytes(const struct subject *m)
{
	char *argv[] = {
	    (char *)needed("DOCKER"),    "history", "--no-trunc", "--human=false", "--format", "{{.Size}}",
	    (char *)m->order->engine_id, NULL};
	char *out, *err, *rest = NULL;
	uint64_t bytes = 0;
	size_t same = 0, changed;

	while (same < m->diff_ids.count && same < m->last.count &&
	       strcmp(m->diff_ids.at[same], m->last.at[same]) == 0)
		same++;
	changed = m->diff_ids.count - same;
	if (capture(argv, tool_timeout(), &out, &err).code != 0)
		bytes = m->size;
	else
		for (char *line = strtok_r(out, "\n", &rest); line && changed > 0;
		     line = strtok_r(NULL, "\n", &rest)) {
			uint64_t size = strtoull(line, NULL, 10);

			bytes += size;
			changed -= size > 0;
		}
	free(out);
	free(err);
	return bytes;
}

/* Adds up what the images are. */
static void
sum_up(const struct subject *image, size_t images, enum coding wanted, struct facts *f)
{
	size_t count;
	struct stock *stock = store_stock(&count);

	f->again = true;
	for (size_t i = 0; i < images; i++) {
		f->total += image[i].size;
		f->unknown += unknown_bytes(&image[i], stock, count, wanted);
		f->again = f->again && image[i].again;
		f->compressed = image[i].compressed;
	}
	free(stock);
	if (push_time(f->unknown, f->compressed) < export_time(f->total) || !f->again)
		return; /* the rest is not asked for */
	for (size_t i = 0; i < images; i++)
		f->changed += changed_bytes(&image[i]);
}

/* Distinct images; one may be ordered under several names. */
static struct subject *
look_at_all(const struct order *order, size_t orders, size_t *images)
{
	struct subject *image = xmalloc(orders * sizeof(*image));

	*images = 0;
	for (size_t i = 0; i < orders; i++) {
		size_t k = 0;

		while (k < *images && strcmp(image[k].order->engine_id, order[i].engine_id) != 0)
			k++;
		if (k < *images)
			continue;
		image[k] = (struct subject){.order = &order[i]};
		look_at(&image[k]);
		(*images)++;
	}
	return image;
}

static unsigned long long
mb(uint64_t bytes)
{
	return (bytes + MB / 2) / MB;
}

PRINTF(3, 4)
static void
choose(struct route *r, enum source source, const char *why, ...)
{
	va_list args;

	r->source = source;
	va_start(args, why);
	vsnprintf(r->why, sizeof(r->why), why, args);
	va_end(args);
}

static void
choose_fastest(const struct facts *f, struct route *r)
{
	uint64_t whole = export_time(f->total);

	if (push_time(f->unknown, f->compressed) < whole)
		choose(r, FROM_PUSH, "%llu of %llu MB are new to the store", mb(f->unknown), mb(f->total));
	else if (f->again && push_time(f->changed, f->compressed) < whole)
		choose(r, FROM_PUSH, "%llu MB are new to the store, and %llu MB will be at the next change",
		       mb(f->unknown), mb(f->changed));
	else if (f->again)
		choose(r, FROM_EXPORT, "%llu of %llu MB are new at every change", mb(f->changed),
		       mb(f->total));
	else
		choose(r, FROM_EXPORT,
		       "%llu of %llu MB are new to the store, of an image seen for the first time",
		       mb(f->unknown), mb(f->total));
}

void
route_choose(const struct facts *f, struct route *r)
{
	r->told = strcmp(f->asked, "auto") == 0;
	if (strcmp(f->asked, "direct") == 0 || strcmp(f->asked, "archive") == 0)
		choose(r, FROM_EXPORT, "ROUTE=%s", f->asked);
	else if (f->one_layer) {
		choose(r, FROM_EXPORT, "it has to be one layer%s", r->told ? "" : ", which no push makes");
		r->told = true;
	} else if (f->named)
		choose(r, FROM_CONTAINER, "REGISTRY_IMAGE is given");
	else if (!r->told)
		choose(r, FROM_PUSH, "ROUTE=%s", f->asked);
	else if (!f->keeps)
		choose(r, FROM_EXPORT, "nothing is to be kept");
	else
		choose_fastest(f, r);
}

const char *
route_name(const struct route *r)
{
	return r->archive ? "archive" : r->source == FROM_EXPORT ? "direct" : "push";
}

static bool
has_smolfile(const struct order *order, size_t orders)
{
	bool has = false;

	for (size_t i = 0; i < orders && !has; i++) {
		char *keys = xstrdup(order[i].keys), *rest = NULL;

		for (char *key = strtok_r(keys, " ", &rest); key; key = strtok_r(NULL, " ", &rest)) {
			struct list settings = {0};

			read_settings(key, &settings);
			has = has || *value_of(&settings, "SMOLFILE") != '\0';
			list_free(&settings);
		}
		free(keys);
	}
	return has;
}

/* The folder of smolvm's parts, by which we pack without it; NULL: why says what stands against that. */
static char *
native_parts(const struct order *order, size_t orders, const char *smolvm, char why[WHY])
{
	struct found_parts found;
	char *folder = NULL;
	const char *digits = smolvm + strcspn(smolvm, "0123456789");

	if (has_smolfile(order, orders))
		fail(why, "a SMOLFILE is smolvm's to read");
	else if (strcmp(setting("SQUASH"), "0") == 0)
		fail(why, "SQUASH=0 asks for more than one layer");
	else if (parts_find_proved(needed("SMOLVM"), smolvm, &found, why)) {
		if (!parts_prepare(&found, digits, &folder, why))
			folder = NULL;
		parts_forget(&found);
	}
	return folder;
}

/* Who packs: we, where nothing stands against it, or smolvm. */
static void
choose_packer(const struct order *order, size_t orders, const char *smolvm, struct route *r)
{
	const char *pack = setting("PACK");
	char why[WHY] = "";

	if (strcmp(pack, "smolvm") == 0 || strcmp(setting("ROUTE"), "archive") == 0)
		return;
	r->parts = native_parts(order, orders, smolvm, why);
	if (r->parts == NULL && strcmp(pack, "native") == 0)
		refuse("PACK: native: %s; leave PACK out, and smolvm packs", why);
	if (r->parts == NULL) {
		step_line("PACK", "smolvm, since %s", why);
		return;
	}
	step_line("PACK", "native, without a virtual machine (PACK=smolvm: by smolvm's own)");
	r->squash = false; /* the packer makes it one layer */
	r->coding = ZSTD;
}

/* One plain layer, whatever else is asked for. */
static void
prepare_archive(const char *smolvm, int quirks, struct route *r)
{
	if (quirks & QUIRK_NO_ARCHIVE)
		refuse(
		    "ROUTE: %s takes no archive, as smolvm does from 1.29.1 on; leave ROUTE out, or give ROUTE=direct",
		    *smolvm ? smolvm : "this smolvm");
	if (strcmp(setting("SQUASH"), "0") == 0)
		refuse(
		    "SQUASH: by ROUTE=archive every image is one layer; leave SQUASH out, or give ROUTE=direct");
	r->archive = r->squash = true;
	r->coding = PLAIN;
}

/* The route that was chosen, or another where the engine cannot come by it. */
static void
check_reach(struct route *r)
{
	const char *docker = needed("DOCKER");

	if (r->source == FROM_PUSH && !engine_reaches_us(docker, tool_timeout()))
		choose(r, r->told ? FROM_EXPORT : FROM_CONTAINER, "the engine cannot push to us");
}

static bool
has_several_layers(const struct order *order, size_t orders)
{
	for (size_t i = 0; i < orders; i++)
		if (order[i].layers != 1)
			return true;
	return false;
}

static bool
keeps_layers(void)
{
	char ignored[WHY];

	return store_most() > 0 && store_open(ignored);
}

static void
remember(const struct subject *image, size_t images)
{
	for (size_t i = 0; i < images; i++)
		if (image[i].diff_ids.count > 0)
			store_set_last(image[i].order->name.path, &image[i].diff_ids);
}

void
route_decide(const struct order *order, size_t orders, const char *smolvm, struct route *r)
{
	int quirks = smolvm_quirks(smolvm);
	struct facts f = {.asked = setting("ROUTE"), .named = *setting("REGISTRY_IMAGE") != '\0'};
	struct subject *image = NULL;
	size_t images = 0;

	if (strcmp(setting("SQUASH"), "0") == 0 && (quirks & QUIRK_ONE_LAYER))
		say_line("warning: SQUASH=0: %s brings deleted files of an image with several layers back",
			 *smolvm ? smolvm : "this smolvm");
	*r = (struct route){.coding = quirks & QUIRK_GZIP ? GZIP : ZSTD, .squash = gets_one_layer(quirks)};
	if (strcmp(f.asked, "archive") == 0)
		prepare_archive(smolvm, quirks, r);
	f.one_layer = r->squash && has_several_layers(order, orders);
	choose_packer(order, orders, smolvm, r);
	if (r->parts != NULL)
		f.one_layer = false; /* the packer makes them one, whatever they come by */
	f.keeps = keeps_layers();
	if (strcmp(f.asked, "auto") == 0 && !f.named && !f.one_layer && f.keeps) {
		image = look_at_all(order, orders, &images);
		sum_up(image, images, r->coding, &f);
	}
	route_choose(&f, r);
	check_reach(r);
	if (r->parts != NULL && r->source == FROM_EXPORT)
		r->coding = PLAIN; /* nobody pulls them */
	r->early = r->source == FROM_EXPORT && r->coding == ZSTD;
	end_as_caught();
	remember(image, images);
	free(image);
	if (r->told)
		step_line("ROUTE", "%s, %s", route_name(r), r->why);
}
