/* kind.c - the kind of engine that a run has noted, whoever reads it. */
#include "engine/kind.h"
#include "unit.h"

static void
noted(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
	    {"podman --tls-verify=false\n", "podman"},
	    {"podman\n", "podman"},
	    {"podman", "podman"},
	    {"docker \n", "docker"},
	    {"docker", "docker"},
	    {NULL, "docker"},
	    {"", "docker"},
	    {"podmans", "docker"},
	    {"pod", "docker"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		same_text(cases[i].text ? cases[i].text : "nothing", kind_noted(cases[i].text)->name,
			  cases[i].name);
}

static void
named(void **state)
{
	(void)state;
	assert_true(is_named_podman("/usr/bin/podman"));
	assert_true(is_named_podman("podman-remote"));
	assert_false(is_named_podman("/opt/podman/docker"));
	assert_false(is_named_podman("podman.sh"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(noted),
	    cmocka_unit_test(named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
