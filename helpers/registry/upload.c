/*
 * upload.c - a blob on its way in.
 *
 * One pass does all: the digest that the pusher will name, for a layer that of the
 * plain tar in it, and its new form. What is no layer is kept as it came. Layers are,
 * where their form is the one that is wanted; but for zstd, which may be several
 * frames, of which smolvm unpacks the first only (encode.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/encode.h"
#include "registry/upload.h"

struct upload *
upload_new(const char *folder, enum coding wanted, uint64_t about)
{
	struct upload *u = xmalloc(sizeof(*u));

	*u = (struct upload){.folder = folder, .wanted = wanted, .about = about, .kept.fd = -1};
	return u;
}

static bool
deliver(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct upload *u = arg;

	u->kept.plain += u->layer ? size : 0;
	return u->as_it_is || encoder_add(u->encoder, bytes, size, why);
}

static bool
begin(struct upload *u, char why[WHY])
{
	enum coding coding;

	u->layer = tell_coding(u->start, u->started, &coding);
	u->path = format("%s/upload.XXXXXX", u->folder);
	u->kept.fd = mkostemp(u->path, O_CLOEXEC);
	if (u->kept.fd < 0) {
		free(u->path);
		u->path = NULL;
		return fail_errno(why, "cannot make a file in '%.100s'", u->folder);
	}
	u->as_it_is = !u->layer || u->wanted == PLAIN || (u->wanted == GZIP && coding == GZIP);
	u->kept.coding = u->as_it_is ? coding : u->wanted;
	u->encoder = encoder_new(u->as_it_is ? PLAIN : u->wanted, u->about, u->kept.fd);
	u->proof = proof_new(coding, deliver, u);
	return true;
}

static bool
take(struct upload *u, const void *bytes, size_t size, char why[WHY])
{
	return (!u->as_it_is || encoder_add(u->encoder, bytes, size, why)) &&
	       proof_add(u->proof, bytes, size, why);
}

static bool
start(struct upload *u, char why[WHY])
{
	return begin(u, why) && take(u, u->start, u->started, why);
}

static bool
add(struct upload *u, const unsigned char *bytes, size_t size, char why[WHY])
{
	if (u->encoder == NULL) {
		size_t n = size < MAGIC - u->started ? size : MAGIC - u->started;

		memcpy(u->start + u->started, bytes, n);
		u->started += n;
		bytes += n;
		size -= n;
		if (u->started < MAGIC)
			return true;
		if (!start(u, why))
			return false;
	}
	return take(u, bytes, size, why);
}

/* It has failed for good, if it has not before; errno is of that. */
static void
settle(struct upload *u, bool good)
{
	if (!good) {
		u->bad = true;
		u->full = errno == ENOSPC || errno == EDQUOT;
	}
}

void
upload_add(struct upload *u, const void *bytes, size_t size)
{
	u->taken += size;
	if (u->bad)
		return;
	errno = 0;
	settle(u, add(u, bytes, size, u->why));
}

static bool
end(struct upload *u)
{
	return (u->encoder != NULL || start(u, u->why)) &&
	       proof_end(u->proof, u->kept.pushed, u->kept.diff_id, u->why) &&
	       encoder_end(u->encoder, u->kept.digest, &u->kept.size, u->why);
}

bool
upload_end(struct upload *u, struct kept *kept)
{
	if (u->bad)
		return false;
	errno = 0;
	settle(u, end(u));
	if (u->bad)
		return false;
	u->kept.sent = u->taken;
	if (!u->layer)
		*u->kept.diff_id = '\0';
	*kept = u->kept;
	u->kept.fd = -1;
	u->bad = true; /* there is nothing left to end */
	return true;
}

void
upload_free(struct upload *u)
{
	if (u == NULL)
		return;
	if (u->path != NULL)
		unlink(u->path);
	free(u->path);
	if (u->kept.fd >= 0)
		close(u->kept.fd);
	proof_free(u->proof);
	encoder_free(u->encoder);
	free(u);
}
