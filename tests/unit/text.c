/* text.c - numbers, lists, settings; msg.c - what is said. */
#include "unit.h"

struct question {
	const char *what, *text;
	long long min, max;
};

static void
ask_number(void *arg)
{
	const struct question *q = arg;

	set_progname("/some/where/prog");
	number(q->what, q->text, q->min, q->max);
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		long long min, max, value;
	} good[] = {
	    {"0", 0, 9, 0},
	    {"9", 0, 9, 9},
	    {"007", 0, 9, 7},
	    {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
	};
	static const struct question bad[] = {
	    {"T", "", 0, 9},
	    {"T", "10", 0, 9},
	    {"T", "1", 2, 9},
	    {"T", "-1", -5, 9},
	    {"T", "+1", 0, 9},
	    {"T", " 1", 0, 9},
	    {"T", "1 ", 0, 9},
	    {"T", "1s", 0, 9},
	    {"T", "1.5", 0, 9},
	    {"T", "1e1", 0, 9},
	    {"T", "0x1", 0, 9},
	    {"T", "1\n", 0, 9},
	    {"T", "nan", 0, 9},
	    {"T", "$(id)", 0, 9},
	    {"T", "9223372036854775808", 0, INT64_MAX},
	    {"T", "18446744073709551617", 0, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++)
		same_number(good[i].text, number("T", good[i].text, good[i].min, good[i].max), good[i].value);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct ending e = ending_of(ask_number, (void *)&bad[i]);

		same_number(bad[i].text, e.code, EXIT_NO);
		has_text(bad[i].text, e.said, "error: T: '");
		has_text(bad[i].text, e.said, "is not a whole number from");
	}
}

/* An option's value is the caller's mistake, a setting's the user's. */
static void
number_of_an_option(void **state)
{
	struct question q = {"-t", "soon", 0, 9};
	struct ending e = ending_of(ask_number, &q);

	(void)state;
	assert_int_equal(e.code, EXIT_USAGE);
	assert_string_equal(e.said, "prog: -t: 'soon' is not a whole number from 0 to 9\n");
}

static void
ask_seconds(void *arg)
{
	seconds_of("T", arg);
}

static void
ask_mebibytes(void *arg)
{
	mebibytes_of("T", arg, 1, 4194304);
}

/* With a unit or without, to the exact number. */
static void
amounts(void **state)
{
	static const struct {
		const char *text;
		unsigned value;
	} times[] = {{"0", 0},     {"90", 90},   {"90s", 90},    {"30m", 1800},
		     {"1h", 3600}, {"1H", 3600}, {"11d", 950400}},
	  sizes[] = {{"1", 1},       {"2048M", 2048},   {"2G", 2048},    {"2g", 2048},
		     {"2GiB", 2048}, {"0002gib", 2048}, {"1T", 1048576}, {"4TiB", 4194304}};
	static const char *const no_times[] = {
	    "", "s", "1.5h", "-1h", "1 h", "1h30m", "1y", "12d", "99999999999999999999s"};
	static const char *const no_sizes[] = {
	    "", "G", "0G", "2GB", "2K", "2 G", "5T", "1.5G", "9223372036854775807G"};

	(void)state;
	for (size_t i = 0; i < LENGTH(times); i++)
		same_number(times[i].text, seconds_of("T", times[i].text), times[i].value);
	for (size_t i = 0; i < LENGTH(sizes); i++)
		same_number(sizes[i].text, mebibytes_of("T", sizes[i].text, 1, 4194304), sizes[i].value);
	for (size_t i = 0; i < LENGTH(no_times); i++)
		has_text(no_times[i], ending_of(ask_seconds, (void *)no_times[i]).said,
			 "(seconds, or as 90s, 30m, 1h)");
	for (size_t i = 0; i < LENGTH(no_sizes); i++)
		has_text(no_sizes[i], ending_of(ask_mebibytes, (void *)no_sizes[i]).said,
			 "(MiB, or as 2048M, 2G)");
}

static void
lists(void **state)
{
	struct list l = {0};

	(void)state;
	assert_false(list_has(&l, ""));
	list_add(&l, "a b");
	assert_null(l.at[1]);
	for (int i = 0; i < 100; i++)
		list_addf(&l, "%s-%d", "item", i);
	list_add(&l, "");
	assert_int_equal(l.count, 102);
	assert_null(l.at[102]);
	assert_string_equal(l.at[0], "a b");
	assert_string_equal(l.at[57], "item-56");
	assert_true(list_has(&l, "item-99"));
	assert_true(list_has(&l, ""));
	assert_false(list_has(&l, "item-100"));
	assert_false(list_has(&l, "item"));
	list_free(&l);
	assert_int_equal(l.count, 0);
	assert_null(l.at);
}

static void
formats(void **state)
{
	char *long_text = format("%0100000d", 7), *s = format("%s/%ld", "a", 5L);

	(void)state;
	assert_int_equal(strlen(long_text), 100000);
	assert_string_equal(s, "a/5");
	free(s);
	free(long_text);
	s = xstrdup("");
	assert_string_equal(s, "");
	free(s);
	free(xmalloc(0));
}

static void
ask_needed(void *arg)
{
	needed(arg);
}

static void
settings(void **state)
{
	struct ending e;

	(void)state;
	unsetenv("SMOLMAKE_UNIT");
	assert_string_equal(setting("SMOLMAKE_UNIT"), "");
	e = ending_of(ask_needed, "SMOLMAKE_UNIT");
	assert_int_equal(e.code, EXIT_USAGE);
	has_text("unset", e.said, "SMOLMAKE_UNIT is not set");
	setenv("SMOLMAKE_UNIT", "", 1);
	assert_int_equal(ending_of(ask_needed, "SMOLMAKE_UNIT").code, EXIT_USAGE);
	setenv("SMOLMAKE_UNIT", "x y", 1);
	assert_string_equal(setting("SMOLMAKE_UNIT"), "x y");
	assert_string_equal(needed("SMOLMAKE_UNIT"), "x y");
}

static void
say_it(void *arg)
{
	set_progname("/a/b/prog");
	say("%s", (const char *)arg);
}

static void
die_of_it(void *arg)
{
	errno = ENOSPC;
	die_errno(EXIT_SYSTEM, "cannot write '%s'", (const char *)arg);
}

static void
refuse_it(void *arg)
{
	refuse("IMAGE: '%s'", (const char *)arg);
}

static void
print_step(void *arg)
{
	step_line("PACK", "%s", (const char *)arg);
}

static void
messages(void **state)
{
	static char long_text[10000];
	struct ending e;

	(void)state;
	assert_string_equal(ending_of(say_it, "hello").said, "prog: hello\n");
	assert_string_equal(ending_of(say_it, "50% %s %n").said, "prog: 50% %s %n\n");
	/* no value can move the cursor, colour the screen or feign another line */
	assert_string_equal(ending_of(say_it, "a\nb\tc\033[31m\177\r").said, "prog: a?b?c?[31m??\n");
	assert_string_equal(ending_of(say_it, "gr\xc3\xbc\xc3\x9f").said, "prog: gr\xc3\xbc\xc3\x9f\n");

	e = ending_of(die_of_it, "x");
	assert_int_equal(e.code, EXIT_SYSTEM);
	assert_string_equal(e.said, "smolmake: cannot write 'x': No space left on device\n");
	e = ending_of(refuse_it, "x\ny");
	assert_int_equal(e.code, EXIT_NO);
	assert_string_equal(e.said, "error: IMAGE: 'x?y'\n");

	/* what is too long is cut, and still one line */
	memset(long_text, 'x', sizeof(long_text) - 1);
	e = ending_of(die_of_it, long_text);
	assert_int_equal(e.code, EXIT_SYSTEM);
	assert_int_equal(strcspn(e.said, "\n"), strlen(e.said) - 1);
	assert_true(strlen(e.said) > 4000);

	setenv("SILENT", "", 1);
	assert_string_equal(ending_of(print_step, "x -> y").said, "  PACK    x -> y\n");
	setenv("SILENT", "s", 1);
	assert_string_equal(ending_of(print_step, "x -> y").said, "");
}

static void
use_wrongly(void *arg)
{
	bad_usage(arg);
}

static void
show(void *arg)
{
	dup2(STDERR_FILENO, STDOUT_FILENO);
	set_progname("prog"); /* what is printed is looked after from there on */
	show_usage(arg);
}

static void
show_nowhere(void *arg)
{
	dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
	set_progname("prog");
	show_usage(arg);
}

static void
usages(void **state)
{
	struct ending e = ending_of(use_wrongly, "usage: prog x\n");

	(void)state;
	assert_int_equal(e.code, EXIT_USAGE);
	assert_string_equal(e.said, "usage: prog x\n");
	e = ending_of(show, "usage: prog x\n");
	assert_int_equal(e.code, 0);
	assert_string_equal(e.said, "usage: prog x\n");
	assert_int_equal(ending_of(show_nowhere, "usage: prog x\n").code, EXIT_SYSTEM);
}

static void
clock_runs(void **state)
{
	int64_t start = now_ms();

	(void)state;
	usleep(20000);
	assert_in_range(now_ms() - start, 19, 5000);
}

static void
last_parts(void **state)
{
	(void)state;
	same_text("a path", base_name("/usr/bin/podman"), "podman");
	same_text("a name", base_name("podman"), "podman");
	same_text("a folder", base_name("/usr/bin/"), "");
	assert_true(ends_with("x.tag", ".tag"));
	assert_false(ends_with("tag", ".tag"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(last_parts), cmocka_unit_test(numbers),
	    cmocka_unit_test(amounts),    cmocka_unit_test(number_of_an_option),
	    cmocka_unit_test(lists),      cmocka_unit_test(formats),
	    cmocka_unit_test(settings),   cmocka_unit_test(messages),
	    cmocka_unit_test(usages),     cmocka_unit_test(clock_runs),
	};

	return RUN_TESTS(tests);
}
