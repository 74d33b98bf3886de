/*
 * sweep.h - what a run owns outside its own processes, and how it goes: its folder, .run/<owner>, the names
 * that it gave to images, the container of its registry. The working folder is CACHE_DIR.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "lib/lib.h"

#define CONTAINER_PREFIX "smolmake-"
#define OWNER_LABEL "smolmake.owner"
#define CACHE_LABEL "smolmake.cache"

/* A run's folder, open; -1 for what is none of ours: a link, or what others own or may write to. */
int open_run(const char *run);

/*
 * Kills and removes what dead owners have left, but for what only the engine can remove: those runs join
 * left.
 */
void sweep_runs(struct list *left);

/* And that, of those runs. False where something stays: a later run finds it by its dead owner. */
bool close_runs(char *const *runs, size_t count);

/* Whether the owner of a run's folder is dead, by its name or by its claim. */
bool run_is_dead(const char *run);

/* An answer did not come in time: who closes the run need not ask again. */
void note_silence(const char *run);

/* Temporary files that a kill has left in the cache's folders, by their age. */
void sweep_temporaries(void);

/*
 * True also where it is gone already; false where the engine was not to be had, or is still at it after a
 * while.
 */
bool remove_container(const char *name);

/*
 * Registries of this CACHE_DIR whose owner is dead and whose folder somebody removed, and their volumes.
 * Others' are left to their own tethers: of an owner in another boot or namespace, or on another machine that
 * shares the engine, nothing is known here.
 */
void sweep_containers(void);

#endif
