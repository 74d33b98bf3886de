/* frames.c - a layer that frames_make has written, read again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/frames-index.h"

size_t
frame_bound(void)
{
	return ZSTD_compressBound(FRAME_MOST);
}

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

	return (!ZSTD_isError(n) && n == frame->plain) || fail(why, FRAMES_DAMAGED);
}

bool
frames_whole(int fd, const char *digest)
{
	struct framed f = {.fd = fd, .heads = -1};
	unsigned char *packed = xmalloc(frame_bound());
	char is[DIGEST], ignored[WHY];
	size_t of_members;
	bool whole;

	index_digest(fd, is);
	whole = strcmp(is, digest) == 0 && index_read(&f, &of_members, ignored);
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
	if (index_read(f, &of_members, why) && read_heads(f, of_members, folder, why)) {
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
