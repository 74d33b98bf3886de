/*
 * framed.c - the layers of native packs, in frames.
 *
 * In the store such a layer is found by a digest of what its bytes depend on: the diff_id, the format, libzstd's version. No engine
 * pushes anything under that name, and no registry serves it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "image/pour.h"
#include "registry/framed.h"
#include "registry/store.h"

static void
key_of(const char *diff_id, char key[DIGEST])
{
	char *text = format("smolmake frames " FRAMES_FORMAT ", zstd %s, %s", ZSTD_versionString(), diff_id);

	digest_bytes(text, strlen(text), key);
	free(text);
}

static void
beginning_key(char (*diff_ids)[DIGEST], size_t layers, char key[DIGEST])
{
	struct hash *h = hash_new();

	hash_update(h, "smolmake beginning " FRAMES_FORMAT, strlen("smolmake beginning " FRAMES_FORMAT));
	for (size_t i = 0; i < layers; i++)
		hash_update(h, diff_ids[i], strlen(diff_ids[i]) + 1);
	hash_end(h, key);
	hash_free(h);
}

/* The caller frees it. */
static char *
path_in_run(const char *diff_id)
{
	return format("%s/%s.frames", needed("RUN"), digest_digits(diff_id));
}

static int
open_in_run(const char *diff_id)
{
	char *path = path_in_run(diff_id);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	free(path);
	return fd;
}

static bool
find(const char *diff_id, struct kept *k)
{
	char key[DIGEST];

	key_of(diff_id, key);
	k->fd = open_in_run(diff_id);
	return k->fd >= 0 || (store_most() > 0 && store_find(key, FRAMES, k));
}

bool
framed_find(const char *diff_id, struct framed *f)
{
	char ignored[WHY];
	struct kept k;

	if (!find(diff_id, &k))
		return false;
	if (f != NULL)
		return frames_open(f, k.fd, needed("RUN"), ignored);
	close(k.fd);
	return true;
}

static bool
take(void *decoder, const void *bytes, size_t size, char why[WHY])
{
	return decoder_add(decoder, bytes, size, why);
}

/* The layer as a plain tar, in a file without a name; -1, and why. */
static int
decode(int fd, off_t offset, uint64_t size, enum coding coding, char why[WHY])
{
	int out = unlinked_file(needed("RUN"));
	struct decoder *d = decoder_new(coding, into_file, &out);
	bool good = out >= 0 || fail_errno(why, "cannot make a file in '%.100s'", needed("RUN"));

	good = good && pour(fd, offset, size, take, d, why) && decoder_end(d, why);
	decoder_free(d);
	if (!good && out >= 0)
		close(out);
	return good ? out : -1;
}

/*
 * In the store, where it fits, else in the run's folder; what can be in neither is made again by who needs it. Not in both by a hard
 * link: that its other name goes with the run changes the file's ctime, and the store reads in full what has changed.
 */
static void
keep(const struct kept *k, const char *path)
{
	char *mine = path_in_run(k->diff_id), ignored[WHY];

	if (k->size <= store_most() && store_add(k, path, ignored))
		store_trim(store_most());
	else if (rename(path, mine) != 0)
		unlink(path);
	free(mine);
}

static bool
make_of_plain(const char *diff_id, int fd, off_t offset, uint64_t size, struct framed *f, char why[WHY])
{
	struct kept k = {.coding = FRAMES, .plain = size, .sent = size};
	char *path = format("%s/frames.XXXXXX", needed("RUN"));
	bool good;

	key_of(diff_id, k.pushed);
	memcpy(k.diff_id, diff_id, DIGEST);
	k.fd = mkostemp(path, O_CLOEXEC);
	good = k.fd >= 0 || fail_errno(why, "cannot make a file in '%.100s'", needed("RUN"));
	if (good) {
		good = frames_make(fd, offset, offset + (off_t)size, k.fd, needed("RUN"), k.digest, &k.size,
				   why);
		if (good)
			keep(&k, path);
		else
			unlink(path);
	}
	free(path);
	if (good && f != NULL)
		return frames_open(f, k.fd, needed("RUN"), why);
	if (k.fd >= 0)
		close(k.fd);
	return good;
}

bool
framed_make(const char *diff_id, int fd, off_t offset, uint64_t size, enum coding coding, struct framed *f,
	    char why[WHY])
{
	int plain = coding == PLAIN ? fd : decode(fd, offset, size, coding, why);
	bool good;

	if (coding == PLAIN)
		return make_of_plain(diff_id, fd, offset, size, f, why);
	if (plain < 0)
		return false;
	good = make_of_plain(diff_id, plain, 0, (uint64_t)lseek(plain, 0, SEEK_END), f, why);
	close(plain);
	return good;
}

bool
framed_beginning(char (*diff_ids)[DIGEST], size_t layers, unsigned char state[HASH_STATE])
{
	struct kept k;
	char key[DIGEST];
	bool good;

	beginning_key(diff_ids, layers, key);
	if (store_most() == 0 || !store_find(key, BEGINNING, &k))
		return false;
	good = k.size == HASH_STATE && read_at(k.fd, state, HASH_STATE, 0);
	close(k.fd);
	return good;
}

/* It only saves time: where it cannot be kept, it is not. */
void
framed_keep_beginning(char (*diff_ids)[DIGEST], size_t layers, const unsigned char state[HASH_STATE])
{
	struct kept k = {.coding = BEGINNING, .size = HASH_STATE};
	char *path = format("%s/beginning.XXXXXX", needed("RUN")), ignored[WHY];

	if (store_most() == 0 || (k.fd = mkostemp(path, O_CLOEXEC)) < 0) {
		free(path);
		return;
	}
	beginning_key(diff_ids, layers, k.pushed);
	memcpy(k.diff_id, k.pushed, DIGEST);
	digest_bytes(state, HASH_STATE, k.digest);
	if (!write_all(k.fd, state, HASH_STATE) || !store_add(&k, path, ignored))
		unlink(path);
	close(k.fd);
	free(path);
}
