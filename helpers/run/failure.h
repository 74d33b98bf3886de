/*
 * failure.h - what went wrong with an image of this run, for the last lines that make prints
 * (machine/closing.h).
 *
 * A failed step leaves $RUN/<name>.failed, <name> being the image's slug or its key: lines with the step, the
 * exit status and the reason. The last one counts: a step that is tried again replaces what its first try
 * left. Nothing is written without a run (CACHE_DIR and RUN), nor after a caught signal: what is interrupted
 * has not failed.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include "lib/lib.h"

struct failure {
	int code; /* an exit status */
	char *step, *reason;
};

/* names: slugs or keys, blank-separated. NULL ends what failure_about began. */
void failure_about(const char *names,
		   const char *step);            /* die and refuse, from here on, are failures of these */
void failure_note(int code, const char *reason); /* a failure of these; nothing where there are none */

/* A failure of these, whoever asks; nothing where names is NULL. */
void failure_write(const char *names, const char *step, int code, const char *reason);

/* What was written for this name no longer counts. */
void failure_forget(const char *name);

bool failure_read(const char *name, struct failure *f); /* false: there is none; else the caller frees it */

/* Frees what failure_read has filled. */
void failure_free(struct failure *f);

/* The images as the user typed them: "a:1", or "a:1 and 2 others". The caller frees them. */
char *typed_name(const char *name);
char *typed_names(const char *names);

#endif
