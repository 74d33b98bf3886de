/* frames-make.c - a layer as the members that it becomes in an artifact, in frames. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/flat.h"
#include "image/frames-index.h"
#include "image/ring.h"

enum { LEVEL = 1 };

/* Frames on their way into the file. */
struct packer {
	struct member_sink m; /* first: next_buffer() gets that */
	struct ring ring;
	struct slot *slot; /* whose in is m.buffer */
	int out;
	uint64_t at;
	struct file_sink heads;
	struct framed index; /* frame, frames, member, members */
};

static bool
compress_slot(struct slot *s, char why[WHY])
{
	if (s->own == NULL && (s->own = ZSTD_createCCtx()) == NULL)
		die(EXIT_SYSTEM, "out of memory");
	s->made = ZSTD_compressCCtx(s->own, s->out, frame_bound(), s->in, s->size, LEVEL);
	return !ZSTD_isError(s->made) || fail(why, "cannot compress it: %.100s", ZSTD_getErrorName(s->made));
}

static void
free_context(void *own)
{
	ZSTD_freeCCtx(own);
}

static bool
write_out(struct packer *p, const void *bytes, size_t size, char why[WHY])
{
	p->at += size;
	return write_all(p->out, bytes, size) || fail_errno(why, "cannot write it compressed");
}

static bool
write_frame(void *packer, const struct slot *s, char why[WHY])
{
	struct packer *p = packer;
	struct framed *f = &p->index;

	if ((f->frames & (f->frames + 1)) == 0) /* room for twice as many */
		f->frame = xrealloc(f->frame, (2 * f->frames + 2) * sizeof(*f->frame));
	f->frame[f->frames++] = (struct frame){.at = p->at,
					       .length = (uint32_t)s->made,
					       .plain = (uint32_t)s->size,
					       .crc = (uint32_t)crc32(0, s->out, (uInt)s->made)};
	return write_out(p, s->out, s->made, why);
}

/* What is in the buffer becomes a frame, and the next slot's is the buffer. */
static bool
next_buffer(struct member_sink *m)
{
	struct packer *p = (struct packer *)m;

	if (m->used == 0)
		return true;
	p->slot->size = m->used;
	ring_give(&p->ring);
	m->used = 0;
	p->slot = ring_slot(&p->ring, m->why);
	m->buffer = p->slot != NULL ? p->slot->in : NULL;
	return p->slot != NULL;
}

static void
add_member(struct framed *f, uint64_t size)
{
	if ((f->members & (f->members + 1)) == 0)
		f->member = xrealloc(f->member, (2 * f->members + 2) * sizeof(*f->member));
	f->member[f->members++] = size;
}

/* As it stands in an artifact: under its clean name, a folder's with a slash behind it. */
static bool
put_entry(struct packer *p, const struct entry_reader *r, const char *path, int fd)
{
	char name[PATH_ROOM + 2], target[PATH_ROOM];
	struct entry e = r->entry;

	snprintf(name, sizeof(name), "%s%s", *path ? path : ".", e.type == '5' ? "/" : "");
	e.path = name;
	if (e.type == '1') {
		if (!clean_link(e.link, target))
			*target = '\0';
		e.link = target;
	} else if (e.type != '2')
		e.link = NULL;
	member_for_artifact(&e);
	return member_write(&p->m, &e, true, fd, r->data, r->stored);
}

/* All headers of the entry, as the layer has them. */
static bool
copy_head(struct packer *p, const struct entry_reader *r, int fd)
{
	size_t size = (size_t)(r->data - r->header);
	char *head = xmalloc(size);
	bool good = read_at(fd, head, size, r->header) || fail_errno(p->m.why, "cannot read its headers");

	good = good && member_put(&p->heads.m, head, size);
	free(head);
	return good;
}

static bool
take_entry(struct packer *p, const struct entry_reader *r, int fd)
{
	char path[PATH_ROOM];
	uint64_t before = p->m.size;

	if (!clean_path(r->entry.path, path))
		return fail(p->m.why, "an entry has the unusable name '%.140s'", r->entry.path);
	if (!copy_head(p, r, fd))
		return false;
	if (!is_whiteout(base_name(path)) && !put_entry(p, r, path, fd))
		return false;
	add_member(&p->index, p->m.size - before);
	return p->m.used < FRAME_ENOUGH || next_buffer(&p->m);
}

static bool
take_entries(struct packer *p, int fd, off_t start, off_t end)
{
	struct entry_reader r = {.fd = -1};
	enum found found;
	bool good = true;

	entry_reader_at(&r, fd, start, end);
	while (good && (found = entry_next(&r, p->m.why)) == ENTRY) {
		good = take_entry(p, &r, fd);
		if (good && caught_signal())
			good = fail(p->m.why, "interrupted");
	}
	entry_reader_free(&r);
	return good && found == END && next_buffer(&p->m);
}

/* Behind the members' frames. */
static bool
take_heads(struct packer *p)
{
	off_t end = (off_t)p->heads.m.size;

	for (off_t at = 0; at < end;) {
		size_t n = end - at < FRAME_MOST ? (size_t)(end - at) : FRAME_MOST;

		if (!read_at(p->heads.fd, p->m.buffer, n, at))
			return fail_errno(p->m.why, "cannot read its headers");
		at += (off_t)n;
		p->m.used = n;
		if (!next_buffer(&p->m))
			return false;
	}
	return true;
}

/* *of_members: how many of the frames that is. */
static bool
take_layer(struct packer *p, int fd, off_t start, off_t end, size_t *of_members, char why[WHY])
{
	bool good;

	ring_start(&p->ring, frame_bound(), compress_slot, write_frame, p);
	p->ring.free_own = free_context;
	p->slot = ring_slot(&p->ring, why);
	p->m.buffer = p->slot->in;
	file_sink_open(&p->heads, p->heads.fd, why);
	good = take_entries(p, fd, start, end);
	*of_members = (size_t)p->ring.given;
	good = file_sink_close(&p->heads) && good && take_heads(p);
	return ring_end(&p->ring, why) && good;
}

bool
frames_make(int fd, off_t start, off_t end, int out, const char *folder, char digest[DIGEST], uint64_t *size,
	    char why[WHY])
{
	struct packer p = {.m = {.room = FRAME_MOST, .flush = next_buffer, .why = why},
			   .out = out,
			   .heads.fd = unlinked_file(folder)};
	int heads = p.heads.fd;
	size_t of_members, bytes;
	unsigned char *index;
	bool good = heads >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);

	good = good && take_layer(&p, fd, start, end, &of_members, why);
	if (good) {
		index = index_bytes(&p.index, of_members, p.at, &bytes);
		digest_bytes(index, bytes, digest);
		good = write_out(&p, index, bytes, why);
		free(index);
	}
	if (heads >= 0)
		close(heads);
	*size = p.at;
	free(p.index.frame);
	free(p.index.member);
	return good;
}
