/*
 * tree.c - the names of a file tree, as layers set and remove them.
 *
 * Layers are applied in their order, the lowest first, so that at any moment the
 * tree is what an entry refers to: a hard link means the file of that moment,
 * whatever upper layers make of the name it had. A removal in a layer concerns
 * lower layers only, wherever in its layer it stands; "touched" tells them apart.
 *
 * Names are found by a hash of folder and name and compared in full: two paths
 * are never taken for one.
 */
#include <stdlib.h>
#include <string.h>

#include "image/tree.h"

enum {
	NODES_MAX = 10000000, /* about a gigabyte: no image is like that, an attack may be */
	LINKS_MAX = 40,       /* on the way to one file, as Linux has it */
};

static struct node **
bucket_of(const struct tree *t, const struct node *parent, const char *name, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uintptr_t)parent >> 4;

	while (length-- > 0)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3u;
	return &t->bucket[(h ^ h >> 32) & (t->buckets - 1)];
}

static void
grow(struct tree *t)
{
	struct tree larger = {.buckets = t->buckets ? t->buckets * 2 : 1024};
	struct node *n, *chain;

	larger.bucket = xmalloc(larger.buckets * sizeof(struct node *));
	memset(larger.bucket, 0, larger.buckets * sizeof(struct node *));
	for (size_t i = 0; i < t->buckets; i++)
		for (n = t->bucket[i]; n != NULL; n = chain) {
			struct node **to = bucket_of(&larger, n->parent, n->name, strlen(n->name));

			chain = n->chain;
			n->chain = *to;
			*to = n;
		}
	free(t->bucket);
	t->bucket = larger.bucket;
	t->buckets = larger.buckets;
}

static struct node *
find(const struct tree *t, const struct node *parent, const char *name, size_t length)
{
	struct node *n = *bucket_of(t, parent, name, length);

	while (n != NULL &&
	       (n->parent != parent || strncmp(n->name, name, length) != 0 || n->name[length] != '\0'))
		n = n->chain;
	return n;
}

/* A folder that nobody has described yet; NULL where there are too many. */
static struct node *
add(struct tree *t, struct node *parent, const char *name, size_t length, char why[WHY])
{
	struct node *n, **bucket;

	if (t->nodes == NODES_MAX) {
		fail(why, "the image has too many paths");
		return NULL;
	}
	if (++t->nodes > t->buckets)
		grow(t);
	n = xmalloc(sizeof(*n) + length + 1);
	*n = (struct node){.parent = parent, .previous = parent->last, .folder = true};
	memcpy(n->name, name, length);
	n->name[length] = '\0';
	*(parent->last != NULL ? &parent->last->next : &parent->first) = n;
	parent->last = n;
	bucket = bucket_of(t, parent, name, length);
	n->chain = *bucket;
	*bucket = n;
	return n;
}

static void
set_file(struct node *n, struct file *f)
{
	struct file *old = n->file;

	if (f != NULL)
		f->names++;
	n->file = f;
	if (old != NULL && --old->names == 0) {
		free(old->target);
		free(old);
	}
}

static void release_all(struct tree *t, struct node *folder);

/* Neither its folder nor anything else knows it any more. */
static void
release(struct tree *t, struct node *n)
{
	struct node **at = bucket_of(t, n->parent, n->name, strlen(n->name));

	release_all(t, n);
	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	set_file(n, NULL);
	free(n);
	t->nodes--;
}

static void
release_all(struct tree *t, struct node *folder)
{
	struct node *next;

	for (struct node *n = folder->first; n != NULL; n = next) {
		next = n->next;
		release(t, n);
	}
	folder->first = folder->last = NULL;
}

static void
discard(struct tree *t, struct node *n)
{
	*(n->previous != NULL ? &n->previous->next : &n->parent->first) = n->next;
	*(n->next != NULL ? &n->next->previous : &n->parent->last) = n->previous;
	release(t, n);
}

void
tree_init(struct tree *t)
{
	*t = (struct tree){.root = xmalloc(sizeof(*t->root) + 1)};
	*t->root = (struct node){.folder = true};
	t->root->name[0] = '\0';
	grow(t);
}

void
tree_free(struct tree *t)
{
	release_all(t, t->root);
	set_file(t->root, NULL);
	free(t->root);
	free(t->bucket);
}

/* Makes it what it was not: a folder without description, or a file without anything below. */
static void
set_kind(struct tree *t, struct node *n, bool folder)
{
	if (n->folder == folder)
		return;
	release_all(t, n);
	set_file(n, NULL);
	n->folder = folder;
}

/* A path on its way: what is left of it, of which the last own bytes are the entry's, the rest links'. */
struct walk {
	char rest[2 * PATH_ROOM];
	size_t own;
	int links;
};

/* A link that this layer has made: the engine follows it; those of lower layers it does not see. */
static bool
is_link(const struct node *n, uint32_t layer)
{
	return n != NULL && n->file != NULL && n->file->target != NULL && n->touched == layer;
}

/* The link's target takes its place in the path; at: what comes behind it there. */
static bool
follow(struct walk *w, const struct node *link, const char *at, char why[WHY])
{
	const char *target = link->file->target;
	size_t left = strlen(at), length = strlen(target);

	if (++w->links > LINKS_MAX || length + left + 2 > sizeof(w->rest))
		return fail(why, "too many levels of links at '%.100s'", link->name);
	w->own = left < w->own ? left : w->own;
	memmove(w->rest + length + 1, at, left + 1);
	memcpy(w->rest, target, length);
	w->rest[length] = '/';
	return true;
}

/*
 * A folder that this layer needs and no layer describes: the kernel gives it the set-group-ID bit of the one
 * that it is made in. The root is the engine's own, whatever a layer says of it.
 */
static void
inherit(struct node *n, uint32_t layer)
{
	const struct node *up = n->parent;

	if (n->file == NULL && up != NULL)
		n->setgid = up->parent != NULL && up->setgid == layer + 1 ? layer + 1 : 0;
}

struct node *
tree_reach(struct tree *t, const char *path, const char **base, uint32_t layer, bool make, char why[WHY])
{
	struct node *n = t->root, *child;
	char *slash = strrchr(path, '/'), *at;
	struct walk w;

	*why = '\0';
	*base = slash != NULL ? slash + 1 : path;
	w.links = 0;
	w.own = (size_t)(*base - path);
	memcpy(w.rest, path, w.own);
	w.rest[w.own] = '\0';
	if (make)
		n->touched = layer;
	for (at = w.rest; *at != '\0';) {
		size_t length = strcspn(at, "/"), left = strlen(at);
		bool own = left <= w.own, fresh;

		if (length == 0 || strncmp(at, ".", length) == 0) {
			at += length + (at[length] == '/');
			continue;
		}
		if (length == 2 && strncmp(at, "..", 2) == 0)
			child = n->parent != NULL ? n->parent : n;
		else
			child = find(t, n, at, length);
		if (is_link(child, layer)) {
			if (!follow(&w, child, at + length + (at[length] == '/'), why))
				return NULL;
			at = w.rest;
			n = *child->file->target == '/' ? t->root : n;
			continue;
		}
		if (child != NULL && !child->folder && (child->touched == layer || !own)) {
			fail(why, "'%.100s' is below '%.60s', which is no folder", path, child->name);
			return NULL;
		}
		if (child == NULL && !own) {
			fail(why, "'%.100s' is below a link that leads nowhere", path);
			return NULL;
		}
		fresh = child == NULL || child->touched != layer;
		if (make && child == NULL && (child = add(t, n, at, length, why)) == NULL)
			return NULL;
		if (make) {
			set_kind(t, child, true);
			if (fresh)
				inherit(child, layer);
			child->touched = layer;
		}
		if (child == NULL || !child->folder)
			return NULL;
		n = child;
		at += length + (at[length] == '/');
	}
	return n;
}

struct node *
tree_find(const struct tree *t, struct node *folder, const char *name)
{
	return *name == '\0' ? folder : find(t, folder, name, strlen(name));
}

struct node *
tree_put(struct tree *t, struct node *folder, const char *name, bool is_folder, uint32_t layer, char why[WHY])
{
	struct node *n = tree_find(t, folder, name);

	if (n == NULL && (n = add(t, folder, name, strlen(name), why)) == NULL)
		return NULL;
	n->touched = layer;
	set_kind(t, n, is_folder);
	return n;
}

void
tree_describe(struct node *n, off_t header, const char *target, uint32_t layer, uint32_t entry)
{
	struct file *f = xmalloc(sizeof(*f));

	*f = (struct file){
	    .header = header, .layer = layer, .entry = entry, .target = target ? xstrdup(target) : NULL};
	set_file(n, f);
	n->layer = layer;
	n->entry = entry;
}

struct node *
tree_link(struct tree *t, const char *path, const struct node *target, uint32_t layer, uint32_t entry,
	  char why[WHY])
{
	struct node holder = {.file = NULL}, *folder, *n = NULL;
	const char *base;

	/* the new name may take the place of the old one, or of a folder above it */
	set_file(&holder, target->file);
	folder = tree_reach(t, path, &base, layer, true, why);
	if (folder != NULL)
		n = tree_put(t, folder, base, false, layer, why);
	if (n != NULL) {
		set_file(n, holder.file);
		n->layer = layer;
		n->entry = entry;
	}
	set_file(&holder, NULL);
	return n;
}

void
tree_hide(struct tree *t, struct node *folder, uint32_t layer)
{
	struct node *next;

	for (struct node *n = folder->first; n != NULL; n = next) {
		next = n->next;
		tree_remove(t, n, layer);
	}
}

void
tree_remove(struct tree *t, struct node *n, uint32_t layer)
{
	if (n->touched < layer) {
		discard(t, n);
	} else if (n->folder) {
		if (n->file != NULL && n->file->layer < layer)
			set_file(n, NULL);
		tree_hide(t, n, layer);
	}
}

struct node *
tree_after(const struct node *n)
{
	if (n->first != NULL)
		return n->first;
	while (n != NULL && n->next == NULL)
		n = n->parent;
	return n != NULL ? n->next : NULL;
}

void
tree_path(const struct node *n, char path[PATH_ROOM])
{
	size_t end = 0;

	for (const struct node *up = n; up->parent != NULL; up = up->parent)
		end += strlen(up->name) + 1;
	path[end > 0 ? end - 1 : 0] = '\0';
	for (; n->parent != NULL; n = n->parent) {
		size_t length = strlen(n->name);

		end -= length + 1;
		memcpy(path + end, n->name, length);
		if (end > 0)
			path[end - 1] = '/';
	}
}
