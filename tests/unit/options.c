/*
 * options.c - the keys of packings: public where they were, and no two packings share one by what is in a
 * value.
 */
#include "machine/options.h"
#include "machine/check.h"
#include "unit.h"

static void
known_suffixes(void **state)
{
	/* the first 8 hex of `printf 'CPUS=2\n' | sha256sum`, and so on */
	static const struct {
		struct wish wish;
		const char *suffix;
	} cases[] = {
	    {{.image = "a"}, ""},
	    {{.cpus = "", .entrypoint = ""}, ""},
	    {{.cpus = "2"}, "-7e9d5b4e"},
	    {{.cpus = "2", .mem = "1024", .entrypoint = "/bin/sh -c \"x  y\"", .platform = "linux/amd64"},
	     "-d415ff5e"},
	    {{.smolfile = "/x", .smolfile_sha256 = "abc"}, "-1177c7cf"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *suffix = option_suffix(&cases[i].wish);

		same_text(cases[i].suffix, suffix, cases[i].suffix);
		free(suffix);
	}
}

/* Whatever stands in a value, it is that value's. */
static void
no_value_is_two(void **state)
{
	static const struct wish wishes[] = {
	    {.entrypoint = "x", .mem = "5"},
	    {.entrypoint = "x\nMEM=5"},
	    {.entrypoint = "x\nMEM=5\n"},
	    {.entrypoint = "x"},
	    {.entrypoint = "x\n"},
	    {.entrypoint = "\nx"},
	    {.entrypoint = "x\n\n"},
	    {.cpus = "2", .entrypoint = "x"},
	    {.entrypoint = "x\nPLATFORM=linux/amd64"},
	    {.entrypoint = "x", .platform = "linux/amd64"},
	    {.entrypoint = "x", .smolfile = "/f", .smolfile_sha256 = "abc"},
	    {.entrypoint = "x\nSMOLFILE=abc"},
	    {.entrypoint = "x\nMEM:1=5"},
	    {.entrypoint = "7=x\nMEM=5"},
	    {.entrypoint = ":7=x\nMEM=5"},
	    {.entrypoint = "CPUS=2"},
	};
	char *suffix[LENGTH(wishes)];

	(void)state;
	for (size_t i = 0; i < LENGTH(wishes); i++) {
		suffix[i] = option_suffix(&wishes[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(suffix[i], suffix[k]) == 0)
				fail_msg("wishes %zu and %zu have one key", k, i);
	}
	for (size_t i = 0; i < LENGTH(wishes); i++)
		free(suffix[i]);
}

static char *
slug(const char *image)
{
	struct reference r;

	assert_true(parse_reference(image, &r));
	return slug_of(&r, image);
}

static void
slugs(void **state)
{
	static const char *const same[][2] = {{"agent", "agent:latest"},
					      {"docker.io/library/agent", "agent"}};
	/* the first pair had one FNV-1a, of which 32 bits were a slug's end */
	static const char *const other[][2] = {{"smolmake-test/two-names-with-one-beginning-aecad",
						"smolmake-test/two-names-with-one-beginning-139f10"},
					       {"a/b", "a-b"},
					       {"a.b", "a-b"},
					       {"agent:v1.2", "agent:v1-2"}};
	char *a, *b;

	(void)state;
	for (size_t i = 0; i < LENGTH(same) + LENGTH(other); i++) {
		const char *const *pair = i < LENGTH(same) ? same[i] : other[i - LENGTH(same)];

		a = slug(pair[0]);
		b = slug(pair[1]);
		same_number(pair[0], strcmp(a, b) == 0, i < LENGTH(same));
		free(a);
		free(b);
	}
	a = slug("[::1]:5000/x");
	assert_true(*a == '1'); /* no option */
	free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_suffixes),
	    cmocka_unit_test(no_value_is_two),
	    cmocka_unit_test(slugs),
	};

	return RUN_TESTS(tests);
}
