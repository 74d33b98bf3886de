/* sweep.h - what a run owns outside its own processes, and how it goes. */
#ifndef SWEEP_H
#define SWEEP_H

#define PIN_PREFIX "smolmake-pin:"
#define CONTAINER_PREFIX "smolmake-"
#define OWNER_LABEL "smolmake.owner"
#define CACHE_LABEL "smolmake.cache"

#include <stdbool.h>
#include <sys/types.h>

void close_run(const char *run);
bool remove_tags(const char *run, bool pins);
pid_t start_removal(const char *name);
bool finish_removal(pid_t pid);
void sweep_runs(void);
void sweep_containers(void);
bool remove_container(const char *name);

#endif
