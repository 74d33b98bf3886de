/*
 * sweeper.h - the program sweep-runs, beside what the user wants.
 *
 *	pid = sweeper_start(path, &arguments);
 *	...
 *	sweeper_finish(pid, ms);                behind what the user wanted, which took so long
 */
#ifndef SWEEPER_H
#define SWEEPER_H

#include "lib/lib.h"

/*
 * path: sibling_program(argv[0], "sweep-runs"), found before the working folder changes. In a process group
 * of its own, and it says nothing. 0 where it cannot be started.
 */
pid_t sweeper_start(const char *path, const struct list *arguments);

/* Waits for it, but not for an engine that does not answer. 0 is none. */
void sweeper_finish(pid_t pid, int64_t ran_ms);

#endif
