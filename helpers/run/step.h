/* step.h - a stage of the pipeline: a command, its log, its seconds, and what is said when it fails. */
#ifndef STEP_H
#define STEP_H

#include "lib/lib.h"

struct step {
	const char *stage;   /* name in the record, or NULL */
	const char *seconds; /* file that gets "stage ms", or NULL */
	const char *log;     /* file for the output, or NULL: it goes to stderr */
	const char *prefix;  /* before each line that is shown, or NULL */
	const char *output;  /* the file that its standard output is, or NULL */
	bool quiet;          /* of the log is shown what fails, and with V=1 all */
	const char *images;  /* slugs or keys that fail with it, blank-separated, or NULL (failure.h) */
	const char *limit;   /* the setting that its deadline is from, or NULL */
};

enum { VERB_LONGEST = 7 };

/* "BUILD" of "build": what its lines begin with, cut to that length. The caller frees it. */
char *step_verb(const char *stage);

/* Runs c as the stage s says; a failed one shows all that it printed, and why it ended. */
struct outcome run_step(const struct step *s, const struct command *c);

#endif
