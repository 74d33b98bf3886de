/*
 * save.h - images out of the engine, all in one export.
 *
 *	in = save_start(&p, ids, timeout);      a pipe that the export comes by
 *	...                                     read it to its end, or as far as it makes sense
 *	good = save_end(&p, why);              closes the pipe; false: why the export is none
 */
#ifndef SAVE_H
#define SAVE_H

#include <pthread.h>

#include "lib/io.h"

struct save {
	/* private */
	pthread_t thread;
	int in;
	int out;                /* API: what the thread writes to */
	char *socket, *url;     /* API */
	char *refusal;          /* API: the body of an answer that is not 200 */
	pid_t child;            /* CLI */
	struct command *client; /* CLI */
	FILE *said;             /* CLI: its stderr, or NULL */
	struct list argv;
	unsigned timeout;
	bool good;
	char why[WHY];
};

/* The pipe's end to read from. ids: "sha256:<64 hex>" each. */
int save_start(struct save *p, const struct list *ids, unsigned timeout);

/*
 * False, and why, where the engine failed; what else was wrong with the export is left as it stands in why.
 */
bool save_end(struct save *p, char why[WHY]);

#endif
