/* wish.h - an image that is wanted, and how. */
#ifndef WISH_H
#define WISH_H

#include "lib/lib.h"

struct wish {
	const char *image, *context, *dockerfile, *target, *platform, *cpus, *mem, *entrypoint, *smolfile;
	struct list build_args;
	char *slug;
	char *smolfile_text; /* as read when the wish was checked; NULL for none */
	size_t smolfile_size;
	char smolfile_sha256[SHA256_HEX + 1];
	struct reference reference;
};

bool given(const char *s);
struct wish *wishes_of_settings(size_t *count);
bool parse_wishes(const struct list *request, struct wish **wishes, size_t *count, char why[200]);
struct wish *wishes_of_file(const char *file, size_t *count);

#endif
