/*
 * export.c - the images of an engine's export.
 *
 * An export comes in two dialects. manifest.json names the config and the layers
 * of each image: docker of every version (before 25 as <id>/layer.tar, some of
 * them links to another image's; since 25 as blobs/sha256/<hex>) and podman's
 * docker-archive. Where it is missing, index.json leads to manifests, perhaps by
 * way of more indexes: podman's oci-archive.
 *
 * All of it is a stranger's: sizes are limits before they are allocations, and
 * whatever is named by a digest is checked by it: manifests and configs here,
 * layers in layer.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/decode.h"
#include "image/members.h"
#include "lib/json.h"

enum {
	JSON_MAX = 4 << 20, /* one document; registries take no larger manifests */
	JSON_TOTAL =
	    64 << 20, /* all that is read of one export; a config, with its labels, has no other bound */
	INDEX_DEPTH = 8,
};

#define BLOBS "blobs/sha256/"

/* The digest of a blob by the rules of the OCI layout; false for a name that claims none. */
static bool
claimed(const char *name, const char *before, const char *after, char digest[DIGEST])
{
	return strncmp(name, before, strlen(before)) == 0 &&
	       digest_of_hex(name + strlen(before), after, digest);
}

/* A small member in memory, with a NUL behind it: *text is the caller's to free. */
static bool
read_document(struct export *e, const char *name, size_t most, const struct member **found, char **text,
	      char why[WHY])
{
	const struct member *m = find_member(e, name);

	*text = NULL;
	*found = m;
	if (m == NULL)
		return fail(why, "'%.100s' is missing", name);
	if (m->size > most || m->size > JSON_TOTAL - e->json_read)
		return fail(why, "'%.100s' is too large: %llu bytes where %zu are taken", name,
			    (unsigned long long)m->size, most);
	e->json_read += m->size;
	*text = xmalloc(m->size + 1);
	(*text)[m->size] = '\0';
	return read_at(e->spool, *text, m->size, m->offset) || fail_errno(why, "cannot read '%.100s'", name);
}

static json_t *
parse(const char *name, const char *text, size_t size, char why[WHY])
{
	char reason[WHY];
	json_t *root = read_json(text, size, reason);

	if (root == NULL)
		fail(why, "'%.90s' is not JSON: %.60s", name, reason);
	return root;
}

/* A document that must be what its digest says, where one is given. NULL: why says what is wrong. */
static json_t *
read_named(struct export *e, const char *name, const char *digest, char why[WHY])
{
	char is[DIGEST], *text;
	const struct member *m;
	json_t *root = NULL;

	if (read_document(e, name, JSON_MAX, &m, &text, why)) {
		if (digest != NULL)
			digest_bytes(text, m->size, is);
		if (digest != NULL && strcmp(is, digest) != 0)
			fail(why, "'%.100s' is not what its digest says", name);
		else
			root = parse(name, text, m->size, why);
	}
	free(text);
	return root;
}

/* An image without layers may have no list at all. */
static bool
take_diff_ids(struct image *m, json_t *config, char why[WHY])
{
	json_t *list = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	size_t count = json_array_size(list);

	if (count != m->layers)
		return fail(why, "its manifest lists %zu layers, its config %zu", m->layers, count);
	m->diff_id = xmalloc(count * sizeof(*m->diff_id));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!is_digest(text))
			return fail(why, "its config names layer %zu by something else than SHA-256", i + 1);
		memcpy(m->diff_id[i], text, strlen(text) + 1);
	}
	return true;
}

bool
read_diff_ids(struct image *m, char why[WHY])
{
	json_t *config = read_json(m->config_json, strlen(m->config_json), why);
	bool good = config != NULL && take_diff_ids(m, config, why);

	json_decref(config);
	return good;
}

static bool
read_config(struct export *e, struct image *m, const char *name, char why[WHY])
{
	char claim[DIGEST];
	const struct member *found;
	json_t *config;
	bool good;

	if (!read_document(e, name, JSON_TOTAL, &found, &m->config_json, why))
		return false;
	digest_bytes(m->config_json, found->size, m->id);
	if ((claimed(name, "", ".json", claim) || claimed(name, BLOBS, "", claim)) &&
	    strcmp(claim, m->id) != 0)
		return fail(why, "'%.100s' is not what its name says", name);
	m->config = (struct blob){.offset = found->offset, .size = found->size, .verified = true};
	memcpy(m->config.digest, m->id, DIGEST);
	config = parse(name, m->config_json, found->size, why);
	if (config != NULL && !json_is_object(config))
		good = fail(why, "'%.100s' is no config", name);
	else
		good = config != NULL && take_diff_ids(m, config, why);
	json_decref(config);
	return good;
}

/* The name says nothing about the coding: engines have put anything under any. */
static bool
find_coding(struct export *e, struct blob *b, char why[WHY])
{
	unsigned char magic[4];

	b->coding = PLAIN;
	if (b->size < sizeof(magic))
		return true;
	if (!read_at(e->spool, magic, sizeof(magic), b->offset))
		return fail_errno(why, "cannot read a layer");
	tell_coding(magic, sizeof(magic), &b->coding); /* plain, where that is all it can tell */
	return true;
}

static bool
place_layer(struct export *e, struct blob *b, const char *name, char why[WHY])
{
	const struct member *m = find_member(e, name);

	if (m == NULL)
		return fail(why, "its layer '%.100s' is missing", name);
	*b = (struct blob){.offset = m->offset, .size = m->size};
	claimed(m->name, BLOBS, "", b->digest);
	return find_coding(e, b, why);
}

static bool
read_image(struct export *e, struct image *m, const char *config, const struct list *layers, char why[WHY])
{
	m->layers = layers->count;
	m->layer = xmalloc(layers->count * sizeof(*m->layer));
	if (!read_config(e, m, config, why))
		return false;
	for (size_t i = 0; i < layers->count; i++)
		if (!place_layer(e, &m->layer[i], layers->at[i], why))
			return false;
	return true;
}

/* Takes the list of names as well. */
static bool
add_image(struct export *e, const char *config, struct list *layers, char why[WHY])
{
	char reason[WHY];
	struct image *m;
	bool good;

	e->image = xrealloc(e->image, (e->images + 1) * sizeof(*e->image));
	m = &e->image[e->images++];
	*m = (struct image){0};
	good = read_image(e, m, config, layers, reason) ||
	       fail(why, "image %.19s%s: %.150s", *m->id ? m->id : config, *m->id ? "..." : "", reason);
	list_free(layers);
	return good;
}

/* manifest.json: [{"Config": name, "RepoTags": ..., "Layers": [name, ...]}, ...] */
static bool
read_manifest(struct export *e, char why[WHY])
{
	json_t *root = read_named(e, "manifest.json", NULL, why), *item, *layer;
	bool good = root != NULL;
	size_t i, k;

	if (good && !json_is_array(root))
		good = fail(why, "'manifest.json' is not a list");
	json_array_foreach(root, i, item)
	{
		struct list layers = {0};

		if (!good)
			break;
		json_array_foreach(json_object_get(item, "Layers"), k, layer)
		    list_add(&layers, json_is_string(layer) ? json_string_value(layer) : "");
		good = add_image(e, json_text(item, "Config"), &layers, why);
	}
	json_decref(root);
	return good;
}

/* Of a manifest's config: anything else than these is no image but an artifact that lies beside it. */
static bool
is_image_config(json_t *config)
{
	const char *type = json_text(config, "mediaType");

	return *type == '\0' || strcmp(type, "application/vnd.oci.image.config.v1+json") == 0 ||
	       strcmp(type, "application/vnd.docker.container.image.v1+json") == 0;
}

static void
blob_name(const char *digest, char name[128])
{
	snprintf(name, 128, BLOBS "%.64s", is_digest(digest) ? digest_digits(digest) : "?");
}

static bool
add_oci_image(struct export *e, json_t *manifest, char why[WHY])
{
	json_t *config = json_object_get(manifest, "config"), *layer;
	struct list layers = {0};
	char name[128];
	size_t i;

	if (!is_image_config(config))
		return true;
	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
	{
		blob_name(json_text(layer, "digest"), name);
		list_add(&layers, name);
	}
	blob_name(json_text(config, "digest"), name);
	return add_image(e, name, &layers, why);
}

/* An attestation looks like an image: of platform unknown, and marked as being about another manifest. */
static bool
is_attestation(json_t *descriptor)
{
	return *json_text(json_object_get(descriptor, "annotations"), "vnd.docker.reference.type") != '\0' ||
	       strcmp(json_text(json_object_get(descriptor, "platform"), "architecture"), "unknown") == 0;
}

/* An index lists images of other platforms too, which the export then need not hold. */
static bool
read_index(struct export *e, json_t *index, int depth, char why[WHY])
{
	json_t *descriptor, *child;
	bool good = true;
	char name[128];
	size_t i;

	if (depth > INDEX_DEPTH)
		return fail(why, "its indexes are nested more than %d deep", INDEX_DEPTH);
	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		const char *digest = json_text(descriptor, "digest");

		blob_name(digest, name);
		if (is_attestation(descriptor) || find_member(e, name) == NULL)
			continue;
		child = read_named(e, name, digest, why);
		if (child == NULL)
			return false;
		good = json_object_get(child, "manifests") ? read_index(e, child, depth + 1, why)
							   : add_oci_image(e, child, why);
		json_decref(child);
		if (!good)
			return false;
	}
	return true;
}

static bool
read_layout(struct export *e, char why[WHY])
{
	json_t *index = read_named(e, "index.json", NULL, why);
	bool good = index != NULL && read_index(e, index, 0, why);

	json_decref(index);
	return good;
}

bool
read_export(int in, const char *folder, const struct arrivals *arrivals, struct export *e, char why[WHY])
{
	bool good;

	*e = (struct export){.spool = -1};
	good = read_members(in, folder, arrivals, e, why);
	if (good && find_member(e, "manifest.json") != NULL)
		good = read_manifest(e, why);
	else if (good && find_member(e, "index.json") != NULL)
		good = read_layout(e, why);
	else if (good)
		good = fail(why, "neither 'manifest.json' nor 'index.json' is in it: no engine's export");
	if (good && e->images == 0)
		good = fail(why, "it holds no image");
	if (!good)
		free_export(e);
	return good;
}

void
free_export(struct export *e)
{
	for (size_t i = 0; i < e->images; i++) {
		free(e->image[i].config_json);
		free(e->image[i].layer);
		free(e->image[i].diff_id);
	}
	free(e->image);
	free_members(e);
	if (e->spool >= 0)
		close(e->spool);
	*e = (struct export){.spool = -1};
}
