/*
 * shared.h - a pack that failed, for those who waited for it meanwhile.
 *
 * A run that holds a key's lock and fails writes in the lock's file, below the line that names the holder:
 * who it was, a digest of what it packed with, its process, its exit status, the step and the reason. A run
 * that saw that very holder while it waited, and would pack with the same, takes the failure. One that comes
 * later has not seen it.
 */
#ifndef SHARED_H
#define SHARED_H

#include "run/failure.h"

struct shared {
	char *holder, *inputs;
	long pid;
	struct failure failure; /* its code is that of the whole run */
};

/* 64 hex digits: the packer's program, and all settings that a pack depends on. The caller frees it. */
char *pack_inputs(void);

/*
 * s and what of older, the lines of a lock's file below its first, is of other inputs: such lines again, of a
 * few at most. The caller frees them.
 */
char *shared_text(const struct shared *s, const char *older);

/* The next of such lines: where it ends, NULL where there is none. The caller frees *s. */
const char *shared_next(const char *lines, struct shared *s);

/* Frees what shared_next has filled. */
void shared_free(struct shared *s);

#endif
