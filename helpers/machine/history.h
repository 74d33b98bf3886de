/*
 * history.h - what runs have done: .history/runs in CACHE_DIR, a line of JSON a run, the latest last; and the steps of one run for a viewer.
 *
 *	{"at": "2026-11-30T19:00:00Z", "ms": 12400, "cache_bytes": 8200000, "images": [{"image": "agent:latest", "key": "93f0834b...",
 *	 "end": "packed", "bytes": 4100000, "steps": [{"step": "BUILD", "began": 20, "ms": 7192}, ...]}, ...]}
 *
 * end is packed, found, failed or unfinished; began is in milliseconds from the run's begin. cache_bytes, what all machines take, is there
 * where one was packed. Of more than 2 MiB the older half goes.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "lib/lib.h"

/*
 * Notes this run, which began then (now_ms) and took ms, and writes its steps to the file TRACE names, if it does, as Chrome's trace
 * viewer, Perfetto and Speedscope read them ("Trace Event Format", JSON object form). What cannot be written is told, and no failure.
 */
void history_note(int64_t began, int64_t ms);

/* Refuses (exit 1) a TRACE, an absolute path, where no file can be put. */
void check_trace(const char *path);

#endif
