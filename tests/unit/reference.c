/* reference.c - image references as the engines read them. */
#include "unit.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
taken(void **state)
{
	static const struct {
		const char *text, *name, *path, *tag;
	} cases[] = {
	    {"alpine", "alpine", "alpine", "latest"},
	    {"alpine:3.19", "alpine", "alpine", "3.19"},
	    {"a", "a", "a", "latest"},
	    {"0", "0", "0", "latest"},
	    {"claude-bottle:latest", "claude-bottle", "claude-bottle", "latest"},
	    {"team/app:v1", "team/app", "team/app", "v1"},
	    {"a/b/c/d:e", "a/b/c/d", "a/b/c/d", "e"},
	    {"a.b_c__d---e", "a.b_c__d---e", "a.b_c__d---e", "latest"},
	    {"x:_", "x", "x", "_"},
	    {"x:A.b-C_9", "x", "x", "A.b-C_9"},
	    /* a domain is what holds '.', ':' or an upper-case letter, or is localhost */
	    {"localhost/x", "localhost/x", "x", "latest"},
	    {"localhost", "localhost", "localhost", "latest"},
	    {"localhost:5000", "localhost", "localhost", "5000"},
	    {"localhost:5000/x", "localhost:5000/x", "x", "latest"},
	    {"host/x", "host/x", "host/x", "latest"},
	    {"Host/x", "Host/x", "x", "latest"},
	    {"ghcr.io/o/app:1", "ghcr.io/o/app", "o/app", "1"},
	    {"127.0.0.1:32770/x:y", "127.0.0.1:32770/x", "x", "y"},
	    {"[::1]:5000/x", "[::1]:5000/x", "x", "latest"},
	    {"[2001:db8::1]/x:y", "[2001:db8::1]/x", "x", "y"},
	    {"a-b.example/x", "a-b.example/x", "x", "latest"},
	    {"xn--bcher-kva.example/x", "xn--bcher-kva.example/x", "x", "latest"},
	    {"a---b.example:1/x", "a---b.example:1/x", "x", "latest"},
	    /* Docker Hub's names for one image */
	    {"docker.io/library/alpine", "alpine", "alpine", "latest"},
	    {"docker.io/alpine:3", "alpine", "alpine", "3"},
	    {"index.docker.io/library/alpine", "alpine", "alpine", "latest"},
	    {"index.docker.io/alpine", "alpine", "alpine", "latest"},
	    {"docker.io/team/app", "team/app", "team/app", "latest"},
	    {"docker.io/library/library", "library", "library", "latest"},
	    /* ... as long as what is left means the same */
	    {"docker.io/library/a/b", "library/a/b", "library/a/b", "latest"},
	    {"docker.io/library/foo.bar/x", "library/foo.bar/x", "library/foo.bar/x", "latest"},
	    {"docker.io/foo.bar/x", "docker.io/foo.bar/x", "foo.bar/x", "latest"},
	    {"docker.io/localhost/x", "docker.io/localhost/x", "localhost/x", "latest"},
	    {"docker.io", "docker.io", "docker.io", "latest"},
	    {HEX64 ":x", HEX64, HEX64, "x"},
	    {"x/" HEX64, "x/" HEX64, "x/" HEX64, "latest"},
	    {HEX64 "0", HEX64 "0", HEX64 "0", "latest"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct reference r;

		same_number(cases[i].text, parse_reference(cases[i].text, &r), true);
		same_text(cases[i].text, r.name, cases[i].name);
		same_text(cases[i].text, r.path, cases[i].path);
		same_text(cases[i].text, r.tag, cases[i].tag);
		same_number(cases[i].text, r.is_id, false);
	}
}

static void
refused(void **state)
{
	static const char *const cases[] = {
	    "",
	    " ",
	    "/",
	    ":",
	    ":x",
	    "x:",
	    "x/",
	    "/x",
	    "x//y",
	    "x:y:z",
	    "x:y/z",
	    "-x",
	    ".x",
	    "_x",
	    "x-",
	    "x.",
	    "x_",
	    "x..y",
	    "x___y",
	    "x._y",
	    "x-_y",
	    "X",
	    "team/App",
	    "x:.y",
	    "x:-y",
	    "x:y z",
	    "x y",
	    "x\n",
	    "x:y\n",
	    "\tx",
	    "x;id",
	    "$(id)",
	    "`id`",
	    "x'y",
	    "x\"y",
	    "x\\y",
	    "x&y",
	    "x|y",
	    "x>y",
	    "x%41",
	    "x+y",
	    "x,y",
	    "\xc3\xa4",
	    "x:\xc3\xa4",
	    "../x",
	    "x/../y",
	    "./x",
	    "~x",
	    "docker://x",
	    "http://h/x",
	    "docker.io/",
	    "docker.io/library/",
	    "-h.example/x",
	    "h-.example/x",
	    "h.-example/x",
	    ".example/x",
	    "h..example/x",
	    "h.example./x",
	    "h.example:/x",
	    "h.example:x/y",
	    "h.example:5000x/y",
	    "h_h.example/x",
	    "h.example/",
	    "[::1]",
	    "[::1/x",
	    "[]/x",
	    "[::g]/x",
	    "[::1]x/y",
	    "[::1]:/x",
	    /* by digest: names nothing that can be built or tagged here */
	    ("x@sha256:" HEX64),
	    ("x:y@sha256:" HEX64),
	    ("@sha256:" HEX64),
	    /* 64 hex digits are an ID to the engine, and no name */
	    HEX64,
	    ("docker.io/" HEX64),
	    ("docker.io/library/" HEX64),
	    "sha256:abc",
	    "docker.io/sha256:abc",
	    ("sha256:" HEX64 "0"),
	    "sha256:A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	    ("sha256:" HEX64 "\n"),
	    (" sha256:" HEX64),
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct reference r;

		same_number(cases[i], parse_reference(cases[i], &r), false);
	}
}

static void
ids(void **state)
{
	struct reference r;

	(void)state;
	assert_true(parse_reference("sha256:" HEX64, &r));
	assert_true(r.is_id);
	assert_string_equal(r.name, "");
	assert_string_equal(r.path, "image");
}

static void
lengths(void **state)
{
	char text[600];
	struct reference r;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[255] = '\0';
	assert_true(parse_reference(text, &r));
	assert_int_equal(strlen(r.name), 255);
	assert_int_equal(strlen(r.path), 255);
	text[255] = 'a';
	text[256] = '\0';
	assert_false(parse_reference(text, &r));

	memset(text, 'a', sizeof(text));
	text[255] = ':';
	text[256 + 128] = '\0';
	assert_true(parse_reference(text, &r));
	assert_int_equal(strlen(r.tag), 128);
	text[256 + 128] = 'a';
	text[256 + 129] = '\0';
	assert_false(parse_reference(text, &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taken),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(ids),
	    cmocka_unit_test(lengths),
	};

	return RUN_TESTS(tests);
}
