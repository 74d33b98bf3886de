/* catalog.c - the images that a registry has, and where their bytes lie. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/catalog.h"

bool
catalog_open(struct catalog *c, size_t images, const char *folder, char why[WHY])
{
	*c = (struct catalog){.images = images, .texts = unlinked_file(folder)};
	if (c->texts < 0)
		return fail_errno(why, "cannot make a file in '%.100s'", folder);
	c->image = xmalloc(images * sizeof(*c->image));
	memset(c->image, 0, images * sizeof(*c->image));
	return true;
}

void
catalog_name(struct served *s, const struct reference *r)
{
	s->name = format("%s:%s", r->path, r->tag);
	s->reference = *r;
}

void
catalog_layers(struct served *s, size_t layers)
{
	s->layers = layers;
	s->layer = xmalloc(layers * sizeof(*s->layer));
}

void
catalog_layer(struct content *layer, const struct recoded *l)
{
	static const char *const type[] = {
	    [PLAIN] = "application/vnd.oci.image.layer.v1.tar",
	    [GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
	    [ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
	};

	*layer = (struct content){.type = type[l->coding], .fd = l->fd, .offset = l->at, .size = l->length};
	memcpy(layer->digest, l->digest, DIGEST);
}

bool
catalog_text(struct catalog *c, struct content *to, const char *text, const char *type, char why[WHY])
{
	size_t size = strlen(text);

	*to = (struct content){.type = type, .fd = c->texts, .offset = c->texts_end, .size = size};
	digest_bytes(text, size, to->digest);
	if (!write_all(c->texts, text, size)) {
		fail_errno(why, "cannot keep a manifest");
		/* the next one lies there, not behind half of this */
		lseek(c->texts, c->texts_end, SEEK_SET);
		return false;
	}
	c->texts_end += (off_t)size;
	return true;
}

static json_t *
descriptor(const struct content *content)
{
	return json_pack("{s:s, s:I, s:s}", "mediaType", content->type, "size", (json_int_t)content->size,
			 "digest", content->digest);
}

bool
catalog_manifest(struct catalog *c, struct served *s, char why[WHY])
{
	json_t *layers = json_array(), *root;
	bool good;
	char *text;

	for (size_t i = 0; i < s->layers; i++)
		json_array_append_new(layers, descriptor(&s->layer[i]));
	root = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", TYPE_MANIFEST, "config",
			 descriptor(&s->config), "layers", layers);
	text = json_dumps(root, JSON_COMPACT);
	if (text == NULL)
		die(EXIT_SYSTEM, "out of memory");
	good = catalog_text(c, &s->manifest, text, TYPE_MANIFEST, why);
	atomic_store(&s->ready, good);
	for (size_t i = 0; i < c->images; i++) /* what comes from here on is another's */
		if (strcmp(c->image[i].reference.path, s->reference.path) == 0)
			atomic_store(&c->image[i].arrived, 0);
	free(text);
	json_decref(root);
	return good;
}

void
catalog_free(struct catalog *c)
{
	for (size_t i = 0; i < c->images; i++) {
		free(c->image[i].name);
		free(c->image[i].layer);
	}
	free(c->image);
	close(c->texts);
}

void
catalog_arrived(struct catalog *c, const char *repository, size_t bytes)
{
	for (size_t i = 0; i < c->images; i++)
		if (strcmp(c->image[i].reference.path, repository) == 0 && !atomic_load(&c->image[i].ready))
			atomic_fetch_add(&c->image[i].arrived, bytes);
}

bool
catalog_has(const struct catalog *c, const char *repository)
{
	for (size_t i = 0; i < c->images; i++)
		if (strcmp(c->image[i].reference.path, repository) == 0)
			return true;
	return false;
}

static const struct content *
find_blob(const struct served *s, const char *digest)
{
	if (strcmp(s->config.digest, digest) == 0)
		return &s->config;
	for (size_t i = 0; i < s->layers; i++)
		if (strcmp(s->layer[i].digest, digest) == 0)
			return &s->layer[i];
	return NULL;
}

const struct content *
catalog_find(const struct catalog *c, const struct target *r)
{
	const struct content *found = NULL;

	for (size_t i = 0; i < c->images && found == NULL; i++) {
		const struct served *s = &c->image[i];
		const char *known = r->by_digest ? s->manifest.digest : s->reference.tag;

		if (strcmp(s->reference.path, r->name) != 0 || !atomic_load(&s->ready))
			continue;
		if (r->kind == BLOB)
			found = find_blob(s, r->reference);
		else if (r->kind == MANIFEST && strcmp(known, r->reference) == 0)
			found = &s->manifest;
	}
	return found;
}

/* The first tag behind after, in the order of their bytes. */
static const char *
next_tag(const struct catalog *c, const char *repository, const char *after)
{
	const char *best = NULL;

	for (size_t i = 0; i < c->images; i++) {
		const struct reference *r = &c->image[i].reference;

		if (strcmp(r->path, repository) == 0 && atomic_load(&c->image[i].ready) &&
		    strcmp(r->tag, after) > 0 && (best == NULL || strcmp(r->tag, best) < 0))
			best = r->tag;
	}
	return best;
}

char *
catalog_tags(const struct catalog *c, const char *repository, const char *after, size_t most,
	     const char **more_after)
{
	json_t *tags = json_array(), *root;
	const char *tag = after, *next;
	char *text;

	while ((next = next_tag(c, repository, tag)) != NULL && json_array_size(tags) < most) {
		tag = next;
		json_array_append_new(tags, json_string(tag));
	}
	*more_after = next != NULL ? tag : NULL;
	root = json_pack("{s:s, s:o}", "name", repository, "tags", tags);
	text = json_dumps(root, JSON_COMPACT);
	if (text == NULL)
		die(EXIT_SYSTEM, "out of memory");
	json_decref(root);
	return text;
}
