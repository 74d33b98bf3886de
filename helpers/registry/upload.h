/*
 * upload.h - a blob on its way in: hashed, and compressed anew, as it comes, into a file.
 *
 *	u = upload_new(folder, ZSTD, length);
 *	while (...)
 *		upload_add(u, bytes, n, why);
 *	if (upload_end(u, &kept, why))
 *		...                             kept.fd is the caller's; the file is at u->path
 *	upload_free(u);                         removes what is still at u->path
 */
#ifndef UPLOAD_H
#define UPLOAD_H

#include "image/proof.h"
#include "registry/store.h"

struct upload {
	uint64_t taken; /* bytes that have come */
	char *path;     /* NULL while there is no file, and when it is another's business */

	/* private */
	const char *folder;
	enum coding wanted;
	uint64_t about;
	struct kept kept;
	bool as_it_is;
	struct proof *proof;
	bool layer;
	struct encoder *encoder;
	unsigned char start[MAGIC]; /* what has come before it is known what comes */
	size_t started;
	bool bad, full; /* it has failed; there was no room for it */
	char why[WHY];
};

/* about: how many bytes will come, 0 where that is unknown. folder must outlive it. */
struct upload *upload_new(const char *folder, enum coding wanted, uint64_t about);

/* After a failure nothing more is taken. */
void upload_add(struct upload *u, const void *bytes, size_t size);

/* All of it is there, once: what it is. kept->fd becomes the caller's. False: u->why. */
bool upload_end(struct upload *u, struct kept *kept);

/* Frees it, and removes the file that is still its own. */
void upload_free(struct upload *u);

#endif
