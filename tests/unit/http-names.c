/* http-names.c - what a registry's client asks for: paths, ranges, entity tags. */
#include "unit.h"

#include "registry/request.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_TEXT "sha256:" HEX64

static void
paths(void **state)
{
	static const struct {
		const char *path, *name, *reference;
		int kind;
		bool by_digest;
	} cases[] = {
	    {"/v2/", "", "", ROOT, false},
	    {"/v2/x/manifests/latest", "x", "latest", MANIFEST, false},
	    {"/v2/a/b/c/manifests/V1.0_x-y", "a/b/c", "V1.0_x-y", MANIFEST, false},
	    {"/v2/x/manifests/" DIGEST_TEXT, "x", DIGEST_TEXT, MANIFEST, true},
	    {"/v2/x/blobs/" DIGEST_TEXT, "x", DIGEST_TEXT, BLOB, true},
	    {"/v2/x/tags/list", "x", "list", TAGS, false},
	    /* the words are names too, where they stand for one */
	    {"/v2/manifests/manifests/manifests", "manifests", "manifests", MANIFEST, false},
	    {"/v2/x/blobs/y/tags/list", "x/blobs/y", "list", TAGS, false},
	    {"/v2/tags/list/manifests/1", "tags/list", "1", MANIFEST, false},
	    /* nothing that is in any table, but of the form */
	    {"/v2/x/blobs/sha256:0123", "x", "sha256:0123", BLOB, false},
	    {"/v2/x/blobs/sha512:" HEX64, "x", "sha512:" HEX64, BLOB, false},
	    {"/v2/x/manifests/.INVALID_MANIFEST_NAME", "x", ".INVALID_MANIFEST_NAME", MANIFEST, false},
	    {"/v2/../../etc/manifests/x", "../../etc", "x", MANIFEST, false},
	    {"/v2/x//manifests/y", "x/", "y", MANIFEST, false},
	    {"/v2/x/blobs/uploads/", "x", "", UPLOADS, false},
	    {"/v2/x/y/blobs/uploads/0a", "x/y", "0a", UPLOAD, false},
	    {"/v2/blobs/uploads/blobs/uploads/1", "blobs/uploads", "1", UPLOAD, false},
	    /* nothing */
	    {"", "", "", NOWHERE, false},
	    {"/", "", "", NOWHERE, false},
	    {"/v2", "", "", NOWHERE, false},
	    {"/v1/_ping", "", "", NOWHERE, false},
	    {"/v2/_catalog", "", "", NOWHERE, false},
	    {"/v2/x", "", "", NOWHERE, false},
	    {"/v2/x/manifests", "", "", NOWHERE, false},
	    {"/v2//manifests/x", "", "", NOWHERE, false},
	    {"/v2/manifests/x", "", "", NOWHERE, false},
	    {"//v2/x/manifests/y", "", "", NOWHERE, false},
	    {"/V2/x/manifests/y", "", "", NOWHERE, false},
	    {"/v2/X/manifests/y", "", "", NOWHERE, false},
	    {"/v2/x%2fy/manifests/z", "", "", NOWHERE, false},
	    {"/v2/x y/manifests/z", "", "", NOWHERE, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct target r;

		parse_target(cases[i].path, &r);
		same_number(cases[i].path, r.kind, cases[i].kind);
		if (r.kind == NOWHERE)
			continue;
		same_text(cases[i].path, r.name, cases[i].name);
		same_text(cases[i].path, r.reference, cases[i].reference);
		same_number(cases[i].path, r.by_digest, cases[i].by_digest);
	}
}

/* Of the form, but not what it should be: the words are not of the path's. */
static void
wrong_words(void **state)
{
	static const char *const paths[] = {
	    "/v2/x/manifests/",
	    "/v2/x/manifests/a/b",
	    "/v2/x/blobs/",
	    "/v2/x/uploads/",
	    "/v2/blobs/uploads/",
	    "/v2/x/blobs/uploads/A",
	    "/v2/x/blobs/uploads/a/b",
	    "/v2/x/blobs/uploads/a.b",
	    "/v2/x/blobs//uploads/",
	    "/v2/x/tags/",
	    "/v2/x/tags/lists",
	    "/v2/x/tags/list/",
	    "/v2/x/Manifests/y",
	    "/v2/x/manifest/y",
	    "/v2/x/manifestss/y",
	    "/v2/x/manifests/y z",
	    "/v2/x/manifests/y%00",
	    "/v2/x/referrers/" DIGEST_TEXT,
	    "/v2/x/manifests/\xc3\xa9",
	    "/v2/x/manifests/" HEX64 HEX64 "00000000",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(paths); i++) {
		struct target r;

		parse_target(paths[i], &r);
		same_number(paths[i], r.kind, NOWHERE);
	}
}

/* Distribution lets a name have 255 bytes and a tag 128. */
static void
lengths(void **state)
{
	struct target r;
	char path[600], name[257], tag[137];

	(void)state;
	memset(name, 'a', sizeof(name));
	memset(tag, 'b', sizeof(tag));
	snprintf(path, sizeof(path), "/v2/%.255s/manifests/%.128s", name, tag);
	parse_target(path, &r);
	assert_int_equal(r.kind, MANIFEST);
	assert_int_equal(strlen(r.name), 255);
	assert_int_equal(strlen(r.reference), 128);
	snprintf(path, sizeof(path), "/v2/%.256s/manifests/x", name);
	parse_target(path, &r);
	assert_int_equal(r.kind, NOWHERE);
	snprintf(path, sizeof(path), "/v2/x/manifests/%.136s", tag);
	parse_target(path, &r);
	assert_int_equal(r.kind, NOWHERE);
}

static void
ranges(void **state)
{
	static const struct {
		const char *value;
		unsigned long long size;
		int kind;
		unsigned long long first, count;
	} cases[] = {
	    {"bytes=0-0", 10, RANGE_PART, 0, 1},
	    {"bytes=0-9", 10, RANGE_PART, 0, 10},
	    {"bytes=5-", 10, RANGE_PART, 5, 5},
	    {"bytes=9-", 10, RANGE_PART, 9, 1},
	    {"bytes=-1", 10, RANGE_PART, 9, 1},
	    {"bytes=-10", 10, RANGE_PART, 0, 10},
	    {"bytes=-99", 10, RANGE_PART, 0, 10},
	    {"bytes=3-99", 10, RANGE_PART, 3, 7},
	    {"BYTES=1-2", 10, RANGE_PART, 1, 2},
	    {"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
	    {"bytes=18446744073709551614-", 18446744073709551615ULL, RANGE_PART, 18446744073709551614ULL, 1},
	    {"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0},
	    /* what is not understood is not there */
	    {NULL, 10, RANGE_WHOLE, 0, 10},
	    {"", 10, RANGE_WHOLE, 0, 10},
	    {"bytes", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=-", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=5", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=5-3", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=0-1x", 10, RANGE_WHOLE, 0, 10},
	    {"bytes= 0-1", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=+1-2", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=--1", 10, RANGE_WHOLE, 0, 10},
	    {"items=0-1", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=18446744073709551616-", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=0-18446744073709551616", 10, RANGE_WHOLE, 0, 10},
	    {"bytes=-99999999999999999999999", 10, RANGE_WHOLE, 0, 10},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *what = cases[i].value ? cases[i].value : "(none)";
		struct range r;

		parse_range(cases[i].value, cases[i].size, &r);
		same_number(what, r.kind, cases[i].kind);
		same_number(what, (long long)r.first, (long long)cases[i].first);
		same_number(what, (long long)r.count, (long long)cases[i].count);
	}
}

static void
entity_tags(void **state)
{
	static const struct {
		const char *value;
		bool same;
	} cases[] = {
	    {"*", true},
	    {"\"" DIGEST_TEXT "\"", true},
	    {"W/\"" DIGEST_TEXT "\"", true},
	    {"\"x\", \"" DIGEST_TEXT "\"", true},
	    {"\"" DIGEST_TEXT "\",\"x\"", true},
	    {"", false},
	    {"\"\"", false},
	    {"\"", false},
	    {DIGEST_TEXT, false},
	    {"\"" DIGEST_TEXT, false},
	    {"\"" DIGEST_TEXT "0\"", false},
	    {"\"x\"" DIGEST_TEXT "\"y\"", false},
	    {"**", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		same_number(cases[i].value, names_etag(cases[i].value, DIGEST_TEXT), cases[i].same);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths),  cmocka_unit_test(wrong_words), cmocka_unit_test(lengths),
	    cmocka_unit_test(ranges), cmocka_unit_test(entity_tags),
	};

	return RUN_TESTS(tests);
}
