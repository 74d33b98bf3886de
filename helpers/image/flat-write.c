/*
 * flat-write.c - the one layer that comes out of flattening.
 *
 * The tree is written as any tar would write it, each folder followed by all
 * that is in it: every extractor then makes parents before children, and sets
 * the times of a folder when it is done with what is in it. Content is copied
 * from the layers, headers are written anew by libarchive.
 */
#include <errno.h>
#include <string.h>

#include "image/flat.h"
#include "image/hash.h"

enum { BLOCK = 256 << 10 };

struct sink {
	struct archive *archive;
	EVP_MD_CTX *hash; /* NULL: the size is all that is wanted */
	int out;          /* -1: nowhere */
	uint64_t size;
	char *why;
};

static la_ssize_t
on_write(struct archive *a, void *arg, const void *bytes, size_t size)
{
	struct sink *s = arg;

	if (s->hash != NULL)
		hash_update(s->hash, bytes, size);
	if (s->out >= 0 && !write_all(s->out, bytes, size)) {
		archive_set_error(a, errno, "cannot write it: %s", strerror(errno));
		return -1;
	}
	s->size += size;
	return (la_ssize_t)size;
}

static bool
spoilt(const struct sink *s)
{
	const char *reason = archive_error_string(s->archive);

	return fail(s->why, "%.150s", reason ? reason : "cannot write the layer");
}

/* As with tar_next: a name that is not ASCII gives a warning and is written as the bytes it is. */
static bool
put_header(struct sink *s, struct archive_entry *entry)
{
	int rc = archive_write_header(s->archive, entry);

	return rc == ARCHIVE_OK || (rc == ARCHIVE_WARN && archive_errno(s->archive) == EILSEQ) || spoilt(s);
}

static bool
put(struct sink *s, const void *bytes, size_t size)
{
	return archive_write_data(s->archive, bytes, size) == (la_ssize_t)size || spoilt(s);
}

/* A hole: libarchive leaves out of the archive what the entry's map says is one. */
static bool
put_zeros(struct sink *s, int64_t size)
{
	static char zeros[BLOCK];

	for (; size > 0; size -= BLOCK)
		if (!put(s, zeros, size < BLOCK ? (size_t)size : BLOCK))
			return false;
	return true;
}

static bool
put_content(struct flat *f, struct sink *s, int64_t size)
{
	off_t done = 0, offset;
	const void *bytes;
	enum found found;
	size_t n;

	while ((found = tar_data(&f->tar, &bytes, &n, &offset, s->why)) == ENTRY) {
		if (n == 0)
			continue;
		if (offset < done || (uint64_t)offset + n > (uint64_t)size)
			return fail(s->why, "damaged map of holes");
		if (!put_zeros(s, offset - done) || !put(s, bytes, n))
			return false;
		done = offset + (off_t)n;
	}
	return found == END && put_zeros(s, size - done);
}

/* The entry that the file is made of becomes the current one; most often it is the next. */
static bool
go_to(struct flat *f, const struct file *file, char why[WHY])
{
	struct place *p = &f->place[file->layer];

	if (f->read == p && tar_next(&f->tar, why) == ENTRY && f->tar.header == file->header)
		return true;
	f->read = p;
	if (!tar_seek(&f->tar, p->fd, file->header, p->end, why))
		return false;
	return tar_next(&f->tar, why) == ENTRY || fail(why, "the layer has changed while it was read");
}

/*
 * The name and what it means, or, where that has gone out under another name, a
 * hard link to it: with the whole description, since some extractors apply it.
 * Owners by number alone: an extractor would take a name for one of its own machine.
 */
static bool
put_file(struct flat *f, struct sink *s, const struct file *file, const char *path, const char *link)
{
	struct archive_entry *entry;
	int64_t size;

	if (!go_to(f, file, s->why))
		return false;
	entry = f->tar.entry;
	size = link == NULL && archive_entry_filetype(entry) == AE_IFREG ? archive_entry_size(entry) : 0;
	archive_entry_copy_pathname(entry, path);
	if (link != NULL)
		archive_entry_copy_hardlink(entry, link);
	archive_entry_set_size(entry, size);
	archive_entry_copy_uname(entry, NULL);
	archive_entry_copy_gname(entry, NULL);
	archive_entry_unset_atime(entry);
	archive_entry_unset_ctime(entry);
	archive_entry_unset_birthtime(entry);
	if (!put_header(s, entry))
		return false;
	return s->hash != NULL && size > 0 ? put_content(f, s, size) : put_zeros(s, size);
}

/* A folder that no layer describes: root's, for everybody to enter, of no particular time. */
static bool
put_folder(struct sink *s, const char *path)
{
	struct archive_entry *entry = archive_entry_new();
	bool good;

	archive_entry_copy_pathname(entry, path);
	archive_entry_set_mode(entry, AE_IFDIR | 0755);
	archive_entry_set_mtime(entry, 0, 0);
	good = put_header(s, entry);
	archive_entry_free(entry);
	return good;
}

static bool
put_node(struct flat *f, struct sink *s, const struct node *n)
{
	char path[PATH_ROOM], link[PATH_ROOM];
	const struct node *carrier;

	tree_path(n, path);
	if (n->file == NULL)
		return put_folder(s, path);
	if (n->file->carrier == NULL)
		n->file->carrier = n;
	carrier = n->file->carrier;
	if (carrier != n)
		tree_path(carrier, link);
	return put_file(f, s, n->file, *path ? path : ".", carrier != n ? link : NULL);
}

static bool
put_tree(struct flat *f, struct sink *s)
{
	for (const struct node *n = f->tree.root; n != NULL; n = tree_after(n))
		if ((n->parent != NULL || n->file != NULL) && !put_node(f, s, n))
			return false;
	return archive_write_close(s->archive) == ARCHIVE_OK || spoilt(s);
}

static bool
write_tree(struct flat *f, struct sink *s)
{
	bool good;

	s->archive = archive_write_new();
	if (s->archive == NULL)
		die(EXIT_SYSTEM, "out of memory");
	archive_write_set_format_pax(s->archive); /* restricted would drop the fractions of a second */
	archive_write_set_bytes_per_block(s->archive, BLOCK);
	archive_write_set_bytes_in_last_block(s->archive, 1);
	good = archive_write_set_options(s->archive, "xattrheader=SCHILY") == ARCHIVE_OK &&
	       archive_write_open(s->archive, s, NULL, on_write, NULL) == ARCHIVE_OK;
	good = good ? put_tree(f, s) : spoilt(s);
	archive_write_free(s->archive);
	return good;
}

bool
flat_measure(struct flat *f, uint64_t *size, char why[WHY])
{
	struct sink s = {.out = -1, .why = why};
	bool good = write_tree(f, &s);

	*size = s.size;
	return good;
}

bool
flat_write(struct flat *f, int out, char digest[DIGEST], uint64_t *size, char why[WHY])
{
	struct sink s = {.out = out, .why = why, .hash = hash_new()};
	bool good = write_tree(f, &s);

	hash_end(s.hash, digest);
	EVP_MD_CTX_free(s.hash);
	*size = s.size;
	return good;
}
