/* json.c - JSON that others wrote: what the engines take is taken, what they refuse is refused. */
#include "lib/json.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

/* As encoding/json (Go) takes them: decode.go's unquote and scanner.go. */
static void
taken(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"{\"a\":1}", "{\"a\":1}"},
	    {" [ ] ", "[]"},
	    /* Latin-1, and other bytes that are not UTF-8: each is a character of its own */
	    {"[\"caf\xe9\"]", "[\"caf\\uFFFD\"]"},
	    {"[\"\xe9\xe8\"]", "[\"\\uFFFD\\uFFFD\"]"},
	    {"[\"\xff\",\"\x80\",\"\xc0\x80\",\"\xf5\x80\x80\x80\"]",
	     "[\"\\uFFFD\",\"\\uFFFD\",\"\\uFFFD\\uFFFD\",\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"]"},
	    {"[\"\xe2\x82\"]", "[\"\\uFFFD\\uFFFD\"]"},
	    {"[\"\xe2\x82\xac\xe2\"]", "[\"\\u20AC\\uFFFD\"]"},
	    {"[\"\xe0\x9f\xbf\xff\"]", "[\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"]"},
	    {"[\"\xed\xa0\x80\"]", "[\"\\uFFFD\\uFFFD\\uFFFD\"]"},
	    {"[\"\xf0\x8f\xbf\xbf\"]", "[\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"]"},
	    {"[\"\xf4\x90\x80\x80\"]", "[\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"]"},
	    {"[\"\xf0\x9f\x90\xb3\xff\"]", "[\"\\uD83D\\uDC33\\uFFFD\"]"},
	    {"{\"\xe9\":1}", "{\"\\uFFFD\":1}"},
	    /* half surrogates */
	    {"[\"\\ud800\"]", "[\"\\uFFFD\"]"},
	    {"[\"\\uDFFFx\"]", "[\"\\uFFFDx\"]"},
	    {"[\"\\ud800\\ud800\"]", "[\"\\uFFFD\\uFFFD\"]"},
	    {"[\"\\ud800\\u0041\"]", "[\"\\uFFFDA\"]"},
	    {"[\"\\ud800\\n\"]", "[\"\\uFFFD\\n\"]"},
	    {"[\"\\ud83d\\udc33\\ud83d\"]", "[\"\\uD83D\\uDC33\\uFFFD\"]"},
	    {"[\"\\\\ud800\xff\"]", "[\"\\\\ud800\\uFFFD\"]"},
	    {"[\"\\\"\\ud800\"]", "[\"\\\"\\uFFFD\"]"},
	    {"{\"\\udc00\":1}", "{\"\\uFFFD\":1}"},
	    /* NUL, in a value and in a key (Go keeps it; nothing that is read here may hold one) */
	    {"[\"a\\u0000b\"]", "[\"a\\uFFFDb\"]"},
	    {"{\"a\\u0000b\":1}", "{\"a\\uFFFDb\":1}"},
	    /* numbers of any size */
	    {"[1180591620717411303424]", "[1.1805916207174113e21]"},
	    {"[-9223372036854775809]", "[-9.2233720368547758e18]"},
	    {"[9223372036854775807,-9223372036854775808,\"\xff\"]",
	     "[9223372036854775807,-9223372036854775808,\"\\uFFFD\"]"},
	    {"[1e400,-1e400,1E+999]",
	     "[1.7976931348623157e308,-1.7976931348623157e308,1.7976931348623157e308]"},
	    {"[1e-400,\"\xff\"]", "[0.0,\"\\uFFFD\"]"},
	    {"[0,-0,1.5,\"1180591620717411303424\",\"\xff\"]",
	     "[0,0,1.5,\"1180591620717411303424\",\"\\uFFFD\"]"},
	};
	char why[WHY];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		json_t *root = read_json(cases[i].text, strlen(cases[i].text), why);
		char *text = root ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

		same_text(cases[i].text, text ? text : why, cases[i].want);
		free(text);
		json_decref(root);
	}
}

static void
refused(void **state)
{
	static const char *const cases[] = {
	    "",
	    " ",
	    "\xff",
	    "[\xff]",
	    "[\"\xff\"",
	    "[\"\xff",
	    "[\"\xff\"]x",
	    "[\"\xff\"]\xff",
	    "\xef\xbb\xbf[\"\xff\"]",
	    "[\"\\ud80\"]",
	    "[\"\\ud800\\u\"]",
	    "[\"\\u00\xff\"]",
	    "[\"\\x\"]",
	    "[\"\\",
	    "[\"\\ud800",
	    "[\"\xff\n\"]",
	    "[\"\xff\",]",
	    "[\"\xff\",01]",
	    "[\"\xff\",1.]",
	    "[\"\xff\",.5]",
	    "[\"\xff\",+1]",
	    "[\"\xff\",0x10]",
	    "[\"\xff\",1180591620717411303424e]",
	    "[\"\xff\",--1180591620717411303424]",
	    "[\"\xff\",1180591620717411303424 2]",
	    "[\"\xff\",NaN]",
	    "[\"\xff\",Infinity]",
	    "{\"\xff\"}",
	    "{\"\xff\":}",
	};
	char why[WHY];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		*why = '\0';
		if (read_json(cases[i], strlen(cases[i]), why) != NULL)
			fail_msg("'%s' is taken", cases[i]);
		assert_true(*why != '\0');
	}
	/* not C strings */
	assert_null(read_json("[1]\0", 4, why));
	assert_null(read_json("[\"\0\xff\"]", 6, why));
}

static char *
repeated(char c, size_t n)
{
	char *text = xmalloc(n + 1);

	memset(text, c, n);
	text[n] = '\0';
	return text;
}

/*
 * Engines take 10,000 levels: what lies deeper than anything of use is left out, what is beside it is read.
 */
static void
nesting(void **state)
{
	static const int depths[] = {999, 1000, 1001, 2048, 10000, 200000};
	char why[WHY];

	(void)state;
	for (size_t i = 0; i < LENGTH(depths); i++)
		for (int closed = 1; closed >= 0; closed--) {
			size_t n = (size_t)depths[i];
			char *opens = repeated('[', n), *closes = repeated(']', n - (size_t)!closed);
			char *text =
			    format("{\"before\":1,\"deep\":%s\"]\\\"]\xff\"%s,\"after\":2}", opens, closes);
			json_t *root = read_json(text, strlen(text), why);

			assert_int_equal(root != NULL, closed);
			assert_int_equal(json_integer_value(json_object_get(root, "before")), closed ? 1 : 0);
			assert_int_equal(json_integer_value(json_object_get(root, "after")), closed ? 2 : 0);
			json_decref(root);
			free(text);
			free(closes);
			free(opens);
		}
}

static void
words(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"caf\xc3\xa9", "caf\xc3\xa9"},
	    {"caf\xe9", "caf\xef\xbf\xbd"},
	    {"\\ud800 \"\x01", "\\ud800 \"\x01"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		json_t *value = json_words(cases[i].text);

		same_text(cases[i].text, json_string_value(value), cases[i].want);
		json_decref(value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taken),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(nesting),
	    cmocka_unit_test(words),
	};

	return RUN_TESTS(tests);
}
