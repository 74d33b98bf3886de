/*
 * screen.h - the lines at the bottom of a terminal, and what is said above them.
 *
 * A terminal that becomes narrower wraps the lines that are there into more rows (tmux, and those of VTE, do): they are taken away by
 * the width that it has then. One that cuts them instead loses as many rows of what stands above.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "lib/lib.h"

struct screen {
	int terminal;
	struct list shown; /* the lines at the bottom, as they stand there */
	int64_t stopped;   /* stopped_ms() when they were drawn: after a Ctrl-Z they are history */
};

/*
 * Takes the lines at the bottom away, prints said (size bytes of whole lines), and draws the given lines, each cut to the
 * window, as many as there is room for. Nothing is written where nothing changes.
 */
void screen_draw(struct screen *s, const char *said, size_t size, const struct list *lines);

/* In place: what fits into so many columns. A character that is not ASCII counts as two. */
void cut_line(char *line, size_t columns);

#endif
