/*
 * manifest.c - the manifests of a push: an image of the catalog becomes complete.
 *
 * An image is complete when its manifest comes: the config that it names is the one that was ordered, and is here; its
 * layers are here, in the form that is wanted, and each is what the config says. A manifest of ours is made of that; the
 * pushed one is only remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "registry/intake.h"

enum { PUSHED_MAX = 64 /* manifests for each image that was ordered */ };

static const char *
digest_of(json_t *descriptor)
{
	const char *digest = json_string_value(json_object_get(descriptor, "digest"));

	return is_digest(digest) ? digest : NULL;
}

/* The place in the catalog that was ordered for such a config in this repository, -1. */
static ssize_t
find_order(const struct intake *in, const struct target *r, const char *config)
{
	for (size_t i = 0; config != NULL && i < in->catalog->images; i++)
		if (strcmp(in->order[i].name.path, r->name) == 0 && strcmp(in->order[i].id, config) == 0 &&
		    (r->by_digest || strcmp(in->order[i].name.tag, r->reference) == 0))
			return (ssize_t)i;
	return -1;
}

/* NULL: why says what is wrong. The caller decrefs. */
static json_t *
read_config(const struct kept *k, char why[WHY])
{
	char reason[WHY], *text;
	json_t *root = NULL;

	if (k->size > CONFIG_MAX) {
		fail(why, "the config is too large: %llu bytes where %d are taken",
		     (unsigned long long)k->size, CONFIG_MAX);
		return NULL;
	}
	text = xmalloc((size_t)k->size);
	if (!read_at(k->fd, text, (size_t)k->size, 0))
		fail_errno(why, "the config cannot be read");
	else if ((root = read_json(text, (size_t)k->size, reason)) == NULL)
		fail(why, "the config is not JSON: %.150s", reason);
	free(text);
	return root;
}

static enum taken
take_layers(struct intake *in, struct served *s, json_t *layers, json_t *diff_ids, char why[WHY])
{
	size_t count = json_array_size(layers);

	if (count == 0 || count != json_array_size(diff_ids)) {
		fail(why, "the manifest has %zu layers, the config %zu", count, json_array_size(diff_ids));
		return WRONG_CONTENT;
	}
	catalog_layers(s, count);
	for (size_t i = 0; i < count; i++) {
		const char *digest = digest_of(json_array_get(layers, i)),
			   *diff_id = json_string_value(json_array_get(diff_ids, i));
		struct kept *k = digest ? intake_find(in, digest) : NULL;
		struct recoded r;

		if (k == NULL) {
			fail(why, "layer %zu, %.19s..., was not pushed", i + 1,
			     digest ? digest : "without a digest");
			return BLOB_MISSING;
		}
		if (diff_id == NULL || strcmp(k->diff_id, diff_id) != 0) {
			fail(why, "layer %zu, %.19s..., is not what the config says", i + 1, digest);
			store_forget(digest); /* or no push of it would ever be right again */
			return WRONG_CONTENT;
		}
		r = (struct recoded){.coding = k->coding, .fd = k->fd, .length = k->size};
		memcpy(r.digest, k->digest, DIGEST);
		catalog_layer(&s->layer[i], &r);
	}
	return TAKEN;
}

/* The image's place in the catalog is filled, once. */
static enum taken
complete(struct intake *in, struct served *s, const char *config, json_t *layers, char why[WHY])
{
	const struct kept *k = intake_find(in, config);
	json_t *root;
	enum taken how;

	if (atomic_load(&s->ready))
		return TAKEN;
	if (k == NULL) {
		fail(why, "the config was not pushed");
		return BLOB_MISSING;
	}
	s->config = (struct content){.type = TYPE_CONFIG, .fd = k->fd, .size = k->size};
	memcpy(s->config.digest, k->digest, DIGEST);
	root = read_config(k, why);
	if (root == NULL)
		return WRONG_CONTENT;
	how = take_layers(in, s, layers, json_object_get(json_object_get(root, "rootfs"), "diff_ids"), why);
	json_decref(root);
	if (how == TAKEN && !catalog_manifest(in->catalog, s, why))
		how = NO_ROOM;
	if (how != TAKEN) {
		free(s->layer);
		s->layer = NULL;
		s->layers = 0;
	}
	return how;
}

/* An index is pushed under a tag when the image that was ordered is one of those that it lists. */
static bool
lists_ordered(const struct intake *in, const struct target *r, json_t *manifests)
{
	json_t *item;
	size_t i;

	json_array_foreach(manifests, i, item)
	{
		const char *digest = digest_of(item);

		for (size_t k = 0; digest != NULL && k < in->manifests; k++) {
			const struct pushed *p = &in->pushed[k];

			if (strcmp(p->content.digest, digest) == 0 && strcmp(p->repository, r->name) == 0 &&
			    catalog_find(in->catalog, r) != NULL)
				return true;
		}
	}
	return false;
}

static enum taken
judge(struct intake *in, const struct target *r, json_t *root, char why[WHY])
{
	const char *config = digest_of(json_object_get(root, "config"));
	json_t *manifests = json_object_get(root, "manifests");
	ssize_t i = find_order(in, r, config);

	if (i >= 0)
		return complete(in, &in->catalog->image[i], config, json_object_get(root, "layers"), why);
	if (root == NULL || (config == NULL && !json_is_array(manifests))) {
		fail(why, "it is no manifest");
		return WRONG_CONTENT;
	}
	/* What goes with an image may come too, attestations for one: it is never served under a tag. */
	if (r->by_digest || lists_ordered(in, r, manifests))
		return TAKEN;
	fail(why, "only the image that is being packed is taken, config %.19s... is not its own",
	     config ? config : "none");
	return NOT_WANTED;
}

/* The type is a stranger's; those that are known stand for all. */
static const char *
known_type(const char *type)
{
	static const char *const known[] = {
	    TYPE_MANIFEST,
	    "application/vnd.oci.image.index.v1+json",
	    "application/vnd.docker.distribution.manifest.v2+json",
	    "application/vnd.docker.distribution.manifest.list.v2+json",
	};

	for (size_t i = 0; type != NULL && i < LENGTH(known); i++)
		if (strcmp(type, known[i]) == 0)
			return known[i];
	return TYPE_MANIFEST;
}

static const struct pushed *
find_pushed(const struct intake *in, const char *repository, const char *digest)
{
	for (size_t i = 0; i < in->manifests; i++)
		if (strcmp(in->pushed[i].repository, repository) == 0 &&
		    strcmp(in->pushed[i].content.digest, digest) == 0)
			return &in->pushed[i];
	return NULL;
}

static enum taken
remember(struct intake *in, const struct target *r, const char *digest, const char *type, const char *text,
	 char why[WHY])
{
	struct pushed *p;

	if (find_pushed(in, r->name, digest) != NULL)
		return TAKEN;
	if (in->manifests == PUSHED_MAX * in->catalog->images) {
		fail(why, "too many manifests");
		return NO_ROOM;
	}
	in->pushed = xrealloc(in->pushed, (in->manifests + 1) * sizeof(*in->pushed));
	p = &in->pushed[in->manifests];
	snprintf(p->repository, sizeof(p->repository), "%s", r->name);
	if (!catalog_text(in->catalog, &p->content, text, known_type(type), why))
		return NO_ROOM;
	in->manifests++;
	return TAKEN;
}

enum taken
intake_manifest(struct intake *in, const struct target *r, const char *type, const char *text, size_t size,
		char digest[DIGEST], char why[WHY])
{
	char ignored[WHY];
	enum taken how = WRONG_DIGEST;
	json_t *root;

	digest_bytes(text, size, digest);
	if (r->by_digest && strcmp(r->reference, digest) != 0) {
		fail(why, "it is %.19s...", digest);
		return how;
	}
	root = read_json(text, size, ignored);
	pthread_mutex_lock(&in->lock);
	how = judge(in, r, root, why);
	if (how == TAKEN)
		how = remember(in, r, digest, type, text, why);
	pthread_mutex_unlock(&in->lock);
	json_decref(root);
	return how;
}

bool
intake_pushed(struct intake *in, const struct target *r, struct content *content)
{
	const struct pushed *p;

	pthread_mutex_lock(&in->lock);
	p = find_pushed(in, r->name, r->reference);
	if (p != NULL)
		*content = p->content;
	pthread_mutex_unlock(&in->lock);
	return p != NULL;
}
