/* members.h - the members of an export, by name (private to export.c and members.c). */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "image/export.h"

struct member {
	char *name, *link; /* link: the member that it stands for, or NULL */
	off_t offset;
	uint64_t size;
};

/* A regular file is used where it lies; anything else is copied into one without a name while it is read. */
bool read_members(int in, const char *folder, const struct arrivals *arrivals, struct export *e,
		  char why[WHY]);

/* The regular member of that name, or the one that a link of that name stands for; NULL. */
const struct member *find_member(const struct export *e, const char *name);

/* Frees the members' names. */
void free_members(struct export *e);

#endif
