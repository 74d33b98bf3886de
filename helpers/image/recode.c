/*
 * recode.c - the layers of an export as a registry serves them.
 *
 * One reading of a layer does all: it takes the hash of the bytes as they lie, of
 * the plain tar in them, which the config names, and compresses that. Workers do
 * so with every layer as soon as it has arrived whole, so that little is left to
 * do when the export ends. What is a layer is told by its first bytes then, since
 * the export says which member is what only at its end.
 *
 * A layer that is gzip already is served as it is, unless it is several members or
 * padded: Go's gzip fails at padding, and other readers stop at the first member.
 * One that is zstd is not served as it is: it may be several frames, of which
 * smolvm unpacks the first only (encode.c).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/encode.h"
#include "image/proof.h"
#include "image/recode.h"

enum { CHUNK = 256 << 10 };

struct job {
	struct recoder *recoder;
	struct recoded *layer;
	int fd;      /* where the layer is read */
	bool stream; /* a pipe: it ends where it ends */
	off_t at;
	uint64_t left;
	enum coding coding; /* as it is stored */
	struct proof *proof;
	struct encoder *encoder; /* NULL: it is served as it is */
	unsigned char *chunk;
};

/* What the bytes are; false where they are nothing that a layer begins with. */
static bool
sniff(int fd, off_t offset, uint64_t size, enum coding *coding)
{
	unsigned char start[MAGIC];
	size_t n = size < MAGIC ? (size_t)size : MAGIC;

	*coding = PLAIN;
	return read_at(fd, start, n, offset) && tell_coding(start, n, coding);
}

/* The next bytes as they are stored; 0 at their end, -1 where that cannot be. */
static ssize_t
take(struct job *j)
{
	ssize_t n = j->left < CHUNK ? (ssize_t)j->left : CHUNK;
	char *why = j->layer->why;

	if (caught_signal()) {
		fail(why, "interrupted");
		return -1;
	}
	if (j->stream)
		n = read_some(j->fd, j->chunk, CHUNK);
	else if (!read_at(j->fd, j->chunk, (size_t)n, j->at))
		n = -1;
	if (n < 0) {
		fail_errno(why, "cannot read it");
		return -1;
	}
	j->at += n;
	j->left -= j->stream ? 0 : (uint64_t)n;
	return n;
}

/* Where the plain tar goes. */
static bool
give(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct job *j = arg;

	return j->encoder == NULL || encoder_add(j->encoder, bytes, size, why);
}

/* From the export itself, which j->fd is. */
static void
serve_as_it_is(struct job *j)
{
	j->layer->coding = j->coding;
	j->layer->fd = j->fd;
	j->layer->own = false;
	j->layer->at = j->layer->offset;
}

/*
 * Somebody waits now, and most of it is still to be compressed. To hash the rest takes a quarter of that
 * time; that a plain layer is pulled more slowly outweighs it only when more than this is done (rates of the
 * bench: 0.8 and 3.3 ms/MB, 4.1 and 3.2 ms/MB).
 */
static bool
is_late(const struct job *j)
{
	struct recoder *r = j->recoder;
	bool hurry;

	if (j->encoder == NULL || j->left < j->layer->size / 8 * 3)
		return false;
	pthread_mutex_lock(&r->lock);
	hurry = r->hurry;
	pthread_mutex_unlock(&r->lock);
	return hurry;
}

static void
leave_plain(struct job *j)
{
	encoder_free(j->encoder);
	j->encoder = NULL;
	close(j->layer->fd);
	serve_as_it_is(j);
}

static bool
read_layer(struct job *j)
{
	ssize_t n;

	while ((n = take(j)) > 0) {
		if (!proof_add(j->proof, j->chunk, (size_t)n, j->layer->why))
			return false;
		if (j->coding == PLAIN && !j->stream && is_late(j))
			leave_plain(j);
	}
	return n == 0;
}

/* The space in the export of a layer that has a file of its own now, where that can be done. */
static void
give_back(int spool, const struct recoded *l)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	fallocate(spool, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, l->offset, (off_t)l->size);
#else
	(void)spool;
	(void)l;
#endif
}

static bool
run_job(struct job *j)
{
	struct recoded *l = j->layer;

	if (!read_layer(j) || !proof_end(j->proof, l->stored, l->diff_id, l->why))
		return false;
	if (j->encoder != NULL)
		return encoder_end(j->encoder, l->digest, &l->length, l->why);
	l->length = l->size;
	memcpy(l->digest, l->stored, DIGEST);
	return true;
}

static struct job *
new_job(struct recoder *r, struct recoded *l)
{
	struct job *j = xmalloc(sizeof(*j));

	*j = (struct job){.recoder = r,
			  .layer = l,
			  .fd = r->export->spool,
			  .at = l->offset,
			  .left = l->size,
			  .coding = PLAIN};
	j->stream = l->in >= 0;
	if (j->stream)
		j->fd = l->in;
	else
		sniff(j->fd, l->offset, l->size, &j->coding);
	j->proof = proof_new(j->coding, give, j);
	j->chunk = xmalloc(CHUNK);
	return j;
}

static void
free_job(struct job *j)
{
	if (j->stream)
		close(j->fd); /* who writes there must not wait for us */
	encoder_free(j->encoder);
	proof_free(j->proof);
	free(j->chunk);
	free(j);
}

/* Where it is served from: the export itself, or a file of its own. */
static bool
open_target(struct job *j, const struct recoder *r, bool hurry, bool anew)
{
	struct recoded *l = j->layer;
	bool plain = r->wanted == PLAIN || hurry || l->size < r->least;

	if (!j->stream && ((j->coding == GZIP && !anew) || (j->coding == PLAIN && plain))) {
		serve_as_it_is(j);
		return true;
	}
	l->coding = j->coding == GZIP && r->wanted == PLAIN ? GZIP : r->wanted;
	l->fd = unlinked_file(r->folder);
	if (l->fd < 0)
		return fail_errno(l->why, "cannot make a file in '%.100s'", r->folder);
	l->own = true;
	j->encoder = encoder_new(l->coding, l->size, l->fd);
	return true;
}

/* Whether it has to be done again: what was to be served as it is, not every client would read. */
static bool
recode_once(struct recoder *r, struct recoded *l, bool hurry, bool anew)
{
	struct job *j = new_job(r, l);
	bool again;

	l->good = open_target(j, r, hurry, anew) && run_job(j);
	if (l->good && j->encoder != NULL && !j->stream)
		give_back(j->fd, l);
	again = l->good && j->encoder == NULL && !proof_simple(j->proof);
	free_job(j);
	return again;
}

static void
recode(struct recoder *r, struct recoded *l, bool hurry)
{
	if (recode_once(r, l, hurry, false))
		recode_once(r, l, hurry, true);
	if (l->good && r->proved != NULL)
		r->proved(l);
}

static void *
work(void *arg)
{
	struct recoder *r = arg;
	struct recoded *l;
	bool hurry;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (r->next == r->items && !r->closed)
			pthread_cond_wait(&r->more, &r->lock);
		if (r->next == r->items)
			break;
		l = r->item[r->next++];
		hurry = r->hurry;
		pthread_mutex_unlock(&r->lock);
		recode(r, l, hurry);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void
recoder_start(struct recoder *r, const char *folder, enum coding wanted, uint64_t least,
	      const struct export *e)
{
	*r = (struct recoder){.folder = folder, .wanted = wanted, .least = least, .export = e};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	for (size_t i = 0; i < processors(RECODERS_MAX); i++)
		if (pthread_create(&r->thread[r->threads], NULL, work, r) == 0)
			r->threads++;
	if (r->threads == 0)
		die(EXIT_SYSTEM, "cannot start a thread");
}

static struct recoded *
add(struct recoder *r, int in, off_t offset, uint64_t size)
{
	struct recoded *l = xmalloc(sizeof(*l));

	*l = (struct recoded){.in = in, .offset = offset, .size = size, .fd = -1};
	pthread_mutex_lock(&r->lock);
	r->item = xrealloc(r->item, (r->items + 1) * sizeof(struct recoded *));
	r->item[r->items++] = l;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	return l;
}

void
recoder_hurry(struct recoder *r)
{
	pthread_mutex_lock(&r->lock);
	r->hurry = true;
	pthread_mutex_unlock(&r->lock);
}

void
recoder_arrival(void *recoder, const char *name, off_t offset, uint64_t size)
{
	struct recoder *r = recoder;
	enum coding coding;

	(void)name; /* tells nothing: "layer.tar" here, a digest there, the config's too */
	if (size > 0 && sniff(r->export->spool, offset, size, &coding))
		add(r, -1, offset, size);
}

struct recoded *
recoder_want(struct recoder *r, off_t offset, uint64_t size)
{
	for (size_t i = 0; i < r->items; i++)
		if (r->item[i]->in < 0 && r->item[i]->offset == offset)
			return r->item[i];
	return add(r, -1, offset, size);
}

struct recoded *
recoder_stream(struct recoder *r, int in, uint64_t size)
{
	return add(r, in, 0, size);
}

bool
recoder_flat(struct recoder *r, struct flat *f, uint64_t size, struct recoded **layer, char digest[DIGEST],
	     char why[WHY])
{
	uint64_t written;
	int ends[2];
	bool good;

	if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		return fail_errno(why, "cannot make a pipe");
	*layer = recoder_stream(r, ends[0], size);
	good = flat_write(f, ends[1], digest, &written, why);
	close(ends[1]);
	return good;
}

void
recoder_finish(struct recoder *r)
{
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->threads; i++)
		pthread_join(r->thread[i], NULL);
	r->threads = 0;
}

void
recoder_free(struct recoder *r)
{
	recoder_finish(r);
	for (size_t i = 0; i < r->items; i++) {
		if (r->item[i]->own)
			close(r->item[i]->fd);
		free(r->item[i]);
	}
	free(r->item);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
}
