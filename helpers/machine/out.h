/* out.h - OUT: where a machine is put besides the cache. */
#ifndef OUT_H
#define OUT_H

#include "lib/lib.h"

char *folder_of_out(const char *out);
char *sidecar_at(const char *out);
void check_out(const char *out);

#endif
