/* frames.c - a layer as the members that it becomes in an artifact: made, and read again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/flat.h"
#include "image/frames.h"
#include "image/ring.h"

enum { LEVEL = 1, RECORD = 16, INDEX_MOST = 256 << 20 };

#define MAGIC_TAIL "SMOLFRAM"

size_t
frame_bound(void)
{
	return ZSTD_compressBound(FRAME_MOST);
}

/* --- Making them */

/* Frames on their way into the file. */
struct packer {
	struct member_sink m; /* first: next_buffer() gets that */
	struct ring ring;
	struct slot *slot; /* whose in is m.buffer */
	int out;
	struct hash *hash;
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

/* "<members' frames> <all frames> <members>", each frame's length, plain size and CRC, each member's size. */
static bool
write_index(struct packer *p, size_t of_members, char why[WHY])
{
	const struct framed *f = &p->index;
	size_t size = 24 + f->frames * RECORD + f->members * 8;
	unsigned char *text = xmalloc(size), *packed = xmalloc(ZSTD_compressBound(size)), *to = text + 24,
		      tail[FRAMES_TAIL] = MAGIC_TAIL;
	size_t length;
	bool good;

	put_little(text, of_members, 8);
	put_little(text + 8, f->frames, 8);
	put_little(text + 16, f->members, 8);
	for (size_t i = 0; i < f->frames; i++, to += RECORD) {
		put_little(to, f->frame[i].length, 4);
		put_little(to + 4, f->frame[i].plain, 4);
		put_little(to + 8, f->frame[i].crc, 4);
		put_little(to + 12, 0, 4);
	}
	for (size_t i = 0; i < f->members; i++, to += 8)
		put_little(to, f->member[i], 8);
	length = ZSTD_compress(packed, ZSTD_compressBound(size), text, size, LEVEL);
	if (ZSTD_isError(length))
		die(EXIT_SYSTEM, "cannot compress %zu bytes: %s", size, ZSTD_getErrorName(length));
	put_little(tail + 8, p->at, 8);
	put_little(tail + 16, length, 8);
	put_little(tail + 24, size, 8);
	hash_update(p->hash, packed, length);
	hash_update(p->hash, tail, sizeof(tail));
	good = write_out(p, packed, length, why) && write_out(p, tail, sizeof(tail), why);
	free(packed);
	free(text);
	return good;
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
			   .hash = hash_new(),
			   .heads.fd = unlinked_file(folder)};
	int heads = p.heads.fd;
	size_t of_members;
	bool good = heads >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);

	good = good && take_layer(&p, fd, start, end, &of_members, why) && write_index(&p, of_members, why);
	if (heads >= 0)
		close(heads);
	hash_end(p.hash, digest);
	hash_free(p.hash);
	*size = p.at;
	free(p.index.frame);
	free(p.index.member);
	return good;
}

/* --- Reading them */

bool
frames_read(const struct framed *f, const struct frame *frame, void *to, char why[WHY])
{
	return read_at(f->fd, to, frame->length, (off_t)frame->at) ||
	       fail_errno(why, "cannot read a kept layer");
}

bool
frame_decode(const struct frame *frame, const void *packed, void *to, char why[WHY])
{
	size_t n = ZSTD_decompress(to, FRAME_MOST, packed, frame->length);

	return (!ZSTD_isError(n) && n == frame->plain) || fail(why, "a kept layer is damaged");
}

/* All frames have to follow one another from the beginning of the file, and their sizes to be those of the members. */
static bool
check_index(const struct framed *f, size_t of_members, uint64_t end)
{
	uint64_t at = 0, plain = 0, members = 0;

	for (size_t i = 0; i < f->frames; i++) {
		if (f->frame[i].length > frame_bound() || f->frame[i].plain > FRAME_MOST ||
		    f->frame[i].plain == 0)
			return false;
		f->frame[i].at = at;
		at += f->frame[i].length;
		plain += i < of_members ? f->frame[i].plain : 0;
	}
	for (size_t i = 0; i < f->members; i++) {
		if (f->member[i] > UINT64_MAX - members)
			return false;
		members += f->member[i];
	}
	return at == end && members == plain;
}

static bool
parse_index(struct framed *f, const unsigned char *text, size_t size, size_t *of_members, uint64_t end)
{
	uint64_t first = get_little(text, 8), frames = get_little(text + 8, 8),
		 members = get_little(text + 16, 8);
	const unsigned char *from = text + 24;

	if (first > frames || frames > size / RECORD || members > size / 8 ||
	    size != 24 + frames * RECORD + members * 8)
		return false;
	*of_members = (size_t)first;
	f->frames = (size_t)frames;
	f->members = (size_t)members;
	f->frame = xmalloc((f->frames + 1) * sizeof(*f->frame));
	f->member = xmalloc((f->members + 1) * sizeof(*f->member));
	for (size_t i = 0; i < f->frames; i++, from += RECORD)
		f->frame[i] = (struct frame){.length = (uint32_t)get_little(from, 4),
					     .plain = (uint32_t)get_little(from + 4, 4),
					     .crc = (uint32_t)get_little(from + 8, 4)};
	for (size_t i = 0; i < f->members; i++, from += 8)
		f->member[i] = get_little(from, 8);
	return check_index(f, *of_members, end);
}

/* *of_members: how many of the frames are of members; the rest are of headers. */
static bool
read_index(struct framed *f, size_t *of_members, char why[WHY])
{
	unsigned char tail[FRAMES_TAIL], *packed = NULL, *text = NULL;
	off_t file = lseek(f->fd, 0, SEEK_END);
	uint64_t at, length, size;
	bool good = file >= FRAMES_TAIL && read_at(f->fd, tail, sizeof(tail), file - FRAMES_TAIL) &&
		    memcmp(tail, MAGIC_TAIL, 8) == 0;

	if (good) {
		at = get_little(tail + 8, 8);
		length = get_little(tail + 16, 8);
		size = get_little(tail + 24, 8);
		good = size >= 24 && size <= INDEX_MOST && length <= ZSTD_compressBound((size_t)size) &&
		       at <= (uint64_t)file && length == (uint64_t)file - FRAMES_TAIL - at;
	}
	if (good) {
		packed = xmalloc((size_t)length + 1);
		text = xmalloc((size_t)size);
		good = read_at(f->fd, packed, (size_t)length, (off_t)at) &&
		       ZSTD_decompress(text, (size_t)size, packed, (size_t)length) == size &&
		       parse_index(f, text, (size_t)size, of_members, at);
	}
	free(packed);
	free(text);
	return good || fail(why, "a kept layer is damaged");
}

/* Of the index and the tail, which the file ends with. */
static void
digest_index(int fd, char digest[DIGEST])
{
	off_t end = lseek(fd, 0, SEEK_END), at = end;
	unsigned char tail[FRAMES_TAIL], *text;

	if (end >= FRAMES_TAIL && read_at(fd, tail, sizeof(tail), end - FRAMES_TAIL))
		at = (off_t)get_little(tail + 8, 8);
	*digest = '\0';
	if (at < 0 || at > end || end - at > INDEX_MOST)
		return;
	text = xmalloc((size_t)(end - at) + 1);
	if (read_at(fd, text, (size_t)(end - at), at))
		digest_bytes(text, (size_t)(end - at), digest);
	free(text);
}

bool
frames_whole(int fd, const char *digest)
{
	struct framed f = {.fd = fd, .heads = -1};
	unsigned char *packed = xmalloc(frame_bound());
	char is[DIGEST], ignored[WHY];
	size_t of_members;
	bool whole;

	digest_index(fd, is);
	whole = strcmp(is, digest) == 0 && read_index(&f, &of_members, ignored);
	for (size_t i = 0; whole && i < f.frames; i++)
		whole = frames_read(&f, &f.frame[i], packed, ignored) &&
			crc32(0, packed, f.frame[i].length) == f.frame[i].crc;
	free(packed);
	f.fd = -1;
	frames_close(&f);
	return whole;
}

static bool
read_heads(struct framed *f, size_t first, const char *folder, char why[WHY])
{
	unsigned char *packed = xmalloc(frame_bound()), *plain = xmalloc(FRAME_MOST);
	bool good;

	f->heads = unlinked_file(folder);
	good = f->heads >= 0 || fail_errno(why, "cannot make a file in '%.100s'", folder);
	for (size_t i = first; good && i < f->frames; i++) {
		good = frames_read(f, &f->frame[i], packed, why) &&
		       frame_decode(&f->frame[i], packed, plain, why);
		if (good && !write_all(f->heads, plain, f->frame[i].plain))
			good = fail_errno(why, "cannot write headers to '%.100s'", folder);
		f->heads_end += good ? f->frame[i].plain : 0;
	}
	free(packed);
	free(plain);
	return good;
}

bool
frames_open(struct framed *f, int fd, const char *folder, char why[WHY])
{
	size_t of_members = 0;

	*f = (struct framed){.fd = fd, .heads = -1};
	if (read_index(f, &of_members, why) && read_heads(f, of_members, folder, why)) {
		f->frames = of_members;
		return true;
	}
	frames_close(f);
	return false;
}

void
frames_close(struct framed *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->heads >= 0)
		close(f->heads);
	free(f->frame);
	free(f->member);
	*f = (struct framed){.fd = -1, .heads = -1};
}
