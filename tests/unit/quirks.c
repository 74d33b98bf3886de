/* quirks.c - which decisions a version of smolvm asks for, at each bound. */
#include "machine/quirks.h"

#include "unit.h"

enum { DONE_ALWAYS = QUIRK_CLEAN_FOLDER | QUIRK_VM_SIZE | QUIRK_ONE_FRAME | QUIRK_IN_PLACE };

static void
bounds(void **state)
{
	static const struct {
		const char *text;
		int quirks; /* of those that depend on the version */
	} cases[] = {
	    {"smolvm 0.8.0", QUIRK_ONE_LAYER | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm 1.4.5", QUIRK_ONE_LAYER | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm 1.5.0", QUIRK_ONE_LAYER | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm 1.5.999", QUIRK_ONE_LAYER | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm 1.6.0", QUIRK_ONE_LAYER | QUIRK_NO_ARCHIVE | QUIRK_NO_USER},
	    {"smolvm 1.12.0", QUIRK_ONE_LAYER | QUIRK_NO_ARCHIVE | QUIRK_NO_USER},
	    {"smolvm 1.13.0", QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_NO_ARCHIVE | QUIRK_NO_USER},
	    {"smolvm 1.14.1", QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_NO_ARCHIVE | QUIRK_NO_USER},
	    {"smolvm 1.14.2", QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_NO_ARCHIVE},
	    {"smolvm 1.16.999", QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_NO_ARCHIVE},
	    {"v1.17.0", QUIRK_FLOOR | QUIRK_NO_ARCHIVE},
	    {"1.17.0-rc1", QUIRK_FLOOR | QUIRK_NO_ARCHIVE},
	    {"smolvm 1.29.0", QUIRK_FLOOR | QUIRK_NO_ARCHIVE},
	    {"smolvm 1.29.1", QUIRK_FLOOR},
	    {"smolvm 1.32.2", QUIRK_FLOOR},
	    {"smolvm 2.0", QUIRK_FLOOR},
	    {"",
	     QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm nightly",
	     QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	    {"smolvm 1000.0.0",
	     QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER | QUIRK_NO_CUDA},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		same_number(cases[i].text, smolvm_quirks(cases[i].text), cases[i].quirks | DONE_ALWAYS);
}

static void
versions(void **state)
{
	(void)state;
	assert_int_equal(parse_version("smolvm 1.9.2"), 1009002);
	assert_int_equal(parse_version("1.33"), 1033000);
	assert_int_equal(parse_version("smolvm 7"), -1);
}

/* A row without a word of what it rests on is a guess. */
static void
rows(void **state)
{
	int all = 0;

	(void)state;
	for (int i = 0; i < quirk_count; i++) {
		assert_true(quirk[i].since < quirk[i].until && *quirk[i].is);
		assert_true(strstr(quirk[i].proof, "run: ") || strstr(quirk[i].proof, "source: "));
		assert_int_equal(all & quirk[i].bit, 0);
		all |= quirk[i].bit;
	}
	assert_int_equal(all, QUIRK_ONE_LAYER | QUIRK_FLOOR | QUIRK_GZIP | QUIRK_NO_ARCHIVE | QUIRK_NO_USER |
				  QUIRK_NO_CUDA | DONE_ALWAYS);
}

/* Only what was proved, and never what only looks like it. */
static void
native(void **state)
{
	(void)state;
	assert_true(packs_natively("smolvm 1.32.2"));
	assert_true(packs_natively("smolvm 1.26.1"));
	assert_false(packs_natively("smolvm 1.28.1"));
	assert_false(packs_natively("smolvm 1.32.1"));
	assert_false(packs_natively("smolvm 1.32"));
	assert_false(packs_natively("smolvm 1.33.0"));
	assert_false(packs_natively("smolvm nightly"));
	assert_false(packs_natively(""));
}

/* SQUASH goes before what the version asks for. */
static void
one_layer(void **state)
{
	(void)state;
	unsetenv("SQUASH");
	assert_true(gets_one_layer(QUIRK_ONE_LAYER));
	assert_false(gets_one_layer(QUIRK_GZIP));
	setenv("SQUASH", "0", 1);
	assert_false(gets_one_layer(QUIRK_ONE_LAYER));
	setenv("SQUASH", "1", 1);
	assert_true(gets_one_layer(0));
	unsetenv("SQUASH");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds), cmocka_unit_test(versions),  cmocka_unit_test(rows),
	    cmocka_unit_test(native), cmocka_unit_test(one_layer),
	};

	return RUN_TESTS(tests);
}
