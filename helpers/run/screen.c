/* screen.c - the lines at the bottom of a terminal. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/io.h"
#include "lib/job.h"
#include "run/screen.h"

#define CLEAR "\r\033[K"
#define UP_AND_CLEAR "\033[A\033[K"

enum { COLUMNS = 80, ROWS = 24 }; /* of a terminal that does not tell, as all once had */

static void
measure(int terminal, size_t *columns, size_t *rows)
{
	struct winsize size;
	bool told = ioctl(terminal, TIOCGWINSZ, &size) == 0;

	*columns = told && size.ws_col > 0 ? size.ws_col : COLUMNS;
	*rows = told && size.ws_row > 0 ? size.ws_row : ROWS;
}

/* Of the character that begins there: some are two columns wide, accents have none; two is never too few. */
static size_t
width(unsigned char c)
{
	bool goes_on = c >= 0x80 && c < 0xc0; /* UTF-8: no first byte */

	return goes_on ? 0 : c < 0x80 ? 1 : 2;
}

static size_t
line_width(const char *line)
{
	size_t columns = 0;

	for (; *line; line++)
		columns += width((unsigned char)*line);
	return columns;
}

void
cut_line(char *line, size_t columns)
{
	size_t used = 0;

	for (; *line; line++) {
		used += width((unsigned char)*line);
		if (used > columns)
			break;
	}
	*line = '\0';
}

/* The cursor stands behind the last line. */
static void
add_clearing(FILE *out, const struct list *shown, size_t columns)
{
	size_t rows = 0;

	for (size_t i = 0; i < shown->count; i++) {
		size_t wide = line_width(shown->at[i]);

		rows += wide > columns ? (wide + columns - 1) / columns : 1;
	}
	if (rows > 0)
		fputs(CLEAR, out);
	while (rows-- > 1)
		fputs(UP_AND_CLEAR, out);
}

/* The last column stays free, where some terminals begin the next row, and the first row, of what is said last. */
static void
choose(struct list *chosen, const struct list *lines, size_t columns, size_t rows)
{
	size_t room = rows > 2 ? rows - 1 : 1, some = lines->count > room ? room - 1 : lines->count;

	for (size_t i = 0; i < some; i++)
		list_add(chosen, lines->at[i]);
	if (some < lines->count)
		list_addf(chosen, "  ... and %zu more", lines->count - some);
	for (size_t i = 0; i < chosen->count; i++)
		cut_line(chosen->at[i], columns - 1);
}

static bool
are_same(const struct list *a, const struct list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

/* In one write, so that nothing is seen half. */
static void
write_screen(const struct screen *s, const char *said, size_t size, const struct list *chosen, size_t columns)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return;
	add_clearing(out, &s->shown, columns);
	fwrite(said, 1, size, out);
	for (size_t i = 0; i < chosen->count; i++)
		fprintf(out, "%s%s", i > 0 ? "\n" : "", chosen->at[i]);
	if (fclose(out) == 0)
		write_all(s->terminal, text, length); /* a terminal that is gone: nobody looks any more */
	free(text);
}

void
screen_draw(struct screen *s, const char *said, size_t size, const struct list *lines)
{
	struct list chosen = {0};
	size_t columns, rows;

	measure(s->terminal, &columns, &rows);
	choose(&chosen, lines, columns, rows);
	if (s->stopped != stopped_ms())
		list_free(&s->shown);
	s->stopped = stopped_ms();
	if (size > 0 || !are_same(&s->shown, &chosen))
		write_screen(s, said, size, &chosen, columns);
	list_free(&s->shown);
	s->shown = chosen;
}
