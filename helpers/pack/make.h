/* make.h - makes the constant parts of a smolvm's artifacts (for parts.c, which keeps them). */
#ifndef MAKE_H
#define MAKE_H

#include "pack/parts.h"

/*
 * The files head, tail and launcher in a folder that is there and empty, and all of p but its descriptors. False: why says which
 * part is not what it should be, or what cannot be written; then the folder holds what was made so far.
 */
bool make_parts(const struct found_parts *found, const char *version, const char *folder, struct parts *p,
		char why[WHY]);

#endif
