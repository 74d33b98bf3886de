/*
 * find.h - where an installed smolvm keeps what its artifacts are made of.
 *
 * Asked in smolvm's own order, as far as it is known (run: the PyPI wheels 1.4.5 to 1.32.2; source: v1.9.2, src/cli/pack.rs:870-935
 * and crates/smolvm-pack/src/assets.rs:58-95; the installer's and the packages' layouts by their documentation).
 */
#ifndef FIND_H
#define FIND_H

#include "lib/io.h"

enum { LIBRARIES_MAX = 4 };

struct found_parts {
	char *engine;                 /* the program, an ELF file */
	char *library[LIBRARIES_MAX]; /* of libkrun, in the order in which they are packed */
	size_t libraries;
	char *rootfs; /* agent-rootfs.tar, agent-rootfs.tar.zst, or a folder */
	char
	    *template; /* storage-template.ext4, or .zst; NULL: none, and a machine formats its disk itself */
};

/*
 * Of the smolvm that a user calls by this name or path. False: why says what is not there, and p holds nothing; else
 * parts_forget frees it.
 */
bool parts_find(const char *smolvm, struct found_parts *p, char why[WHY]);

/*
 * The same, where artifacts of that version are proved (machine/quirks.h): version is what smolvm says of its
 * own. SMOLMAKE_UNPROVED=1 takes any, for check-real, which proves them.
 */
bool parts_find_proved(const char *smolvm, const char *version, struct found_parts *p, char why[WHY]);

void parts_forget(struct found_parts *p);

#endif
