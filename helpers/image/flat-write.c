/*
 * flat-write.c - the one layer that comes out of flattening.
 *
 * The tree is written as any tar would write it, each folder followed by all
 * that is in it: every extractor then makes parents before children, and sets
 * the times of a folder when it is done with what is in it. Content is copied
 * from the layers, headers are written anew (member.c).
 */
#include <stdlib.h>
#include <string.h>

#include "image/flat.h"

enum { BLOCK = 512, BUFFER = 256 << 10 };

struct sink {
	struct member_sink m; /* first: flush() gets that */
	struct hash *hash;
	int out; /* -1: nowhere */
};

static bool
flush(struct member_sink *m)
{
	struct sink *s = (struct sink *)m;

	hash_update(s->hash, m->buffer, m->used);
	if (s->out >= 0 && !write_all(s->out, m->buffer, m->used))
		return fail_errno(m->why, "cannot write it");
	m->used = 0;
	return true;
}

/* The entry that the file is made of becomes the current one; most often it is the next. */
static bool
go_to(struct flat *f, const struct file *file, char why[WHY])
{
	struct place *p = &f->place[file->layer];

	if (f->read == p && entry_next(&f->reader, why) == ENTRY && f->reader.header == file->header)
		return true;
	f->read = p;
	entry_reader_at(&f->reader, p->fd, file->header, p->end);
	f->reader.bare = f->content != NULL;
	return entry_next(&f->reader, why) == ENTRY || fail(why, "the layer has changed while it was read");
}

bool
leads_out(const char *path, const char *target)
{
	long depth = 0;

	for (const char *p = path; *target != '/' && (p = strchr(p, '/')) != NULL; p++)
		depth++;
	for (const char *p = target; *p != '\0'; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && strncmp(p, "..", 2) == 0 && --depth < 0)
			return true;
		if (n > 0 && !(n == 1 && *p == '.') && !(n == 2 && strncmp(p, "..", 2) == 0))
			depth++;
		p += n;
	}
	return *target == '/' && depth == 0;
}

/* Only the header is at its place; the content has been written out once, without holes. */
static bool
put_known(struct flat *f, struct member_sink *s, const struct file *file, struct entry *e)
{
	e->sparse = false;
	e->piece = NULL;
	e->pieces = 0;
	if (!member_head(s, e))
		return false;
	if (e->type != '0')
		return true;
	if (s->buffer == NULL)
		s->size += (uint64_t)e->size;
	else if (!f->content(f, s, file, (uint64_t)e->size))
		return false;
	return member_pad(s);
}

/*
 * The name and what it means, or, where that has gone out under another name, a
 * hard link to it: with the whole description, since some extractors apply it. In an artifact a second name of a symlink is a symlink
 * too: Rust's crate tar, by which smolvm unpacks, looks where such a hard link leads in the end, and ends if that is nowhere
 * (tar 0.4, src/entry.rs, validate_inside_dst; run: 1.32.2).
 * Owners by number alone: an extractor would take a name for one of its own machine.
 */
static bool
put_file(struct flat *f, struct member_sink *s, const struct file *file, const char *path, const char *link)
{
	struct entry e;

	if (!go_to(f, file, s->why))
		return false;
	e = f->reader.entry;
	e.path = path;
	e.link = e.type == '2' ? e.link : NULL;
	if (link != NULL && !(f->for_artifact && e.type == '2')) {
		e.type = '1';
		e.link = link;
		e.size = 0;
		e.sparse = false;
	}
	if (e.type == '2' && f->for_artifact && f->outward == NULL && leads_out(path, e.link))
		f->outward = xstrdup(path);
	if (e.type == '0' && s->buffer == NULL)
		f->files += (uint64_t)e.size;
	if (f->for_artifact)
		member_for_artifact(&e);
	if (f->content != NULL)
		return put_known(f, s, file, &e);
	return member_write(s, &e, f->for_artifact, f->place[file->layer].fd, f->reader.data,
			    f->reader.stored);
}

/*
 * A folder that no layer describes: root's, for everybody to enter, of no particular time; in a set-group-ID
 * folder it is one too, as mkdir has it.
 */
static bool
put_folder(struct member_sink *s, const struct node *n, const char *path)
{
	return member_head(s, &(struct entry){.type = '5', .path = path, .mode = n->setgid ? 02755 : 0755});
}

bool
flat_put_node(struct flat *f, struct member_sink *s, const struct node *n)
{
	char path[PATH_ROOM + 1], link[PATH_ROOM];
	const struct node *carrier;

	tree_path(n, path);
	if (*path == '\0')
		snprintf(path, sizeof(path), ".");
	if (n->folder)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/");
	if (n->file == NULL)
		return put_folder(s, n, path);
	if (n->file->carrier == NULL)
		n->file->carrier = n;
	carrier = n->file->carrier;
	if (carrier != n)
		tree_path(carrier, link);
	return put_file(f, s, n->file, path, carrier != n ? link : NULL);
}

static bool
write_tree(struct flat *f, struct member_sink *s)
{
	static const char end[2 * BLOCK];
	bool good = true;

	f->read = NULL;
	for (const struct node *n = f->tree.root; n != NULL && good; n = tree_after(n))
		good = (n->parent == NULL && n->file == NULL) || flat_put_node(f, s, n);
	return good && member_put(s, end, sizeof(end));
}

bool
flat_measure(struct flat *f, uint64_t *size, char why[WHY])
{
	struct member_sink s = {.why = why};
	bool good;

	f->files = 0;
	good = write_tree(f, &s);
	*size = s.size;
	return good;
}

bool
flat_write(struct flat *f, int out, char digest[DIGEST], uint64_t *size, char why[WHY])
{
	struct sink s = {.m = {.buffer = xmalloc(BUFFER), .room = BUFFER, .flush = flush, .why = why},
			 .hash = hash_new(),
			 .out = out};
	bool good = write_tree(f, &s.m) && flush(&s.m);

	free(s.m.buffer);
	hash_end(s.hash, digest);
	hash_free(s.hash);
	*size = s.m.size;
	return good;
}
