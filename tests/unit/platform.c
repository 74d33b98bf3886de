/* platform.c - one spelling of a platform, as containerd has it. */
#include "unit.h"

static void
spellings(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: it is none */
	} cases[] = {
	    {"linux/amd64", "linux/amd64"},
	    {"linux/x86_64", "linux/amd64"},
	    {"linux/x86-64", "linux/amd64"},
	    {"Linux/AMD64", "linux/amd64"},
	    {"linux/amd64/v1", "linux/amd64"},
	    {"linux/amd64/v3", "linux/amd64/v3"},
	    {"linux/arm64", "linux/arm64"},
	    {"linux/arm64/v8", "linux/arm64"},
	    {"linux/arm64/8", "linux/arm64"},
	    {"linux/arm64/v9", "linux/arm64/v9"},
	    {"linux/aarch64", "linux/arm64"},
	    {"linux/aarch64/v8", "linux/arm64"},
	    {"linux/arm", "linux/arm/v7"},
	    {"linux/arm/7", "linux/arm/v7"},
	    {"linux/arm/v7", "linux/arm/v7"},
	    {"linux/arm/v6", "linux/arm/v6"},
	    {"linux/arm/6", "linux/arm/v6"},
	    {"linux/armhf", "linux/arm/v7"},
	    {"linux/armel", "linux/arm/v6"},
	    {"linux/i386", "linux/386"},
	    {"linux/386", "linux/386"},
	    {"linux/riscv64", "linux/riscv64"},
	    {"macos/arm64", "darwin/arm64"},
	    {"", NULL},
	    {"linux", NULL},
	    {"/", NULL},
	    {"linux/", NULL},
	    {"/amd64", NULL},
	    {"linux//amd64", NULL},
	    {"linux/amd64/", NULL},
	    {"linux/amd64/v1/x", NULL},
	    {"-linux/amd64", NULL},
	    {"linux/-amd64", NULL},
	    {"linux/amd 64", NULL},
	    {"linux/amd64\n", NULL},
	    {"linux/a1234567890123456789012345678901234567890", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *got = parse_platform(cases[i].text);

		same_text(cases[i].text, got ? got : "none", cases[i].want ? cases[i].want : "none");
		free(got);
	}
}

/* As an engine says it: the variant is often left out. */
static void
parts(void **state)
{
	char *got;

	(void)state;
	got = platform_of("linux", "arm", "");
	assert_string_equal(got, "linux/arm/v7");
	free(got);
	got = platform_of("linux", "arm64", "v8");
	assert_string_equal(got, "linux/arm64");
	free(got);
	assert_null(platform_of("", "amd64", ""));
	assert_null(platform_of("linux", "", ""));
	assert_null(platform_of("linux", "amd64\nsha256:", ""));
	assert_null(platform_of("linux", "amd64", "v/1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spellings),
	    cmocka_unit_test(parts),
	};

	return RUN_TESTS(tests);
}
