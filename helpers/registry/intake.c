/*
 * intake.c - the uploads and blobs of a push.
 *
 * A blob that we have said we have stays open from then on: no eviction takes it away.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/intake.h"

enum {
	SLOTS_MAX = 64,  /* uploads at once; engines do five */
	KEPT_MAX = 2048, /* each a descriptor */
	NAME_BYTES = (UPLOAD_NAME - 1) / 2,
};

void
intake_start(struct intake *in, struct catalog *c, const struct order *order, enum coding wanted,
	     const char *folder, uint64_t most, int lines)
{
	*in = (struct intake){
	    .catalog = c, .order = order, .wanted = wanted, .folder = folder, .most = most, .lines = lines};
	pthread_mutex_init(&in->lock, NULL);
}

/* --- Blobs */

static struct kept *
find_kept(struct intake *in, const char *digest)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->kept[i].pushed, digest) == 0)
			return &in->kept[i];
	return NULL;
}

/* Its file becomes ours. */
static bool
hold(struct intake *in, const struct kept *k)
{
	if (in->count == KEPT_MAX)
		return false;
	in->kept = xrealloc(in->kept, (in->count + 1) * sizeof(*in->kept));
	in->kept[in->count++] = *k;
	return true;
}

struct kept *
intake_find(struct intake *in, const char *digest)
{
	struct kept *known = find_kept(in, digest), k;

	if (known != NULL || in->most == 0 || !store_find(digest, in->wanted, &k))
		return known;
	if (!hold(in, &k)) {
		close(k.fd);
		return NULL;
	}
	return &in->kept[in->count - 1];
}

bool
intake_blob(struct intake *in, const char *digest, struct kept *k)
{
	struct kept *found;

	pthread_mutex_lock(&in->lock);
	found = intake_find(in, digest);
	if (found != NULL)
		*k = *found;
	pthread_mutex_unlock(&in->lock);
	return found != NULL;
}

/* --- Uploads */

/* Takes it out of the list. */
static void
remove_slot(struct intake *in, struct slot *s)
{
	struct slot **at = &in->slot;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	in->slots--;
	upload_free(s->upload);
	free(s);
}

/* Those that were asked for and never used cost little, and go first when there are too many. */
static bool
make_room(struct intake *in)
{
	struct slot *oldest = NULL;

	if (in->slots < SLOTS_MAX)
		return true;
	for (struct slot *s = in->slot; s != NULL; s = s->next)
		if (!s->busy && (oldest == NULL || s->used < oldest->used))
			oldest = s;
	if (oldest != NULL)
		remove_slot(in, oldest);
	return oldest != NULL;
}

/* Nobody can guess it, so that nobody writes to another's upload. */
static void
make_name(char name[UPLOAD_NAME])
{
	random_hex(NAME_BYTES, name);
}

struct slot *
intake_upload(struct intake *in, const char *repository, uint64_t about)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&in->lock);
	if (make_room(in)) {
		s = xmalloc(sizeof(*s));
		*s = (struct slot){.next = in->slot, .busy = true, .used = now_ms()};
		make_name(s->name);
		snprintf(s->repository, sizeof(s->repository), "%s", repository);
		s->upload = upload_new(in->folder, in->wanted, about);
		in->slot = s;
		in->slots++;
	}
	pthread_mutex_unlock(&in->lock);
	return s;
}

enum taken
intake_claim(struct intake *in, const char *repository, const char *name, struct slot **slot)
{
	enum taken how = NOT_THERE;

	*slot = NULL;
	pthread_mutex_lock(&in->lock);
	for (struct slot *s = in->slot; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0 && strcmp(s->repository, repository) == 0) {
			how = s->busy ? BUSY : TAKEN;
			*slot = s->busy ? NULL : s;
			s->busy = true;
		}
	pthread_mutex_unlock(&in->lock);
	return how;
}

void
intake_release(struct intake *in, struct slot *s)
{
	pthread_mutex_lock(&in->lock);
	s->busy = false;
	s->used = now_ms();
	pthread_mutex_unlock(&in->lock);
}

void
intake_drop(struct intake *in, struct slot *s)
{
	pthread_mutex_lock(&in->lock);
	remove_slot(in, s);
	pthread_mutex_unlock(&in->lock);
}

/*
 * Only layers are worth it; and that they cannot be kept is no reason to fail. What gives way is still here
 * for this run, where it has it open.
 */
static void
keep(struct intake *in, const struct kept *k, const char *path)
{
	char why[WHY];

	if (*k->diff_id && in->most > 0 && store_add(k, path, why)) {
		store_trim(in->most);
		return;
	}
	if (*k->diff_id && in->most > 0 && !in->told) {
		say("%s; going on without", why);
		in->told = true;
	}
	unlink(path);
}

/* Digests have no character that JSON would escape. */
static void
tell(struct intake *in, const struct kept *k)
{
	char line[256];
	int n =
	    snprintf(line, sizeof(line), "{\"blob\":\"%s\",\"bytes\":%llu,\"kept\":\"%s\",\"size\":%llu}\n",
		     k->pushed, (unsigned long long)k->sent, k->digest, (unsigned long long)k->size);

	if (in->lines >= 0 && !write_all(in->lines, line, (size_t)n))
		in->lines = -1; /* nobody listens any more */
}

/* The blob has come, as k, and lies at path. */
static enum taken
arrive(struct intake *in, const struct kept *k, const char *path, char why[WHY])
{
	enum taken how = TAKEN;

	pthread_mutex_lock(&in->lock);
	if (find_kept(in, k->pushed) != NULL) { /* it came twice at once */
		unlink(path);
		close(k->fd);
	} else if (hold(in, k))
		keep(in, k, path);
	else {
		fail(why, "too many blobs");
		how = NO_ROOM;
		unlink(path);
		close(k->fd);
	}
	tell(in, k);
	pthread_mutex_unlock(&in->lock);
	return how;
}

enum taken
intake_finish(struct intake *in, struct slot *s, const char *digest, char why[WHY])
{
	enum taken how = WRONG_CONTENT;
	struct kept k;

	if (!upload_end(s->upload, &k)) {
		memcpy(why, s->upload->why, WHY);
		how = s->upload->full ? NO_ROOM : WRONG_CONTENT;
	} else {
		if (strcmp(k.pushed, digest) == 0) {
			how = arrive(in, &k, s->upload->path, why);
			free(s->upload->path);
			s->upload->path = NULL;
		} else {
			fail(why, "it is %.19s...", k.pushed);
			how = WRONG_DIGEST;
			close(k.fd);
		}
	}
	intake_drop(in, s);
	return how;
}

void
intake_end(struct intake *in)
{
	while (in->slot != NULL)
		remove_slot(in, in->slot);
	for (size_t i = 0; i < in->count; i++)
		close(in->kept[i].fd);
	free(in->kept);
	free(in->pushed);
	pthread_mutex_destroy(&in->lock);
	store_trim(in->most);
}
