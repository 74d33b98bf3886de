/* stand.c - the folders that a make's own arguments change to. */
#include "unit.h"

static void
changes(void **state)
{
	static const struct {
		char *const argv[8];
		const char *folders; /* blank-separated */
	} cases[] = {
	    {{"make", NULL}, ""},
	    {{"make", "-C", "a", "goal", NULL}, "a"},
	    {{"make", "-Ca", NULL}, "a"},
	    {{"make", "-skC", "a", NULL}, "a"},
	    {{"make", "-skCa", NULL}, "a"},
	    {{"make", "goal", "--directory=a", NULL}, "a"},
	    {{"make", "--directory", "a", NULL}, "a"},
	    {{"make", "-C", "a", "-C", "b", NULL}, "a b"},
	    {{"make", "-f", "-C", "-C", "a", NULL}, "a"},
	    {{"make", "-fC", "a", NULL}, ""},
	    {{"make", "-j4C", "a", NULL}, ""},
	    {{"make", "--file", "-C", "-C", "a", NULL}, "a"},
	    {{"make", "--file=x", "-C", "a", NULL}, "a"},
	    {{"make", "X=-C", "a", NULL}, ""},
	    {{"make", "--", "-C", "a", NULL}, ""},
	    {{"make", "-C", NULL}, ""},
	    {{NULL}, ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct list folders = {0};
		char *text = xstrdup(""), *longer;

		make_changes(cases[i].argv, &folders);
		for (size_t n = 0; n < folders.count; n++) {
			longer = format("%s%s%s", text, n ? " " : "", folders.at[n]);
			free(text);
			text = longer;
		}
		assert_string_equal(text, cases[i].folders);
		free(text);
		list_free(&folders);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(changes)};

	return RUN_TESTS(tests);
}
