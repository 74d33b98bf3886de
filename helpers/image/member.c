/* member.c - an entry of a layer, written anew as a member of an archive: headers by entry-write.c, content from where it lies. */
#include <stdlib.h>
#include <string.h>

#include "image/member.h"

enum { BLOCK = 512, FILE_BUFFER = 256 << 10 };

/* How many of the wanted bytes the buffer takes: one at least. */
static size_t
fitting(const struct member_sink *s, uint64_t wanted)
{
	size_t left = s->room - s->used;

	return wanted < left ? (size_t)wanted : left;
}

static bool
took(struct member_sink *s, size_t n)
{
	s->used += n;
	s->size += n;
	return s->used < s->room || s->flush(s);
}

bool
member_put(struct member_sink *s, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	if (s->buffer == NULL) {
		s->size += size;
		return true;
	}
	while (size > 0) {
		size_t n = fitting(s, size);

		memcpy(s->buffer + s->used, from, n);
		from += n;
		size -= n;
		if (!took(s, n))
			return false;
	}
	return true;
}

bool
member_pad(struct member_sink *s)
{
	static const char zeros[BLOCK];

	return member_put(s, zeros, -s->size % BLOCK);
}

bool
member_head(struct member_sink *s, const struct entry *e)
{
	char *text;
	size_t size = entry_header(e, &text);
	bool good = member_put(s, text, size);

	free(text);
	return good;
}

/* Bytes of a layer, straight into the buffer. */
static bool
put_content(struct member_sink *s, int fd, off_t at, uint64_t size)
{
	if (s->buffer == NULL) {
		s->size += size;
		return true;
	}
	while (size > 0) {
		size_t n = fitting(s, size);

		if (!read_at(fd, s->buffer + s->used, n, at))
			return fail_errno(s->why, "cannot read it");
		at += (off_t)n;
		size -= n;
		if (!took(s, n))
			return false;
	}
	return true;
}

static bool
put_zeros(struct member_sink *s, int64_t size)
{
	static const char zeros[BLOCK];

	for (; size > 0; size -= BLOCK)
		if (!member_put(s, zeros, size < BLOCK ? (size_t)size : BLOCK))
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
put_pieces(struct member_sink *s, const struct entry *e, const struct piece *block, size_t blocks, int fd,
	   off_t at)
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
put_sparse(struct member_sink *s, const struct entry *e, int fd, off_t at)
{
	struct entry written = *e;
	bool good;

	written.piece = in_blocks(e, &written.pieces);
	good = member_head(s, &written) && put_pieces(s, e, written.piece, written.pieces, fd, at);
	free(written.piece);
	return good && member_pad(s);
}

/* As any other file. */
static bool
put_filled(struct member_sink *s, const struct entry *e, int fd, off_t at)
{
	const struct piece all = {0, e->size};
	struct entry written = *e;

	written.sparse = false;
	written.piece = NULL;
	written.pieces = 0;
	return member_head(s, &written) && put_pieces(s, e, &all, 1, fd, at) && member_pad(s);
}

static bool
write_buffer(struct member_sink *m)
{
	const struct file_sink *s = (const struct file_sink *)m;

	if (!write_all(s->fd, m->buffer, m->used))
		return fail_errno(m->why, "cannot write a part of the layer");
	m->used = 0;
	return true;
}

void
file_sink_open(struct file_sink *s, int fd, char why[WHY])
{
	*s = (struct file_sink){
	    .m = {.buffer = xmalloc(FILE_BUFFER), .room = FILE_BUFFER, .flush = write_buffer, .why = why},
	    .fd = fd};
}

bool
file_sink_close(struct file_sink *s)
{
	bool good = write_buffer(&s->m);

	free(s->m.buffer);
	return good;
}

void
member_for_artifact(struct entry *e)
{
	if (e->type != '3' && e->type != '4' && e->type != '6')
		return;
	e->type = '0';
	e->size = e->major = e->minor = 0;
}

bool
member_write(struct member_sink *s, const struct entry *e, bool fill, int fd, off_t data, int64_t stored)
{
	if (e->sparse)
		return fill ? put_filled(s, e, fd, data) : put_sparse(s, e, fd, data);
	if (!member_head(s, e))
		return false;
	return e->type != '0' || (put_content(s, fd, data, (uint64_t)stored) && member_pad(s));
}
