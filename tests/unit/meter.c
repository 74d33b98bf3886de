/* meter.c, msg.c - what is told of a long transfer. */
#include "registry/meter.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

static int was_stderr;

/* What goes to stderr goes into the file from here on. */
static void
redirect(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	was_stderr = dup(STDERR_FILENO);
	assert_true(was_stderr >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
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
}

static void
it_is_lines(void **state)
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
where_the_run_shows_it_the_end_alone(void **state)
{
	struct meter m;

	(void)state;
	setenv("WATCHED", "lines", 1);
	redirect("lines");
	meter_start(&m, "PULL");
	meter_show(&m, 1000000, 900000000);
	m.started -= 6000;
	m.shown -= 6000;
	meter_show(&m, 601000000, 900000000);
	same_text("nothing on the way", text_of("lines"), "");
	meter_show(&m, 900000000, 900000000);
	restore();
	unsetenv("WATCHED");
	has_text("the end", text_of("lines"), "  PULL    900 MB in ");
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
	    cmocka_unit_test(it_is_lines),
	    cmocka_unit_test(a_line_every_few_seconds_tells_rate_and_rest),
	    cmocka_unit_test(where_the_run_shows_it_the_end_alone),
	    cmocka_unit_test(under_s_and_beside_json_it_is_nothing),
	};

	return RUN_TESTS(tests);
}
