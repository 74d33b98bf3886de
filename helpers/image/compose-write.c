/* compose-write.c - layers that are put together, as frames and as a digest, once compose.c has decided what of them stays. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <zlib.h>
#include <zstd.h>

#include "image/composed.h"
#include "image/ring.h"

enum { LEVEL = 1 };

/* --- What is left of the layers, in its order */

/* Who walks along gets whole frames, as they are, and bytes of what could not stay so. */
struct walker {
	bool (*frame)(struct walker *w, const struct framed *l, const struct frame *frame);
	bool (*bytes)(struct walker *w, const unsigned char *bytes, size_t size);
	/* Around each layer; or NULL. enter: *skip is false before. */
	bool (*enter)(struct walker *w, size_t layer, bool *skip);
	bool (*leave)(struct walker *w, size_t layer);
	size_t first;                  /* layer; those before it are passed over, and what is before them */
	unsigned char *packed, *plain; /* for one frame */
	char *why;
};

/* One that holds something that does not stay: from its entry-th member, which begins at start, on. */
static bool
walk_cut(const struct compose *c, struct walker *w, size_t layer, const struct frame *frame, uint64_t at,
	 size_t entry, uint64_t start)
{
	const struct framed *l = &c->layer[layer];
	uint64_t end = at + frame->plain;

	if (!frames_read(l, frame, w->packed, w->why) || !frame_decode(frame, w->packed, w->plain, w->why))
		return false;
	for (; entry < l->members && start < end; start += l->member[entry++]) {
		uint64_t stop = start + l->member[entry], first = start > at ? start : at,
			 last = stop < end ? stop : end;

		if (c->keep[layer][entry] && first < last &&
		    !w->bytes(w, w->plain + (first - at), (size_t)(last - first)))
			return false;
	}
	return true;
}

static bool
walk_frame(const struct compose *c, struct walker *w, size_t layer, const struct frame *frame, uint64_t at,
	   size_t entry, uint64_t start)
{
	const struct framed *l = &c->layer[layer];
	uint64_t end = at + frame->plain, next = start;
	bool some = false, all = true;

	for (size_t i = entry; i < l->members && next < end; next += l->member[i++])
		if (l->member[i] > 0) {
			some = some || c->keep[layer][i];
			all = all && c->keep[layer][i];
		}
	if (caught_signal())
		return fail(w->why, "interrupted");
	if (all)
		return w->frame(w, l, frame);
	return !some || walk_cut(c, w, layer, frame, at, entry, start);
}

static bool
walk_frames(const struct compose *c, struct walker *w, size_t layer)
{
	const struct framed *l = &c->layer[layer];
	uint64_t at = 0, start = 0; /* of the frame, of the first member that is in it, in the plain layer */
	size_t entry = 0;

	for (size_t i = 0; i < l->frames; at += l->frame[i++].plain) {
		while (entry < l->members && start + l->member[entry] <= at)
			start += l->member[entry++];
		if (!walk_frame(c, w, layer, &l->frame[i], at, entry, start))
			return false;
	}
	return true;
}

static bool
walk_layer(const struct compose *c, struct walker *w, size_t layer)
{
	bool skip = false;

	if (w->enter != NULL && !w->enter(w, layer, &skip))
		return false;
	return skip || (walk_frames(c, w, layer) && (w->leave == NULL || w->leave(w, layer)));
}

static bool
walk_loose(const struct compose *c, struct walker *w, off_t from, off_t to)
{
	while (from < to) {
		size_t n = to - from < FRAME_MOST ? (size_t)(to - from) : FRAME_MOST;

		if (!read_at(c->loose, w->plain, n, from))
			return fail_errno(w->why, "cannot read a part of the layer");
		if (!w->bytes(w, w->plain, n))
			return false;
		from += (off_t)n;
	}
	return true;
}

static bool
walk(const struct compose *c, struct walker *w)
{
	bool good;

	w->packed = xmalloc(frame_bound());
	w->plain = xmalloc(FRAME_MOST);
	good = w->first > 0 || walk_loose(c, w, 0, c->early_end);
	for (size_t i = w->first; good && i < c->layers; i++)
		good = walk_layer(c, w, i);
	good = good && walk_loose(c, w, c->early_end, c->loose_end);
	free(w->packed);
	free(w->plain);
	return good;
}

/* --- As frames */

struct writer {
	struct walker w; /* first */
	compose_out *out;
	void *arg;
	ZSTD_CCtx *context;
	unsigned char *buffer, *made; /* what becomes a frame of its own; that frame */
	size_t used;
};

static bool
write_own_frame(struct writer *w)
{
	size_t n;

	if (w->used == 0)
		return true;
	n = ZSTD_compressCCtx(w->context, w->made, frame_bound(), w->buffer, w->used, LEVEL);
	if (ZSTD_isError(n))
		return fail(w->w.why, "cannot compress it: %.100s", ZSTD_getErrorName(n));
	w->used = 0;
	return w->out(w->arg, w->made, n, (uint32_t)crc32(0, w->made, (uInt)n), w->w.why);
}

static bool
write_bytes(struct walker *walker, const unsigned char *bytes, size_t size)
{
	struct writer *w = (struct writer *)walker;

	while (size > 0) {
		size_t n = size < FRAME_MOST - w->used ? size : FRAME_MOST - w->used;

		memcpy(w->buffer + w->used, bytes, n);
		w->used += n;
		bytes += n;
		size -= n;
		if (w->used == FRAME_MOST && !write_own_frame(w))
			return false;
	}
	return true;
}

static bool
write_frame(struct walker *walker, const struct framed *l, const struct frame *frame)
{
	struct writer *w = (struct writer *)walker;

	if (!write_own_frame(w) || !frames_read(l, frame, w->made, walker->why))
		return false;
	if (crc32(0, w->made, frame->length) != frame->crc)
		return fail(walker->why, FRAMES_DAMAGED);
	return w->out(w->arg, w->made, frame->length, frame->crc, walker->why);
}

bool
compose_write(const struct compose *c, compose_out *out, void *arg, char why[WHY])
{
	struct writer w = {.w = {.frame = write_frame, .bytes = write_bytes, .why = why},
			   .out = out,
			   .arg = arg,
			   .context = ZSTD_createCCtx(),
			   .buffer = xmalloc(FRAME_MOST),
			   .made = xmalloc(frame_bound())};
	bool good;

	if (w.context == NULL)
		die(EXIT_SYSTEM, "out of memory");
	good = walk(c, &w.w) && write_own_frame(&w);
	ZSTD_freeCCtx(w.context);
	free(w.buffer);
	free(w.made);
	return good;
}

/* --- Its digest */

struct hasher {
	struct walker w; /* first */
	struct ring ring;
	struct hash *hash;
	const struct compose *c;
	const struct beginnings *known;
	uint64_t size; /* hashed since the last beginning that is known */
};

/* The mark of a slot is the size of what comes out of it, or: */
enum { AS_IT_IS = 0 /* it is not compressed */ };

static bool
decode(struct slot *s, char why[WHY])
{
	struct frame frame = {.length = (uint32_t)s->size, .plain = s->mark};

	s->made = s->mark == AS_IT_IS ? s->size : s->mark;
	if (s->mark != AS_IT_IS)
		return frame_decode(&frame, s->in, s->out, why);
	memcpy(s->out, s->in, s->size);
	return true;
}

static bool
add_to_hash(void *hasher, const struct slot *s, char why[WHY])
{
	struct hasher *h = hasher;

	(void)why;
	hash_update(h->hash, s->out, s->made);
	h->size += s->made;
	return true;
}

static bool
hash_bytes(struct walker *walker, const unsigned char *bytes, size_t size)
{
	struct hasher *h = (struct hasher *)walker;
	struct slot *s = ring_slot(&h->ring, walker->why);

	if (s == NULL)
		return false;
	memcpy(s->in, bytes, size);
	s->size = size;
	s->mark = AS_IT_IS;
	ring_give(&h->ring);
	return true;
}

static bool
hash_frame(struct walker *walker, const struct framed *l, const struct frame *frame)
{
	struct hasher *h = (struct hasher *)walker;
	struct slot *s = ring_slot(&h->ring, walker->why);

	if (s == NULL || !frames_read(l, frame, s->in, walker->why))
		return false;
	s->size = frame->length;
	s->mark = frame->plain;
	ring_give(&h->ring);
	return true;
}

enum { TURN_MS = 5 };

/* Not one that sleeps: the signal that ends it may come to another thread. False: one has come. */
static bool
take_turn(int fd, char why[WHY])
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		if (caught_signal())
			return fail(why, "interrupted");
		poll(NULL, 0, TURN_MS);
	}
	return true;
}

/*
 * A layer of a beginning is hashed by one at a time, of all images that are packed at once: who waits finds it known. The file's lock goes
 * with who holds it, and nobody holds two, so that nobody waits for ever.
 */
static bool
hash_enter(struct walker *walker, size_t layer, bool *skip)
{
	struct hasher *h = (struct hasher *)walker;
	unsigned char state[HASH_STATE];
	int fd = h->c->layer[layer].fd;

	if (layer >= h->c->uncut)
		return true;
	if (!take_turn(fd, walker->why))
		return false;
	*skip = h->known->find(h->known->arg, layer + 1, state);
	if (*skip) {
		flock(fd, LOCK_UN);
		if (!ring_drain(&h->ring, walker->why))
			return false;
		hash_resume(h->hash, state);
		h->size = 0;
	}
	return true;
}

static bool
hash_leave(struct walker *walker, size_t layer)
{
	struct hasher *h = (struct hasher *)walker;
	unsigned char state[HASH_STATE];
	bool good;

	if (layer >= h->c->uncut)
		return true;
	good = ring_drain(&h->ring, walker->why);
	if (good && h->size >= BEGINNING_ENOUGH && hash_save(h->hash, state)) {
		h->known->keep(h->known->arg, layer + 1, state);
		h->size = 0;
	}
	flock(h->c->layer[layer].fd, LOCK_UN);
	return good;
}

/* As far on as is known. */
static void
begin_hash(struct hasher *h)
{
	unsigned char state[HASH_STATE];

	for (size_t n = h->c->uncut; n > 0; n--)
		if (h->known->find(h->known->arg, n, state)) {
			hash_resume(h->hash, state);
			h->w.first = n;
			return;
		}
}

bool
compose_digest(const struct compose *c, const struct beginnings *known, char digest[DIGEST], char why[WHY])
{
	struct hasher h = {.w = {.frame = hash_frame, .bytes = hash_bytes, .why = why},
			   .hash = hash_new(),
			   .c = c,
			   .known = known};
	bool good;

	if (known->find != NULL) {
		h.w.enter = hash_enter;
		h.w.leave = hash_leave;
		begin_hash(&h);
	}
	ring_start(&h.ring, frame_bound(), decode, add_to_hash, &h);
	good = walk(c, &h.w);
	good = ring_end(&h.ring, why) && good;
	hash_end(h.hash, digest);
	hash_free(h.hash);
	return good;
}
