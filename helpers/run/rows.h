/* rows.h - what is known of each image of a run while it goes on, for who shows it (show.c). */
#ifndef ROWS_H
#define ROWS_H

#include "run/status.h"

/* An image, in the user's order. */
struct row {
	char *slug, *typed;
	char *key; /* NULL: not known yet */
	struct status now;
	int64_t since; /* that is done: now_ms() when it was seen first */

	/* of who shows it: set with since, and changed by nobody else */
	int64_t spoken; /* when something was said of it last */
	off_t log;      /* bytes of its build's output then */
};

struct rows {
	struct row *at;
	size_t count; /* 0: nothing is planned yet */
};

/* How things stand now. rows_free frees the rows. */
void rows_look(struct rows *rows, int64_t now);

void rows_free(struct rows *rows);

bool is_built(const struct row *r);

/* Bytes that its build has said so far. */
off_t row_log_size(const struct row *r);

/* What its build said last, as one plain line. The caller frees it. */
char *row_last_line(const struct row *r);

/* ", 45 %, 36.0 MB of 80.0 MB", as far as that is known. The caller frees it. */
char *row_amount(const struct row *r);

/* For how long that is done. */
long long row_seconds(const struct row *r, int64_t now);

#endif
