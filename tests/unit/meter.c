/* meter.c, msg.c - what somebody at a terminal sees of a long transfer, and what others do. */
#include "registry/meter.h" /* before cmocka, whose fail() is a macro */

#include <sys/ioctl.h>

#include "unit.h"

static int was_stderr;

/* What goes to stderr from here on: a terminal, whose other end is returned, or a file. */
static int
redirect(const char *file)
{
	int other = -1, fd;

	if (file == NULL) {
		other = posix_openpt(O_RDWR | O_NOCTTY);
		assert_true(other >= 0 && grantpt(other) == 0 && unlockpt(other) == 0);
		fd = open(ptsname(other), O_RDWR | O_NOCTTY);
	} else
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	was_stderr = dup(STDERR_FILENO);
	assert_true(was_stderr >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
	return other;
}

static void
restore(void)
{
	assert_int_equal(dup2(was_stderr, STDERR_FILENO), STDERR_FILENO);
	close(was_stderr);
}

/* Half of two million bytes, what another step says meanwhile, and the rest. */
static void
transfer(struct meter *m)
{
	meter_start(m, "PULL");
	meter_show(m, 0, 2000000);
	meter_show(m, 1000000, 2000000);
	step_line("PUSH", "another");
	meter_show(m, 2000000, 2000000);
	meter_show(m, 2000000, 2000000);
	meter_end(m);
}

/* All of it: nobody writes there any more. */
static const char *
seen_on_terminal(int terminal)
{
	static char text[4096];
	size_t used = 0;
	ssize_t n;

	while ((n = read(terminal, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

static void
on_a_terminal_it_is_a_bar(void **state)
{
	const char *seen;
	struct meter m;
	int terminal = redirect(NULL);

	(void)state;
	transfer(&m);
	restore();
	seen = seen_on_terminal(terminal);
	close(terminal);
	has_text("bar", seen, "\r  PULL    [############............]  50 %  1.0 MB of 2.0 MB\033[K");
	has_text("what is said beside it takes its place", seen, "MB\033[K\r\033[K  PUSH    another\r\n");
	has_text("and so does its end", seen, "another\r\n\r\033[K  PULL    2.0 MB in ");
	assert_null(strstr(strstr(seen, "2.0 MB in") + 1, "PULL"));
}

/* A row of that many columns holds all of it, and the last one stays free. */
static void
a_bar_fits_its_terminal(void **state)
{
	static const struct {
		unsigned short columns;
		const char *want;
	} cases[] = {
	    {0, "\r  PULL    [############............]  50 %  1.0 MB of 2.0 MB\033[K"},
	    {200, "\r  PULL    [############............]  50 %  1.0 MB of 2.0 MB\033[K"},
	    {61, "\r  PULL    [############............]  50 %  1.0 MB of 2.0 MB\033[K"},
	    {60, "\r  PULL    [###########............]  50 %  1.0 MB of 2.0 MB\033[K"},
	    {41, "\r  PULL    [##..]  50 %  1.0 MB of 2.0 MB\033[K"},
	    {40, "\r  PULL     50 %  1.0 MB of 2.0 MB\033[K"},
	    {20, "\r  PULL     50 %  1.\033[K"},
	    {1, "\r\033[K"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct winsize size = {.ws_row = 24, .ws_col = cases[i].columns};
		int terminal = redirect(NULL), set = ioctl(STDERR_FILENO, TIOCSWINSZ, &size);
		const char *seen;
		struct meter m;

		meter_start(&m, "PULL");
		meter_show(&m, 1000000, 2000000);
		restore();
		assert_int_equal(set, 0);
		seen = seen_on_terminal(terminal);
		close(terminal);
		same_text("a row", seen, cases[i].want);
	}
}

/* Whatever comes next has a line of its own. */
static void
a_bar_that_does_not_end_is_left(void **state)
{
	struct meter m;
	int terminal = redirect(NULL);

	(void)state;
	meter_start(&m, "PULL");
	meter_show(&m, 1, 3);
	meter_end(&m);
	restore();
	has_text("end", seen_on_terminal(terminal), "[#######.................]  33 %  1 B of 3 B\033[K\r\n");
	close(terminal);
}

static void
elsewhere_it_is_lines(void **state)
{
	struct meter m;

	(void)state;
	redirect("lines");
	transfer(&m);
	restore();
	has_text("lines", text_of("lines"), "  PUSH    another\n  PULL    2.0 MB in ");
	assert_null(strchr(text_of("lines"), '%'));
}

/* As if it had been shown so many milliseconds ago. */
static void
a_line_every_few_seconds_tells_rate_and_rest(void **state)
{
	struct meter m;

	(void)state;
	redirect("lines");
	meter_start(&m, "PULL");
	meter_show(&m, 1000000, 900000000);
	m.started -= 6000;
	m.measured -= 6000;
	m.shown -= 6000;
	meter_show(&m, 601000000, 900000000);
	meter_show(&m, 602000000, 900000000);
	restore();
	has_text("line", text_of("lines"), "  PULL     66 %  601 MB of 900 MB, 100 MB/s, 3 s left\n");
	assert_null(strstr(text_of("lines"), "602"));
}

static void
under_s_and_beside_json_it_is_nothing(void **state)
{
	struct meter m;

	(void)state;
	redirect("lines");
	setenv("PROGRESS", "json", 1);
	transfer(&m);
	unsetenv("PROGRESS");
	setenv("SILENT", "s", 1);
	transfer(&m);
	unsetenv("SILENT");
	restore();
	assert_string_equal(text_of("lines"), "  PUSH    another\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(on_a_terminal_it_is_a_bar),
	    cmocka_unit_test(a_bar_fits_its_terminal),
	    cmocka_unit_test(a_bar_that_does_not_end_is_left),
	    cmocka_unit_test(elsewhere_it_is_lines),
	    cmocka_unit_test(a_line_every_few_seconds_tells_rate_and_rest),
	    cmocka_unit_test(under_s_and_beside_json_it_is_nothing),
	};

	return RUN_TESTS(tests);
}
