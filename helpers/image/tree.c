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

enum { NODES_MAX = 10000000 }; /* about a gigabyte: no image is like that, an attack may be */

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
add(struct tree *t, struct node *parent, const char *name, size_t length)
{
	struct node *n, **bucket;

	if (t->nodes == NODES_MAX)
		return NULL;
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
	if (old != NULL && --old->names == 0)
		free(old);
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

/* The node of a clean path, or NULL. */
struct node *
tree_find(const struct tree *t, const char *path)
{
	struct node *n = t->root;

	while (n != NULL && *path != '\0') {
		size_t length = strcspn(path, "/");

		n = find(t, n, path, length);
		path += length + (path[length] == '/');
	}
	return n;
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

/*
 * The node of a clean path in this layer, made where it is not there, with the
 * folders above it. A file or link in the way of those becomes a folder: so the
 * engines' overlays have it. A folder that stays one keeps what is in it.
 * NULL: there are too many names.
 */
struct node *
tree_put(struct tree *t, const char *path, bool folder, uint32_t layer)
{
	struct node *n = t->root;

	n->touched = layer;
	while (*path != '\0') {
		size_t length = strcspn(path, "/");
		struct node *child = find(t, n, path, length);

		set_kind(t, n, true);
		n = child != NULL ? child : add(t, n, path, length);
		if (n == NULL)
			return NULL;
		n->touched = layer;
		path += length + (path[length] == '/');
	}
	set_kind(t, n, folder);
	return n;
}

/* From now on the name means what the entry at that place describes. */
void
tree_describe(struct node *n, off_t header, uint32_t layer)
{
	struct file *f = xmalloc(sizeof(*f));

	*f = (struct file){.header = header, .layer = layer};
	set_file(n, f);
}

/* One more name for the file that target names now. NULL: there are too many names. */
struct node *
tree_link(struct tree *t, const char *path, const struct node *target, uint32_t layer)
{
	struct node holder = {.file = NULL}, *n;

	set_file(&holder,
		 target->file); /* the new name may take the place of the old one, or of a folder above it */
	n = tree_put(t, path, false, layer);
	if (n != NULL)
		set_file(n, holder.file);
	set_file(&holder, NULL);
	return n;
}

/* Takes from a folder what lower layers have put there, at any depth. */
void
tree_hide(struct tree *t, struct node *folder, uint32_t layer)
{
	struct node *next;

	for (struct node *n = folder->first; n != NULL; n = next) {
		next = n->next;
		tree_remove(t, n, layer);
	}
}

/* Takes away what lower layers know by this name; what this layer itself has put there stays. */
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

/* The next node of the tree: what is in a folder comes after it and before its neighbours. NULL: that was the
 * last. */
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
