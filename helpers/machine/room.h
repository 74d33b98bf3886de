/*
 * room.h - how many bytes the machines of CACHE_DIR take, where some of them have bytes in common.
 *
 * Two names of one file (hard links) share all of it, and files of a disk that copies by reference (btrfs, XFS) the blocks that
 * are the same ones. Such bytes are counted once, and are free only when the last machine that has them is gone.
 */
#ifndef ROOM_H
#define ROOM_H

#include "machine/entries.h"

struct room;

/* Of all machines of e, which must stay as they are as long as the room is used. room_free frees it. */
struct room *room_of(const struct entries *e);

void room_free(struct room *r);

/* Bytes that those take that are not let go. */
uint64_t room_taken(const struct room *r);

/* The machine e->at[i] goes, once: returns the bytes that are free then. */
uint64_t room_let_go(struct room *r, size_t i);

#endif
