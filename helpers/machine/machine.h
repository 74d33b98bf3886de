/*
 * machine.h - a packed machine in CACHE_DIR: launcher, record, sidecar.
 *
 * All paths are relative to CACHE_DIR, which is the working folder.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "lib/lib.h"

enum machine_state {
	MISSING,
	WHOLE,
	DAMAGED, /* of no use to anybody */
	UNFIT    /* whole, but not what is asked for, or of no use on this machine */
};

struct machine {
	char *launcher, *sidecar, *record;
	char *verified; /* what launcher and sidecar were like when all of both was read last */
};

/* What the cache holds for a key. */
struct finding {
	enum machine_state state;
	char why[200];    /* DAMAGED and UNFIT: what is wrong, for a message */
	char version[40]; /* of the smolvm that packed it, "" where that is not known */
};

/*
 * CACHE_DIR, an absolute path, becomes the working folder, and what its links lead to. What it is refused for
 * ends the program with a line.
 */
void prepare_cache(void);

/* Ends the program where prepare_cache would, but makes nothing; what is there is entered as well. */
void examine_cache(void);

/* The files of a key. free_machine frees it. */
struct machine name_machine(const char *key);

void free_machine(struct machine *m);

/*
 * Looks the key up. settings is its request (<key>.env), by which the machine has to be what is asked for;
 * NULL asks only whether it is whole. A machine of another image or of other options under the same key ends
 * the program (exit 1).
 */
enum machine_state machine_state(const char *key, const struct list *settings, struct finding *f);

/*
 * Notes that launcher and sidecar, as they lie there now, are whole: the next hit need not read all of them.
 * Where that cannot be noted, they are read again.
 */
void remember_whole(const struct machine *m);

#endif
