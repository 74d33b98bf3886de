/* frames-index.c - the index at the end of a layer in frames: written, and read again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "image/frames-index.h"

enum { LEVEL = 1, RECORD = 16, INDEX_MOST = 256 << 20 };

#define MAGIC_TAIL "SMOLFRAM"

unsigned char *
index_bytes(const struct framed *f, size_t of_members, uint64_t at, size_t *bytes)
{
	size_t size = 24 + f->frames * RECORD + f->members * 8, length;
	unsigned char *text = xmalloc(size), *packed = xmalloc(ZSTD_compressBound(size) + FRAMES_TAIL),
		      *to = text + 24, *tail;

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
	tail = packed + length;
	memcpy(tail, MAGIC_TAIL, 8);
	put_little(tail + 8, at, 8);
	put_little(tail + 16, length, 8);
	put_little(tail + 24, size, 8);
	free(text);
	*bytes = length + FRAMES_TAIL;
	return packed;
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

bool
index_read(struct framed *f, size_t *of_members, char why[WHY])
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
	return good || fail(why, FRAMES_DAMAGED);
}

void
index_digest(int fd, char digest[DIGEST])
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
