/*
 * leavings.h - what smolvm leaves behind because of us, in a cache of its own that nothing else clears.
 *
 * Its cache is $XDG_CACHE_HOME, where that is an absolute path, else ~/.cache (the Rust crate dirs, cache_dir; run: 1.32.2).
 */
#ifndef LEAVINGS_H
#define LEAVINGS_H

#include "lib/lib.h"

/* smolvm-image-archives/<hex>: the copy that smolvm keeps of each archive that it has packed from (run: 1.32.2). */
void remove_archive_copy(const char *hex);

/*
 * smolvm/vms/<id> of a `pack create` that was killed: its file name holds "pack-<pid>" or "pack-<pid>-<nanoseconds>" (run: 1.32.2;
 * source: v1.9.2). Those of processes that are dead and began after since, seconds of the epoch, are removed.
 */
void remove_dead_packs(long long since);

#endif
