/*
 * pull.h - images out of the engine, all in one export.
 *
 *	in = pull_start(&p, ids, timeout);      a pipe that the export comes by
 *	...                                     read it to its end, or as far as it makes sense
 *	good = pull_end(&p, why);              closes the pipe; false: why the export is none
 */
#ifndef PULL_H
#define PULL_H

#include <pthread.h>

#include "lib/io.h"

struct pull {
	/* private */
	pthread_t thread;
	int in;
	int out;              /* API: what the thread writes to */
	char *socket, *url;   /* API */
	char *refusal;        /* API: the body of an answer that is not 200 */
	pid_t child;          /* CLI */
	struct command *save; /* CLI */
	FILE *said;           /* CLI: its stderr, or NULL */
	struct list argv;
	unsigned timeout;
	bool good;
	char why[WHY];
};

/* The pipe's end to read from. ids: "sha256:<64 hex>" each. */
int pull_start(struct pull *p, const struct list *ids, unsigned timeout);

/*
 * False, and why, where the engine failed; what else was wrong with the export is left as it stands in why.
 */
bool pull_end(struct pull *p, char why[WHY]);

#endif
