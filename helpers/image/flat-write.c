/*
 * flat-write.c - the one layer that comes out of flattening.
 *
 * The tree is written as any tar would write it, each folder followed by all
 * that is in it: every extractor then makes parents before children, and sets
 * the times of a folder when it is done with what is in it. Content is copied
 * from the layers, headers are written anew (entry-write.c).
 */
#include <stdlib.h>
#include <string.h>

#include "image/flat.h"

enum { BLOCK = 512, BUFFER = 256 << 10 };

struct sink {
	struct hash *hash; /* NULL: the size is all that is wanted */
	int out;           /* -1: nowhere */
	uint64_t size;
	unsigned char *buffer; /* what has not been written yet */
	size_t used;
	char *why;
};

static bool
flush(struct sink *s)
{
	if (s->hash != NULL)
		hash_update(s->hash, s->buffer, s->used);
	if (s->out >= 0 && !write_all(s->out, s->buffer, s->used))
		return fail_errno(s->why, "cannot write it");
	s->used = 0;
	return true;
}

static bool
put(struct sink *s, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	s->size += size;
	while (s->hash != NULL && size > 0) {
		size_t n = size < BUFFER - s->used ? size : BUFFER - s->used;

		memcpy(s->buffer + s->used, from, n);
		s->used += n;
		from += n;
		size -= n;
		if (s->used == BUFFER && !flush(s))
			return false;
	}
	return true;
}

static bool
put_padding(struct sink *s)
{
	static const char zeros[BLOCK];

	return put(s, zeros, -s->size % BLOCK);
}

static bool
put_header(struct sink *s, const struct entry *e)
{
	char *text;
	size_t size = entry_header(e, &text);
	bool good = put(s, text, size);

	free(text);
	return good;
}

/* Bytes of a layer, straight into the buffer. */
static bool
put_content(struct sink *s, int fd, off_t at, uint64_t size)
{
	if (s->hash == NULL) {
		s->size += size;
		return true;
	}
	while (size > 0) {
		size_t n = size < BUFFER - s->used ? (size_t)size : BUFFER - s->used;

		if (!read_at(fd, s->buffer + s->used, n, at))
			return fail_errno(s->why, "cannot read it");
		s->used += n;
		s->size += n;
		at += (off_t)n;
		size -= n;
		if (s->used == BUFFER && !flush(s))
			return false;
	}
	return true;
}

static bool
put_zeros(struct sink *s, int64_t size)
{
	static const char zeros[BLOCK];

	for (; size > 0; size -= BLOCK)
		if (!put(s, zeros, size < BLOCK ? (size_t)size : BLOCK))
			return false;
	return true;
}

/*
 * The pieces of a sparse file in whole blocks, and one without bytes at its end, as GNU tar wants them. It
 * begins each piece at a block of its own, which archive/tar does not; so both read the same. The caller
 * frees them.
 */
static struct piece *
in_blocks(const struct entry *e, size_t *count)
{
	struct piece *block = xmalloc((e->pieces + 1) * sizeof(*block));
	int64_t end = 0;

	*count = 0;
	for (const struct piece *p = e->piece; p != NULL && p < e->piece + e->pieces; p++) {
		int64_t start = p->offset - p->offset % BLOCK;

		if (p->size == 0)
			continue;
		if (*count == 0 || start > end)
			block[(*count)++].offset = start;
		end = p->offset + p->size;
		end += (BLOCK - end % BLOCK) % BLOCK;
		end = end < e->size ? end : e->size;
		block[*count - 1].size = end - block[*count - 1].offset;
	}
	if (end < e->size)
		block[(*count)++] = (struct piece){e->size, 0};
	return block;
}

static bool
put_pieces(struct sink *s, const struct entry *e, const struct piece *block, size_t blocks, int fd, off_t at)
{
	const struct piece *p = e->piece, *last = e->pieces > 0 ? p + e->pieces : p;

	for (size_t i = 0; i < blocks; i++) {
		int64_t done = block[i].offset, end = done + block[i].size;

		for (; p != last && p->offset < end; p++) {
			if (p->size == 0)
				continue;
			if (!put_zeros(s, p->offset - done) || !put_content(s, fd, at, (uint64_t)p->size))
				return false;
			at += p->size;
			done = p->offset + p->size;
		}
		if (!put_zeros(s, end - done))
			return false;
	}
	return true;
}

static bool
put_sparse(struct sink *s, const struct entry *e, int fd, off_t at)
{
	struct entry written = *e;
	bool good;

	written.piece = in_blocks(e, &written.pieces);
	good = put_header(s, &written) && put_pieces(s, e, written.piece, written.pieces, fd, at);
	free(written.piece);
	return good && put_padding(s);
}

/* As any other file. */
static bool
put_filled(struct sink *s, const struct entry *e, int fd, off_t at)
{
	const struct piece all = {0, e->size};
	struct entry written = *e;

	written.sparse = false;
	written.piece = NULL;
	written.pieces = 0;
	return put_header(s, &written) && put_pieces(s, e, &all, 1, fd, at) && put_padding(s);
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
	return entry_next(&f->reader, why) == ENTRY || fail(why, "the layer has changed while it was read");
}

/* A target that is the root itself, or has more ".." than there are folders to leave. */
static bool
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

/*
 * The name and what it means, or, where that has gone out under another name, a
 * hard link to it: with the whole description, since some extractors apply it.
 * Owners by number alone: an extractor would take a name for one of its own machine.
 */
static bool
put_file(struct flat *f, struct sink *s, const struct file *file, const char *path, const char *link)
{
	struct entry e;

	if (!go_to(f, file, s->why))
		return false;
	e = f->reader.entry;
	e.path = path;
	e.link = e.type == '2' ? e.link : NULL;
	if (link != NULL) {
		e.type = '1';
		e.link = link;
		e.size = 0;
		e.sparse = false;
	}
	if (e.type == '2' && f->for_artifact && f->outward == NULL && leads_out(path, e.link))
		f->outward = xstrdup(path);
	if (e.type == '0' && s->hash == NULL)
		f->files += (uint64_t)e.size;
	if (f->for_artifact && (e.type == '3' || e.type == '4' || e.type == '6')) {
		e.type = '0';
		e.size = e.major = e.minor = 0;
	}
	if (e.sparse && f->for_artifact)
		return put_filled(s, &e, f->place[file->layer].fd, f->reader.data);
	if (e.sparse)
		return put_sparse(s, &e, f->place[file->layer].fd, f->reader.data);
	if (!put_header(s, &e))
		return false;
	return e.type != '0' ||
	       (put_content(s, f->place[file->layer].fd, f->reader.data, (uint64_t)f->reader.stored) &&
		put_padding(s));
}

/*
 * A folder that no layer describes: root's, for everybody to enter, of no particular time; in a set-group-ID
 * folder it is one too, as mkdir has it.
 */
static bool
put_folder(struct sink *s, const struct node *n, const char *path)
{
	return put_header(s, &(struct entry){.type = '5', .path = path, .mode = n->setgid ? 02755 : 0755});
}

static bool
put_node(struct flat *f, struct sink *s, const struct node *n)
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
write_tree(struct flat *f, struct sink *s)
{
	static const char end[2 * BLOCK];
	bool good = true;

	s->buffer = xmalloc(BUFFER);
	f->read = NULL;
	for (const struct node *n = f->tree.root; n != NULL && good; n = tree_after(n))
		good = (n->parent == NULL && n->file == NULL) || put_node(f, s, n);
	good = good && put(s, end, sizeof(end)) && flush(s);
	free(s->buffer);
	return good;
}

bool
flat_measure(struct flat *f, uint64_t *size, char why[WHY])
{
	struct sink s = {.out = -1, .why = why};
	bool good;

	f->files = 0;
	good = write_tree(f, &s);

	*size = s.size;
	return good;
}

bool
flat_write(struct flat *f, int out, char digest[DIGEST], uint64_t *size, char why[WHY])
{
	struct sink s = {.out = out, .why = why, .hash = hash_new()};
	bool good = write_tree(f, &s);

	hash_end(s.hash, digest);
	hash_free(s.hash);
	*size = s.size;
	return good;
}
