/*
 * sweeper.h - the program sweep-runs, beside what the user wants.
 *
 *	path = sweeper_find(argv[0]);           before the working folder changes
 *	pid = sweeper_start(path, &arguments);
 *	...
 *	sweeper_finish(pid, ms);                behind what the user wanted, which took so long
 */
#ifndef SWEEPER_H
#define SWEEPER_H

#include "lib/lib.h"

/* Its path, beside the program that is given; the caller's. */
char *sweeper_find(const char *program);

/* In a process group of its own, and it says nothing. 0 where it cannot be started. */
pid_t sweeper_start(const char *path, const struct list *arguments);

/* Waits for it, but not for an engine that does not answer. 0 is none. */
void sweeper_finish(pid_t pid, int64_t ran_ms);

#endif
