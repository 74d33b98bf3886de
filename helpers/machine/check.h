/* check.h - an image that is wanted, checked before anything starts. */
#ifndef CHECK_H
#define CHECK_H

#include "machine/wish.h"

/*
 * Checks one wish and completes it: reference, slug, absolute paths, the Smolfile's bytes. Refuses (exit 1)
 * with a line that begins with about, which says where the wish stands ("" for the settings); relative paths
 * are those of folder ("" for the working folder, else "dir/"). What is set in w is never freed.
 */
void check_wish(struct wish *w, const char *about, const char *folder);

/*
 * The same name, always, and no two names share one; fit for a file, a target and a tag. The caller frees it.
 */
char *slug_of(const struct reference *r, const char *image);

/* Whether s is made of letters, digits and the characters of more. */
bool plain(const char *s, const char *more);

#endif
