/*
 * compose.c - decides what becomes of each entry of each layer; compose-loose.c writes anew what cannot stay as it is, and
 * compose-write.c all of it.
 *
 * The tree of names (tree.h) says what the image holds. An entry stays as its layer has it where the tree has just that under just
 * that name. A folder that an upper layer describes again stays too, since the later description counts for whoever unpacks; or
 * each layer would cut a hole into those below. All else that is still wanted is loose: written anew, before or behind.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/composed.h"
#include "image/flat.h"

/* While that is decided. */
struct plan {
	struct compose *c;
	struct flat *f;
	struct node ***of; /* of each entry of each layer: the name that it gave, or NULL */
	struct node *open; /* the folder that was put last, or what was put last is in */
	struct entry_reader reader, other;
	char *why;
};

/* --- Where things stand */

static bool
is_above(const struct node *folder, const struct node *n)
{
	while (n != NULL && n != folder)
		n = n->parent;
	return n != NULL;
}

/* A folder that nothing in front of what is in it describes; those above it stand there too, then. */
static void
put_early(struct node *folder)
{
	folder->marks |= SEEN | CLOSED | AGAIN | GROUP;
	for (; folder->parent != NULL; folder = folder->parent)
		folder->marks |= EARLY;
}

/* The node is put now, behind all that was put before; mode: of a folder, as far as it is known. */
static void
stand(struct plan *p, struct node *n, unsigned mode)
{
	struct node *up = n->parent;
	bool fresh;

	for (struct node *a = up; a != NULL && a->parent != NULL && !(a->marks & SEEN); a = a->parent)
		put_early(a);
	for (struct node *o = p->open; o != NULL && !is_above(o, n); o = o->parent)
		o->marks |= CLOSED;
	fresh = !(n->marks & SEEN);
	n->marks |= SEEN;
	n->marks &= (unsigned char)~(CLOSED | AGAIN | GROUP);
	if (mode & 02000)
		n->marks |= GROUP;
	if (up != NULL && (up->marks & CLOSED) && fresh)
		up->marks |= AGAIN;
	/* GNU tar takes the mode that it has asked for to be the one that was made. */
	if (up != NULL && (up->marks & CLOSED) && (up->marks & GROUP) && fresh && n->folder)
		n->marks |= AGAIN;
	p->open = n->folder ? n : up;
}

/* --- What becomes of an entry */

static bool
same_description(const struct entry *a, const struct entry *b)
{
	bool same = a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->seconds == b->seconds &&
		    a->nanoseconds == b->nanoseconds && a->xattrs == b->xattrs;

	for (size_t i = 0; same && i < a->xattrs; i++)
		same = strcmp(a->xattr[i].name, b->xattr[i].name) == 0 &&
		       a->xattr[i].size == b->xattr[i].size &&
		       memcmp(a->xattr[i].value, b->xattr[i].value, a->xattr[i].size) == 0;
	return same;
}

/* A hard link stays where it leads to the name that has the content, which is no symlink, and says the same as that. */
static bool
link_stays(struct plan *p, const struct file *file)
{
	const struct entry *e = &p->reader.entry;
	const struct place *place = &p->f->place[file->layer];
	char target[PATH_ROOM], carrier[PATH_ROOM], ignored[WHY];

	if (file->carrier == NULL || !clean_link(e->link, target))
		return false;
	tree_path(file->carrier, carrier);
	if (strcmp(target, carrier) != 0)
		return false;
	entry_reader_at(&p->other, place->fd, file->header, place->end);
	p->other.bare = true;
	return entry_next(&p->other, ignored) == ENTRY && p->other.entry.type != '2' &&
	       same_description(e, &p->other.entry);
}

static void
note_content(struct plan *p, const char *path)
{
	const struct entry *e = &p->reader.entry;

	if (e->type == '0')
		p->c->files += (uint64_t)e->size;
	if (e->type == '2' && p->f->outward == NULL && leads_out(path, e->link))
		p->f->outward = xstrdup(path);
}

static bool
stays(struct plan *p, struct node *n, size_t layer, size_t entry)
{
	char is[PATH_ROOM], should[PATH_ROOM];
	struct file *file = n->file;

	tree_path(n, should);
	if (!clean_path(p->reader.entry.path, is) || strcmp(is, should) != 0)
		return false;
	if (file->layer != layer || file->entry != entry)
		return p->reader.entry.type == '1' && link_stays(p, file);
	file->carrier = n;
	note_content(p, should);
	return true;
}

/* The folder of that very name, through no link, where a layer describes it; NULL. */
static struct node *
find_folder(const struct tree *t, char *path)
{
	struct node *n = t->root;
	char *rest = NULL;

	for (char *name = strtok_r(path, "/", &rest); name != NULL && n != NULL;
	     name = strtok_r(NULL, "/", &rest))
		n = tree_find(t, n, name);
	return n != NULL && n->folder && n->file != NULL ? n : NULL;
}

/* One that is described again above it; attributes would stay, though what is above has none. */
static struct node *
folder_described_above(const struct plan *p)
{
	const struct entry *e = &p->reader.entry;
	char path[PATH_ROOM];

	return e->type == '5' && e->xattrs == 0 && clean_path(e->path, path) ? find_folder(&p->f->tree, path)
									     : NULL;
}

/*
 * smolvm gives folders their modes at the very end, those that are not 0755 (smolvm-pack 1.33.0, src/extract.rs, deferred_dir_modes; run:
 * 1.32.2): there the mode of an entry counts, though a later one says 0755.
 */
static bool
outlasts(struct plan *p, const struct node *n)
{
	const struct place *place = &p->f->place[n->file->layer];
	char ignored[WHY];

	if ((p->reader.entry.mode & 0777) == 0755)
		return false;
	entry_reader_at(&p->other, place->fd, n->file->header, place->end);
	p->other.bare = true;
	return entry_next(&p->other, ignored) != ENTRY || (p->other.entry.mode & 0777) == 0755;
}

static void
look_at_entry(struct plan *p, size_t layer, size_t entry)
{
	struct node *n = p->of[layer][entry];
	bool is_last = n != NULL, keep;

	if (p->c->layer[layer].member[entry] == 0)
		return; /* a whiteout */
	if (is_last)
		keep = stays(p, n, layer, entry);
	else
		keep = (n = folder_described_above(p)) != NULL && !outlasts(p, n);
	p->c->keep[layer][entry] = keep;
	if (keep)
		stand(p, n, p->reader.entry.mode);
	else if (is_last)
		n->marks |= LATE;
}

static void
find_names(struct plan *p)
{
	for (size_t i = 0; i < p->c->layers; i++) {
		size_t size = (p->c->layer[i].members + 1) * sizeof(struct node *);

		p->of[i] = xmalloc(size);
		memset(p->of[i], 0, size);
	}
	for (struct node *n = p->f->tree.root; n != NULL; n = tree_after(n))
		if (n->file != NULL && n->entry < p->c->layer[n->layer].members)
			p->of[n->layer][n->entry] = n;
}

static bool
look_at_layer(struct plan *p, size_t layer)
{
	const struct framed *l = &p->c->layer[layer];
	size_t entry = 0;

	p->c->keep[layer] = xmalloc(l->members + 1);
	memset(p->c->keep[layer], 0, l->members + 1);
	entry_reader_at(&p->reader, l->heads, 0, l->heads_end);
	p->reader.bare = true;
	while (entry < l->members && entry_next(&p->reader, p->why) == ENTRY)
		look_at_entry(p, layer, entry++);
	return (entry == l->members && entry_next(&p->reader, p->why) == END) || fail(p->why, FRAMES_DAMAGED);
}

static bool
look_at_layers(struct plan *p)
{
	size_t layers = p->c->layers;
	bool good = true;

	p->of = xmalloc((layers + 1) * sizeof(*p->of));
	find_names(p);
	for (size_t i = 0; good && i < layers; i++)
		good = look_at_layer(p, i);
	for (size_t i = 0; i < layers; i++)
		free(p->of[i]);
	free(p->of);
	return good;
}

/* --- All of it */

static void
place_rest(struct plan *p)
{
	for (struct node *n = p->f->tree.root; n != NULL; n = tree_after(n))
		if (n->marks & LATE)
			stand(p, n, 02000);
		else if (n->file == NULL && n->parent != NULL && !(n->marks & SEEN))
			put_early(n); /* empty, and of no layer */
}

static bool
apply_layers(struct plan *p, const char *id)
{
	struct compose *c = p->c;
	char reason[WHY];

	for (size_t i = 0; i < c->layers; i++) {
		p->f->place[i] = (struct place){c->layer[i].heads, 0, c->layer[i].heads_end};
		if (!flat_apply(p->f, i, reason))
			return fail(p->why, "layer %zu of %.19s...: %.140s", i + 1, id, reason);
	}
	return true;
}

static bool
is_cut(const struct compose *c, size_t layer)
{
	const struct framed *l = &c->layer[layer];
	bool whole = true;

	for (size_t i = 0; i < l->members; i++)
		whole = whole && (c->keep[layer][i] || l->member[i] == 0);
	return !whole;
}

static bool
decide(struct plan *p, const char *id)
{
	struct compose *c = p->c;

	if (!apply_layers(p, id) || !look_at_layers(p))
		return false;
	place_rest(p);
	if (!put_loose(c, p->f, p->why))
		return false;
	c->size = (uint64_t)c->loose_end;
	for (size_t i = 0; i < c->layers; i++)
		for (size_t k = 0; k < c->layer[i].members; k++)
			c->size += c->keep[i][k] ? c->layer[i].member[k] : 0;
	while (c->early_end == 0 && c->uncut < c->layers && !is_cut(c, c->uncut))
		c->uncut++;
	c->outward = p->f->outward ? xstrdup(p->f->outward) : NULL;
	return true;
}

struct compose *
compose_open(struct framed *layer, size_t layers, const char *id, const char *folder, char why[WHY])
{
	struct compose *c = xmalloc(sizeof(*c));
	struct plan p = {.c = c, .f = flat_new(layers), .reader.fd = -1, .other.fd = -1, .why = why};
	bool good;

	*c = (struct compose){.layer = layer, .layers = layers, .loose = unlinked_file(folder)};
	c->keep = xmalloc((layers + 1) * sizeof(*c->keep));
	memset(c->keep, 0, (layers + 1) * sizeof(*c->keep));
	p.f->for_artifact = true;
	p.f->content = put_content;
	p.f->content_arg = c;
	good = (c->loose >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder)) && decide(&p, id);
	entry_reader_free(&p.reader);
	entry_reader_free(&p.other);
	flat_free(p.f);
	if (good)
		return c;
	compose_free(c);
	return NULL;
}

void
compose_free(struct compose *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->layers; i++)
		free(c->keep[i]);
	free(c->keep);
	if (c->loose >= 0)
		close(c->loose);
	free(c->outward);
	free(c);
}

uint64_t
compose_size(const struct compose *c)
{
	return c->size;
}

uint64_t
compose_files(const struct compose *c)
{
	return c->files;
}

size_t
compose_uncut(const struct compose *c)
{
	return c->uncut;
}

const char *
compose_outward(const struct compose *c)
{
	return c->outward;
}
