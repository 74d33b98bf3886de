/* out.h - OUT: where a machine is put besides the cache. */
#ifndef OUT_H
#define OUT_H

#include "lib/lib.h"

/* The folder that OUT is in, as it is named. The caller frees it. */
char *folder_of_out(const char *out);

/* Where the sidecar goes, which the launcher finds by its own path. The caller frees it. */
char *sidecar_at(const char *out);

/*
 * Ends the program with a line, which begins with about ("" or where OUT stands), where a machine put there would take the place of what is no file, or of the
 * cache's own.
 */
void check_out(const char *about, const char *out);

#endif
