/*
 * recode.h - the layers of an export as a registry serves them: each proved to be
 * what it says, and compressed as wanted, while the rest of the export still comes.
 *
 *	recoder_start(&r, folder, ZSTD, 0, &e);
 *	read_export(in, folder, recoder_arrival, &r, &e, why);
 *	l = recoder_want(&r, blob->offset, blob->size);
 *	recoder_finish(&r);
 *	if (!l->good) ...
 *	recoder_free(&r);
 */
#ifndef RECODE_H
#define RECODE_H

#include <pthread.h>

#include "image/export.h"

enum { RECODERS_MAX = 3 };

struct recoded {
	/* in the export */
	int in; /* a pipe that it comes by instead, or -1 */
	off_t offset;
	uint64_t size;
	char stored[DIGEST]; /* of the bytes as they lie there */
	char diff_id[DIGEST];

	/* as it is served */
	enum coding coding;
	int fd; /* its own file, or the export's */
	off_t at;
	uint64_t length;
	char digest[DIGEST];

	bool good;
	char why[WHY];
};

struct recoder {
	const char *folder;
	enum coding wanted;
	uint64_t least; /* bytes: a smaller plain layer stays plain */
	const struct export *export;

	/* Of all that follows; what item[i] points at is its worker's, then everybody's. */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct recoded **item;
	size_t items, next;
	bool hurry; /* what can be served as it is need not be compressed any more, if it is hardly begun */
	bool closed;
	pthread_t thread[RECODERS_MAX];
	size_t threads;
};

void recoder_start(struct recoder *r, const char *folder, enum coding wanted, uint64_t least,
		   const struct export *e);
void recoder_hurry(struct recoder *r);
void recoder_arrival(void *recoder, const char *name, off_t offset, uint64_t size);
struct recoded *recoder_want(struct recoder *r, off_t offset, uint64_t size);
struct recoded *recoder_stream(struct recoder *r, int in, uint64_t size);
void recoder_finish(struct recoder *r);
void recoder_free(struct recoder *r);

#endif
