/*
 * flatten.c - an image of an export as one layer.
 *
 * The headers of all layers are read, the lowest layer first, and applied to a
 * tree of names; what that ends as is the image's tree, and flat-write.c writes it.
 * So each entry means what it meant when its layer was applied: a file that only
 * an old hard link still names is in the tree as any other. Contents are not
 * looked at but to verify them, and copied once, from where they lie.
 *
 * Compressed layers are decoded, while they are verified, into a scratch file
 * without a name: decoding costs several times what copying does.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/flat.h"
#include "lib/json.h"

/* A hole of any size is a few bytes in a layer; it has to be written out, as the engine had to. */
#define SIZE_MOST (UINT64_C(1) << 40)
/* 4294967295 is nobody's: to chown() it means to leave the owner as it is. */
#define ID_MOST (INT64_C(4294967294))

/*
 * ".wh.NAME" takes NAME away, ".wh..wh..opq" all that is in its folder; whatever
 * else begins with ".wh..wh." are notes of aufs to itself.
 */
static bool
white_out(struct flat *f, const char *path, const char *base, uint32_t layer, char why[WHY])
{
	bool opaque = strcmp(base, ".wh..wh..opq") == 0;
	const char *name = base + strlen(".wh."), *found;
	struct node *folder, *n;

	if (strcmp(name, "") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(why, "'%.140s' removes nothing that can be", path);
	if (!opaque && strncmp(name, ".wh.", strlen(".wh.")) == 0)
		return true;
	folder = tree_reach(&f->tree, path, &found, layer, false, why);
	if (folder == NULL)
		return *why == '\0'; /* nothing is there, which can be removed */
	if (opaque)
		tree_hide(&f->tree, folder, layer);
	else if ((n = tree_find(&f->tree, folder, name)) != NULL)
		tree_remove(&f->tree, n, layer);
	return true;
}

bool
is_whiteout(const char *base)
{
	return strncmp(base, ".wh.", strlen(".wh.")) == 0;
}

static bool
add_link(struct flat *f, const char *path, const char *raw_target, uint32_t layer, char why[WHY])
{
	const char *base;
	char target[PATH_ROOM];
	struct node *folder, *n = NULL;

	if (clean_link(raw_target, target) &&
	    (folder = tree_reach(&f->tree, target, &base, layer, false, why)) != NULL)
		n = tree_find(&f->tree, folder, base);
	if (n == NULL || n->folder)
		return fail(why, "'%.60s' is a hard link to '%.60s', which is no file", path, raw_target);
	return tree_link(&f->tree, path, n, layer, f->entry, why) != NULL;
}

/* What no file has, or would go to another owner than the layer says. */
static bool
plausible(struct flat *f, const struct entry *e, const char *path, char why[WHY])
{
	if (e->size < 0 || (uint64_t)e->size > SIZE_MOST - f->size)
		return fail(why, "'%.100s' claims to have %lld bytes; an image may have 1 TiB together", path,
			    (long long)e->size);
	if (e->uid < 0 || e->gid < 0 || e->uid > ID_MOST || e->gid > ID_MOST)
		return fail(why, "'%.100s' claims to be of %lld:%lld", path, (long long)e->uid,
			    (long long)e->gid);
	f->size += (uint64_t)e->size;
	return true;
}

static bool
apply(struct flat *f, const struct entry_reader *r, uint32_t layer, char why[WHY])
{
	const struct entry *e = &r->entry;
	struct node *folder, *n;
	char path[PATH_ROOM];
	const char *base;

	if (!clean_path(e->path, path))
		return fail(why, "an entry has the unusable name '%.140s'", e->path);
	base = base_name(path);
	if (is_whiteout(base))
		return white_out(f, path, base, layer, why);
	if (*path == '\0' && e->type != '5')
		return fail(why, "its root is no folder");
	if (!plausible(f, e, path, why))
		return false;
	if (e->type == '1')
		return add_link(f, path, e->link, layer, why);
	folder = tree_reach(&f->tree, path, &base, layer, true, why);
	n = folder != NULL ? tree_put(&f->tree, folder, base, e->type == '5', layer, why) : NULL;
	if (n == NULL)
		return false;
	tree_describe(n, r->header, e->type == '2' ? e->link : NULL, layer, f->entry);
	n->setgid = e->type == '5' && (e->mode & 02000) != 0 ? layer + 1 : 0;
	return true;
}

bool
flat_apply(struct flat *f, size_t layer, char why[WHY])
{
	const struct place *p = &f->place[layer];
	enum found found;

	entry_reader_at(&f->reader, p->fd, p->start, p->end);
	f->reader.bare = f->content != NULL;
	for (f->entry = 0; (found = entry_next(&f->reader, why)) == ENTRY; f->entry++)
		if (!apply(f, &f->reader, (uint32_t)layer, why))
			return false;
	return found == END;
}

/* Where the layer lies as a plain tar; it is verified by then. */
static bool
place_layer(struct flat *f, struct export *e, struct image *m, size_t layer, const char *folder,
	    char why[WHY])
{
	const struct blob *b = &m->layer[layer];
	struct place *p = &f->place[layer];

	if (b->coding == PLAIN) {
		*p = (struct place){e->spool, b->offset, b->offset + (off_t)b->size};
		return verify_layer(e, m, layer, why);
	}
	if (f->scratch < 0 && (f->scratch = unlinked_file(folder)) < 0)
		return fail_errno(why, "cannot make a file in '%.100s'", folder);
	p->fd = f->scratch;
	p->start = lseek(f->scratch, 0, SEEK_CUR);
	if (!decode_layer(e, m, layer, f->scratch, why))
		return false;
	p->end = lseek(f->scratch, 0, SEEK_CUR);
	return true;
}

struct flat *
flat_new(size_t layers)
{
	struct flat *f = xmalloc(sizeof(*f));

	*f = (struct flat){.scratch = -1, .place = xmalloc((layers + 1) * sizeof(*f->place))};
	tree_init(&f->tree);
	return f;
}

struct flat *
flat_open(struct export *e, struct image *m, const char *folder, char why[WHY])
{
	struct flat *f = flat_new(m->layers);
	char reason[WHY];

	for (size_t i = 0; i < m->layers; i++) {
		bool good = place_layer(f, e, m, i, folder, why);

		if (good && !flat_apply(f, i, reason))
			good = fail(why, "layer %zu of %.19s...: %.140s", i + 1, m->id, reason);
		if (!good) {
			flat_free(f);
			return NULL;
		}
	}
	return f;
}

void
flat_free(struct flat *f)
{
	tree_free(&f->tree);
	entry_reader_free(&f->reader);
	if (f->scratch >= 0)
		close(f->scratch);
	free(f->outward);
	free(f->place);
	free(f);
}

bool
config_layer(const char *text, char digest[DIGEST], char why[WHY])
{
	json_t *config = read_json(text, strlen(text), why),
	       *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	bool good = config != NULL && json_array_size(ids) == 1 &&
		    parse_digest(json_string_value(json_array_get(ids, 0)), digest);

	if (config != NULL && !good)
		fail(why, "the config names %zu layers where it should be one", json_array_size(ids));
	json_decref(config);
	return good;
}

void
flat_for_artifact(struct flat *f)
{
	f->for_artifact = true;
}

const char *
flat_outward(const struct flat *f)
{
	return f->outward;
}

char *
flat_config(const struct image *m, const char *digest)
{
	char ignored[WHY];
	json_t *config = read_json(m->config_json, strlen(m->config_json), ignored); /* it was read before */
	json_t *created = json_object_get(config, "created");
	json_t *entry = json_pack("{s:s}", "created_by", "smolmake flatten-image");
	char *text;

	if (created != NULL)
		json_object_set(entry, "created", created);
	json_object_set_new(config, "rootfs",
			    json_pack("{s:s, s:[s]}", "type", "layers", "diff_ids", digest));
	json_object_set_new(config, "history", json_pack("[o]", entry));
	text = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	if (text == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return text;
}
