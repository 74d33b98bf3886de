/* run/screen.c - the lines at the bottom of a terminal, and what is said above them. */
#include "run/screen.h" /* before cmocka, whose fail() is a macro */

#include <sys/ioctl.h>

#include "unit.h"

static void
size_of(int terminal, unsigned short columns, unsigned short rows)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};

	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
}

/* Both ends of a terminal of that size; the screen has the inner one. */
static int
open_screen(struct screen *s, unsigned short columns, unsigned short rows)
{
	int outer = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(outer >= 0 && grantpt(outer) == 0 && unlockpt(outer) == 0);
	*s = (struct screen){.terminal = open(ptsname(outer), O_RDWR | O_NOCTTY)};
	assert_true(s->terminal >= 0);
	size_of(outer, columns, rows);
	return outer;
}

static void
close_screen(struct screen *s, int outer)
{
	list_free(&s->shown);
	close(s->terminal);
	close(outer);
}

/* What has come out of it since the last time; "" where that is nothing. */
static const char *
seen(int outer)
{
	static char text[4096];
	ssize_t n;

	assert_int_equal(fcntl(outer, F_SETFL, O_NONBLOCK), 0);
	n = read(outer, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Draws the lines, which end with NULL, below what is said. */
static void
draw(struct screen *s, const char *said, const char *const *lines)
{
	struct list l = {0};

	for (; *lines; lines++)
		list_add(&l, *lines);
	screen_draw(s, said, strlen(said), &l);
	list_free(&l);
}

static void
lines_change_in_place(void **state)
{
	struct screen s;
	int outer = open_screen(&s, 80, 24);

	(void)state;
	draw(&s, "", (const char *const[]){"one", "two", NULL});
	same_text("first", seen(outer), "one\r\ntwo");
	draw(&s, "", (const char *const[]){"one", "two", NULL});
	same_text("nothing new is nothing written", seen(outer), "");
	draw(&s, "said\n", (const char *const[]){"one", "2", NULL});
	same_text("said", seen(outer), "\r\033[K\033[A\033[Ksaid\r\none\r\n2");
	draw(&s, "", (const char *const[]){NULL});
	same_text("the end", seen(outer), "\r\033[K\033[A\033[K");
	draw(&s, "after\n", (const char *const[]){NULL});
	same_text("nothing is taken away twice", seen(outer), "after\r\n");
	close_screen(&s, outer);
}

/* The last column stays free; a window that has become narrower has wrapped what was there. */
static void
never_wider_than_the_window(void **state)
{
	struct screen s;
	int outer = open_screen(&s, 10, 24);

	(void)state;
	draw(&s, "", (const char *const[]){"0123456789abcdef", NULL});
	same_text("cut", seen(outer), "012345678");
	size_of(outer, 4, 24);
	draw(&s, "", (const char *const[]){"0123", NULL});
	same_text("three rows of four columns", seen(outer), "\r\033[K\033[A\033[K\033[A\033[K012");
	size_of(outer, 0, 0);
	draw(&s, "", (const char *const[]){"0123", NULL});
	same_text("a terminal that does not tell", seen(outer), "\r\033[K0123");
	close_screen(&s, outer);
}

static void
never_higher_than_the_window(void **state)
{
	struct screen s;
	int outer = open_screen(&s, 80, 4);

	(void)state;
	draw(&s, "", (const char *const[]){"1", "2", "3", NULL});
	same_text("as many as fit", seen(outer), "1\r\n2\r\n3");
	draw(&s, "", (const char *const[]){"1", "2", "3", "4", NULL});
	same_text("one too many", seen(outer), "\r\033[K\033[A\033[K\033[A\033[K1\r\n2\r\n  ... and 2 more");
	close_screen(&s, outer);
}

static void
cut_by_columns(void **state)
{
	static const struct {
		const char *line;
		size_t columns;
		const char *want;
	} cases[] = {
	    {"", 5, ""},
	    {"abc", 3, "abc"},
	    {"abcd", 3, "abc"},
	    {"abc", 0, ""},
	    {"a\xc3\xa4"
	     "b",
	     4,
	     "a\xc3\xa4"
	     "b"}, /* an accent may take two */
	    {"a\xc3\xa4"
	     "b",
	     2, "a"},
	    {"\xe6\xbc\xa2\xe5\xad\x97", 3, "\xe6\xbc\xa2"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *line = xstrdup(cases[i].line);

		cut_line(line, cases[i].columns);
		same_text(cases[i].line, line, cases[i].want);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_change_in_place),
	    cmocka_unit_test(never_wider_than_the_window),
	    cmocka_unit_test(never_higher_than_the_window),
	    cmocka_unit_test(cut_by_columns),
	};

	return RUN_TESTS(tests);
}
