/*
 * intake.c - what is pushed to a registry, until an image of the catalog is complete.
 *
 * An image is complete when its manifest comes: the config that it names is the one that was
 * ordered, and is here; its layers are here, in the form that is wanted, and each is what the config says. A
 * manifest of ours is made of that; the pushed one is only remembered.
 * A blob that we have said we have stays open from then on: no eviction takes it away.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"
#include "registry/intake.h"

enum {
	SLOTS_MAX = 64,  /* uploads at once; engines do five */
	KEPT_MAX = 2048, /* each a descriptor */
	PUSHED_MAX = 64, /* manifests for each image that was ordered */
	NAME_BYTES = (UPLOAD_NAME - 1) / 2,
};

void
intake_start(struct intake *in, struct catalog *c, const struct order *order, enum coding wanted,
	     const char *folder, uint64_t most, int lines)
{
	*in = (struct intake){
	    .catalog = c, .order = order, .wanted = wanted, .folder = folder, .most = most, .lines = lines};
	pthread_mutex_init(&in->lock, NULL);
}

/* --- Blobs */

static struct kept *
find_kept(struct intake *in, const char *digest)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->kept[i].pushed, digest) == 0)
			return &in->kept[i];
	return NULL;
}

/* Its file becomes ours. */
static bool
hold(struct intake *in, const struct kept *k)
{
	if (in->count == KEPT_MAX)
		return false;
	in->kept = xrealloc(in->kept, (in->count + 1) * sizeof(*in->kept));
	in->kept[in->count++] = *k;
	return true;
}

static struct kept *
find_blob(struct intake *in, const char *digest)
{
	struct kept *known = find_kept(in, digest), k;

	if (known != NULL || in->most == 0 || !store_find(digest, in->wanted, &k))
		return known;
	if (!hold(in, &k)) {
		close(k.fd);
		return NULL;
	}
	return &in->kept[in->count - 1];
}

bool
intake_blob(struct intake *in, const char *digest, struct kept *k)
{
	struct kept *found;

	pthread_mutex_lock(&in->lock);
	found = find_blob(in, digest);
	if (found != NULL)
		*k = *found;
	pthread_mutex_unlock(&in->lock);
	return found != NULL;
}

/* --- Uploads */

/* Takes it out of the list. */
static void
remove_slot(struct intake *in, struct slot *s)
{
	struct slot **at = &in->slot;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	in->slots--;
	upload_free(s->upload);
	free(s);
}

/* Those that were asked for and never used cost little, and go first when there are too many. */
static bool
make_room(struct intake *in)
{
	struct slot *oldest = NULL;

	if (in->slots < SLOTS_MAX)
		return true;
	for (struct slot *s = in->slot; s != NULL; s = s->next)
		if (!s->busy && (oldest == NULL || s->used < oldest->used))
			oldest = s;
	if (oldest != NULL)
		remove_slot(in, oldest);
	return oldest != NULL;
}

/* Nobody can guess it, so that nobody writes to another's upload. */
static void
make_name(char name[UPLOAD_NAME])
{
	unsigned char bytes[NAME_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		die(EXIT_SYSTEM, "libcrypto has no random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
}

struct slot *
intake_upload(struct intake *in, const char *repository, uint64_t about)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&in->lock);
	if (make_room(in)) {
		s = xmalloc(sizeof(*s));
		*s = (struct slot){.next = in->slot, .busy = true, .used = now_ms()};
		make_name(s->name);
		snprintf(s->repository, sizeof(s->repository), "%s", repository);
		s->upload = upload_new(in->folder, in->wanted, about);
		in->slot = s;
		in->slots++;
	}
	pthread_mutex_unlock(&in->lock);
	return s;
}

enum taken
intake_claim(struct intake *in, const char *repository, const char *name, struct slot **slot)
{
	enum taken how = NOT_THERE;

	*slot = NULL;
	pthread_mutex_lock(&in->lock);
	for (struct slot *s = in->slot; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0 && strcmp(s->repository, repository) == 0) {
			how = s->busy ? BUSY : TAKEN;
			*slot = s->busy ? NULL : s;
			s->busy = true;
		}
	pthread_mutex_unlock(&in->lock);
	return how;
}

void
intake_release(struct intake *in, struct slot *s)
{
	pthread_mutex_lock(&in->lock);
	s->busy = false;
	s->used = now_ms();
	pthread_mutex_unlock(&in->lock);
}

void
intake_drop(struct intake *in, struct slot *s)
{
	pthread_mutex_lock(&in->lock);
	remove_slot(in, s);
	pthread_mutex_unlock(&in->lock);
}

/*
 * Only layers are worth it; and that they cannot be kept is no reason to fail. What gives way is still here
 * for this run, where it has it open.
 */
static void
keep(struct intake *in, const struct kept *k, const char *path)
{
	char why[WHY];

	if (*k->diff_id && in->most > 0 && store_add(k, path, why)) {
		store_trim(in->most);
		return;
	}
	if (*k->diff_id && in->most > 0 && !in->told) {
		say("%s; going on without", why);
		in->told = true;
	}
	unlink(path);
}

/* Digests have no character that JSON would escape. */
static void
tell(struct intake *in, const struct kept *k)
{
	char line[256];
	int n =
	    snprintf(line, sizeof(line), "{\"blob\":\"%s\",\"bytes\":%llu,\"kept\":\"%s\",\"size\":%llu}\n",
		     k->pushed, (unsigned long long)k->sent, k->digest, (unsigned long long)k->size);

	if (in->lines >= 0 && !write_all(in->lines, line, (size_t)n))
		in->lines = -1; /* nobody listens any more */
}

/* The blob has come, as k, and lies at path. */
static enum taken
arrive(struct intake *in, const struct kept *k, const char *path, char why[WHY])
{
	enum taken how = TAKEN;

	pthread_mutex_lock(&in->lock);
	if (find_kept(in, k->pushed) != NULL) { /* it came twice at once */
		unlink(path);
		close(k->fd);
	} else if (hold(in, k))
		keep(in, k, path);
	else {
		fail(why, "too many blobs");
		how = NO_ROOM;
		unlink(path);
		close(k->fd);
	}
	tell(in, k);
	pthread_mutex_unlock(&in->lock);
	return how;
}

enum taken
intake_finish(struct intake *in, struct slot *s, const char *digest, char why[WHY])
{
	enum taken how = WRONG_CONTENT;
	struct kept k;

	if (!upload_end(s->upload, &k)) {
		memcpy(why, s->upload->why, WHY);
		how = s->upload->full ? NO_ROOM : WRONG_CONTENT;
	} else {
		if (strcmp(k.pushed, digest) == 0) {
			how = arrive(in, &k, s->upload->path, why);
			free(s->upload->path);
			s->upload->path = NULL;
		} else {
			fail(why, "it is %.19s...", k.pushed);
			how = WRONG_DIGEST;
			close(k.fd);
		}
	}
	intake_drop(in, s);
	return how;
}

/* --- Manifests */

static const char *
digest_of(json_t *descriptor)
{
	const char *digest = json_string_value(json_object_get(descriptor, "digest"));
	char hex[SHA256_HEX + 1];

	return digest != NULL && strlen(digest) == DIGEST - 1 && parse_image_id(digest, hex) ? digest : NULL;
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
		struct kept *k = digest ? find_blob(in, digest) : NULL;
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
	const struct kept *k = find_blob(in, config);
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
	char hex[SHA256_HEX + 1], ignored[WHY];
	enum taken how = WRONG_DIGEST;
	json_t *root;

	sha256_hex(text, size, hex);
	snprintf(digest, DIGEST, "sha256:%s", hex);
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

void
intake_end(struct intake *in)
{
	while (in->slot != NULL)
		remove_slot(in, in->slot);
	for (size_t i = 0; i < in->count; i++)
		close(in->kept[i].fd);
	free(in->kept);
	free(in->pushed);
	pthread_mutex_destroy(&in->lock);
	store_trim(in->most);
}
