/* ends.h - how each image of a run has ended, by what lies in the run's folder. */
#ifndef ENDS_H
#define ENDS_H

#include "lib/lib.h"
#include "run/failure.h"

enum end { DONE, FAILED, UNFINISHED };

/* ids: the run was to make IDs, no machines. f: of FAILED alone, the caller's to free. */
enum end image_end(const char *slug, bool ids, struct failure *f);

/* The key of the machine that the image is to become, or NULL while that is not known. The caller frees it. */
char *image_key(const char *slug);

/* Whether the run has that machine, and it is not one that was to be replaced. */
bool has_machine(const char *key);

/* Whether it was packed by this run; else it was there. */
bool was_packed(const char *key);

/* The step at which an image is that has neither ended nor failed, as failures name it. */
const char *last_step(const char *slug);

#endif
