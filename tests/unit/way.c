/* way.c - which way is chosen for a miss. */
#include "registry/way.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

enum { MB = 1000000 };

#define AUTO .route = "auto", .keeps = true

static void
ways(void **state)
{
	static const struct {
		const char *what;
		struct miss miss;
		enum way way;
		const char *why;
	} cases[] = {
	    /* what is asked for */
	    {"direct", {.route = "direct", .named = true, .keeps = true}, BY_DIRECT, "ROUTE=direct"},
	    {"push",
	     {.route = "push", .keeps = true, .total = 1000ull * MB, .unknown = 1000ull * MB},
	     BY_STORE,
	     ""},
	    {"push, keeping nothing", {.route = "push"}, BY_STORE, ""},
	    {"push, named", {.route = "push", .named = true, .keeps = true}, BY_CONTAINER, "REGISTRY_IMAGE"},
	    {"push, one layer", {.route = "push", .flat = true, .keeps = true}, BY_CONTAINER, ""},
	    {"auto, named", {AUTO, .named = true, .flat = true}, BY_CONTAINER, "REGISTRY_IMAGE"},
	    {"auto, one layer", {AUTO, .flat = true, .again = true}, BY_DIRECT, "one layer"},
	    {"auto, keeping nothing", {.route = "auto", .again = true}, BY_DIRECT, "nothing is to be kept"},
	    /* the first miss, and the second, where the top layer is what changes */
	    {"first", {AUTO, .total = 186 * MB, .unknown = 186 * MB}, BY_DIRECT, "186 of 186 MB"},
	    {"first, small", {AUTO, .total = 5 * MB, .unknown = 5 * MB}, BY_DIRECT, "first time"},
	    {"second",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 186 * MB, .changed = 31 * MB},
	     BY_STORE,
	     "31 MB will be"},
	    {"third",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 31 * MB, .changed = 31 * MB},
	     BY_STORE,
	     "31 of 186 MB"},
	    /* layers that another repository has brought */
	    {"first, all known but little",
	     {AUTO, .total = 186 * MB, .unknown = 2 * MB},
	     BY_STORE,
	     "2 of 186 MB"},
	    {"all known", {AUTO, .total = 186 * MB}, BY_STORE, "0 of 186 MB"},
	    /* nothing to gain by it: most of it changes each time */
	    {"all changes",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 186 * MB, .changed = 186 * MB},
	     BY_DIRECT,
	     "at every change"},
	    {"half changes",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 100 * MB, .changed = 90 * MB},
	     BY_DIRECT,
	     "90 of 186 MB"},
	    {"a small image",
	     {AUTO, .again = true, .total = 5 * MB, .unknown = 5 * MB, .changed = 1 * MB},
	     BY_DIRECT,
	     ""},
	    /* an engine that has it compressed pushes faster than it exports */
	    {"compressed",
	     {AUTO, .compressed = true, .total = 1000ull * MB, .unknown = 1000ull * MB},
	     BY_STORE,
	     ""},
	    {"compressed, small",
	     {AUTO, .compressed = true, .total = 10 * MB, .unknown = 10 * MB},
	     BY_DIRECT,
	     ""},
	    /* sizes that no image has */
	    {"no size", {AUTO}, BY_DIRECT, ""},
	    {"huge",
	     {AUTO, .again = true, .total = UINT64_MAX / 2, .unknown = UINT64_MAX / 2,
	      .changed = UINT64_MAX / 2},
	     BY_DIRECT,
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char why[WHY] = "";

		same_number(cases[i].what, choose_way(&cases[i].miss, why), cases[i].way);
		has_text(cases[i].what, why, cases[i].why);
	}
}

/* More bytes never take less time, and the ways cross where the rates say. */
static void
times(void **state)
{
	struct miss m = {AUTO, .total = 1200ull * MB};
	char why[WHY];
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(direct_time(&m), 1 + 100);
	assert_int_equal(push_time(&m, 350ull * MB), 3 + 100);
	for (m.unknown = 0; m.unknown < m.total && choose_way(&m, why) == BY_STORE; m.unknown += MB)
		bytes = m.unknown;
	assert_in_range(bytes, 340ull * MB, 350ull * MB);
	m.again = true;
	for (; m.unknown < m.total; m.unknown += MB) {
		m.changed = m.unknown;
		assert_int_equal(choose_way(&m, why), BY_DIRECT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ways),
	    cmocka_unit_test(times),
	};

	return RUN_TESTS(tests);
}
