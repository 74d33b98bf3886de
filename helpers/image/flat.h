/* flat.h - an image that is being flattened (private to flatten.c and flat-write.c). */
#ifndef FLAT_H
#define FLAT_H

#include "image/flatten.h"
#include "image/member.h"
#include "image/tree.h"

struct place {
	int fd;
	off_t start, end;
};

struct flat;

/* The content of a file, size bytes, into the sink. */
typedef bool flat_content(struct flat *f, struct member_sink *s, const struct file *file, uint64_t size);

struct flat {
	bool for_artifact; /* see flat_for_artifact */
	struct tree tree;
	char *outward;       /* see flat_outward */
	uint64_t files;      /* bytes of those that are there in the end; 0 until it is measured */
	uint64_t size;       /* bytes of all files, those that a later layer replaces and holes included */
	struct place *place; /* of each layer, as a plain tar */
	int scratch;         /* what was compressed, decoded; -1: nothing was */
	struct entry_reader reader; /* of the layer that is being read */
	struct place *read;         /* which one that is */
	uint32_t entry;             /* of the layer that is being applied, from 0 */

	/* where the places have headers alone: */
	flat_content *content; /* else NULL */
	void *content_arg;
};

/* Nothing in it yet, and room for so many layers. */
struct flat *flat_new(size_t layers);

/* Applies the layer that is at its place, behind those before it; false, and why, where that cannot be. */
bool flat_apply(struct flat *f, size_t layer, char why[WHY]);

/*
 * What the name is in the end, header and content, under its path; of several names of a file the first that is written has the
 * content (file->carrier). A sink without a buffer also adds to f->files and finds f->outward.
 */
bool flat_put_node(struct flat *f, struct member_sink *s, const struct node *n);

/* A target that is the root itself, or has more ".." than there are folders to leave. */
bool leads_out(const char *path, const char *target);

/* Whether it is one of those that no layer has as a file: ".wh.NAME". */
bool is_whiteout(const char *base);

#endif
