/* wish.h - an image that is wanted, and how. */
#ifndef WISH_H
#define WISH_H

#include "lib/lib.h"

struct wish {
	const char *image, *context, *dockerfile, *target, *platform, *cpus, *mem, *entrypoint, *smolfile,
	    *no_cache, *pull, *out;
	struct list build_args, secrets, ssh;
	char *slug;
	char *smolfile_text; /* as read when the wish was checked; NULL for none */
	size_t smolfile_size;
	char smolfile_sha256[SHA256_HEX + 1];
	struct reference reference;
};

/* Whether a value is there and not empty. */
bool given(const char *s);

/* The wish of the settings: IMAGE, or each of IMAGES. */
struct wish *wishes_of_settings(size_t *count);

/*
 * The wishes of a request: K=V strings, each image beginning with IMAGE. They point into it, and are the
 * caller's to free, false or not. False: why says what is wrong.
 */
bool parse_wishes(const struct list *request, struct wish **wishes, size_t *count, char why[200]);

/* The wishes of a request file; those that ONLY names, where it names some. */
struct wish *wishes_of_file(const char *file, size_t *count);

#endif
