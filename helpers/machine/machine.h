/* machine.h - a packed machine in CACHE_DIR: launcher, record, sidecar. */
#ifndef MACHINE_H
#define MACHINE_H

#include "lib/lib.h"

enum machine_state { MISSING, WHOLE, DAMAGED };

struct machine {
	char *launcher, *sidecar, *record; /* relative to CACHE_DIR, the working folder */
	char *verified;                    /* what the sidecar was like when all of it was read last */
};

struct machine name_machine(const char *key);
void free_machine(struct machine *m);
enum machine_state machine_state(const char *key, const char *image_id, char why[200]);

#endif
