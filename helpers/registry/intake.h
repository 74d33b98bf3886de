/*
 * intake.h - what is pushed to a registry: uploads, blobs and manifests, until an image of the catalog is complete.
 *
 *	intake_start(&in, &catalog, orders, ZSTD, run folder, bytes to keep, -1);
 *	...                                      its functions, from any thread
 *	intake_end(&in);
 *
 * Only the images that were ordered can come in, each known by the digest of its config. The config names the
 * content of every layer, and every byte that comes is proved against a digest: so nobody who pushes something
 * else gets it served, whatever its name is.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <pthread.h>

#include "registry/catalog.h"
#include "registry/order.h"
#include "registry/store.h"
#include "registry/upload.h"

/* Bytes: registries take no larger manifests; a config, with its labels, may be as large as of an export. */
enum { UPLOAD_NAME = 33, MANIFEST_MAX = 4 << 20, CONFIG_MAX = 64 << 20 };

/* How a step of a push ends. */
enum taken { TAKEN, NOT_THERE, BUSY, WRONG_DIGEST, NOT_WANTED, BLOB_MISSING, WRONG_CONTENT, NO_ROOM };

/* An upload that was asked for. */
struct slot {
	struct slot *next;
	char name[UPLOAD_NAME];
	char repository[256];
	struct upload *upload;
	bool busy; /* a request writes to it */
	int64_t used;
};

/* A manifest as it was pushed, which is not what is served under its tag. */
struct pushed {
	char repository[256];
	struct content content;
};

struct intake {
	struct catalog *catalog;
	const struct order *order; /* of each image of the catalog */
	enum coding wanted;
	const char *folder;
	uint64_t most; /* bytes to be kept after us; 0: nothing */
	int lines;

	pthread_mutex_t lock; /* of all that follows */
	struct kept *kept;    /* blobs that we have said we have */
	size_t count;
	struct slot *slot;
	size_t slots;
	struct pushed *pushed;
	size_t manifests;
	bool told; /* that nothing can be kept */
};

/*
 * order: one for each image of the catalog, which has their names. folder: for what is on its way. lines: a
 * descriptor that gets a line of JSON for every blob that comes, or -1.
 */
void intake_start(struct intake *in, struct catalog *c, const struct order *order, enum coding wanted,
		  const char *folder, uint64_t most, int lines);

/* When the server is gone: what was on its way goes, what is kept is brought down to its bound. */
void intake_end(struct intake *in);

/* The blob that was pushed under this digest, or NULL. The lock is held, and as long as the blob is used. */
struct kept *intake_find(struct intake *in, const char *digest);

/* Whether the blob that was pushed under this digest, now or once, is here; its file stays ours. */
bool intake_blob(struct intake *in, const char *digest, struct kept *k);

/*
 * A new upload, claimed; NULL where there are too many. about: how many bytes it will be, 0 where that is
 * unknown.
 */
struct slot *intake_upload(struct intake *in, const char *repository, uint64_t about);

/*
 * TAKEN: *slot is the caller's alone until it is released, dropped or finished. NOT_THERE, BUSY: it is NULL.
 */
enum taken intake_claim(struct intake *in, const char *repository, const char *name, struct slot **slot);

/* The upload may be claimed by another request. */
void intake_release(struct intake *in, struct slot *s);

/* The upload is given up; what has come of it is removed. */
void intake_drop(struct intake *in, struct slot *s);

/* It must be what the pusher says it is; in any case the upload is over. */
enum taken intake_finish(struct intake *in, struct slot *s, const char *digest, char why[WHY]);

/* text: size bytes and a NUL behind them. digest: what it is called from now on. */
enum taken intake_manifest(struct intake *in, const struct target *r, const char *type, const char *text,
			   size_t size, char digest[DIGEST], char why[WHY]);

/* A manifest by the digest that it was pushed under; a copy. */
bool intake_pushed(struct intake *in, const struct target *r, struct content *content);

#endif
