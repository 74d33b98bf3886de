/* route.c - which route is chosen for a miss. */
#include "route/route.h" /* before cmocka, whose fail() is a macro */

#include "route/rates.h"

#include "unit.h"

enum { MB = 1000000 };

#define AUTO .asked = "auto", .keeps = true

static void
routes(void **state)
{
	static const struct {
		const char *what;
		struct facts facts;
		const char *why;
		enum source source;
		bool told; /* a line says so */
	} cases[] = {
	    /* what is asked for */
	    {"direct",
	     {.asked = "direct", .named = true, .one_layer = true, .keeps = true},
	     "ROUTE=direct",
	     FROM_EXPORT,
	     false},
	    {"push",
	     {.asked = "push", .keeps = true, .total = 1000ull * MB, .unknown = 1000ull * MB},
	     "",
	     FROM_PUSH,
	     false},
	    {"push, keeping nothing", {.asked = "push"}, "", FROM_PUSH, false},
	    {"push, named",
	     {.asked = "push", .named = true, .keeps = true},
	     "REGISTRY_IMAGE",
	     FROM_CONTAINER,
	     false},
	    /* what no push makes is told, whatever was asked for */
	    {"push, one layer",
	     {.asked = "push", .one_layer = true, .keeps = true},
	     "one layer, which no push makes",
	     FROM_EXPORT,
	     true},
	    {"push, named, one layer",
	     {.asked = "push", .named = true, .one_layer = true},
	     "one layer, which no push makes",
	     FROM_EXPORT,
	     true},
	    {"auto, named", {AUTO, .named = true}, "REGISTRY_IMAGE", FROM_CONTAINER, true},
	    {"auto, named, one layer",
	     {AUTO, .named = true, .one_layer = true},
	     "one layer",
	     FROM_EXPORT,
	     true},
	    {"auto, one layer", {AUTO, .one_layer = true, .again = true}, "one layer", FROM_EXPORT, true},
	    {"auto, keeping nothing",
	     {.asked = "auto", .again = true},
	     "nothing is to be kept",
	     FROM_EXPORT,
	     true},
	    /* the first miss, and the second, where the top layer is what changes */
	    {"first", {AUTO, .total = 186 * MB, .unknown = 186 * MB}, "186 of 186 MB", FROM_EXPORT, true},
	    {"first, small", {AUTO, .total = 5 * MB, .unknown = 5 * MB}, "first time", FROM_EXPORT, true},
	    {"second",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 186 * MB, .changed = 31 * MB},
	     "31 MB will be",
	     FROM_PUSH,
	     true},
	    {"third",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 31 * MB, .changed = 31 * MB},
	     "31 of 186 MB",
	     FROM_PUSH,
	     true},
	    /* layers that another repository has brought */
	    {"first, all known but little",
	     {AUTO, .total = 186 * MB, .unknown = 2 * MB},
	     "2 of 186 MB",
	     FROM_PUSH,
	     true},
	    {"all known", {AUTO, .total = 186 * MB}, "0 of 186 MB", FROM_PUSH, true},
	    /* nothing to gain by it: most of it changes each time */
	    {"all changes",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 186 * MB, .changed = 186 * MB},
	     "at every change",
	     FROM_EXPORT,
	     true},
	    {"half changes",
	     {AUTO, .again = true, .total = 186 * MB, .unknown = 100 * MB, .changed = 90 * MB},
	     "90 of 186 MB",
	     FROM_EXPORT,
	     true},
	    {"a small image",
	     {AUTO, .again = true, .total = 5 * MB, .unknown = 5 * MB, .changed = 1 * MB},
	     "",
	     FROM_EXPORT,
	     true},
	    /* an engine that has it compressed pushes faster than it exports */
	    {"compressed",
	     {AUTO, .compressed = true, .total = 1000ull * MB, .unknown = 1000ull * MB},
	     "",
	     FROM_PUSH,
	     true},
	    {"compressed, small",
	     {AUTO, .compressed = true, .total = 10 * MB, .unknown = 10 * MB},
	     "",
	     FROM_EXPORT,
	     true},
	    /* sizes that no image has */
	    {"no size", {AUTO}, "", FROM_EXPORT, true},
	    {"huge",
	     {AUTO, .again = true, .total = UINT64_MAX / 2, .unknown = UINT64_MAX / 2,
	      .changed = UINT64_MAX / 2},
	     "",
	     FROM_EXPORT,
	     true},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct route r = {0};

		route_choose(&cases[i].facts, &r);
		same_number(cases[i].what, r.source, cases[i].source);
		same_number(cases[i].what, r.told, cases[i].told);
		has_text(cases[i].what, r.why, cases[i].why);
	}
}

/* More bytes never take less time, and push and export cross where the rates say. */
static void
times(void **state)
{
	struct facts f = {AUTO, .total = 1200ull * MB};
	struct route r = {0};
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(export_time(f.total), 1 + 100);
	assert_int_equal(push_time(350ull * MB, false), 3 + 100);
	assert_int_equal(push_time(2000ull * MB, true), 3 + 100);
	for (; f.unknown < f.total; f.unknown += MB) {
		route_choose(&f, &r);
		if (r.source != FROM_PUSH)
			break;
		bytes = f.unknown;
	}
	assert_in_range(bytes, 340ull * MB, 350ull * MB);
	f.again = true;
	for (; f.unknown < f.total; f.unknown += MB) {
		f.changed = f.unknown;
		route_choose(&f, &r);
		assert_int_equal(r.source, FROM_EXPORT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes),
	    cmocka_unit_test(times),
	};

	return RUN_TESTS(tests);
}
