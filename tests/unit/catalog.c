/* catalog.c - what a registry finds under which name. */
#include "registry/catalog.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include <jansson.h>

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static void
add(struct catalog *c, size_t i, const char *name, const char *config, const char *layer)
{
	struct recoded r = {.fd = 5, .at = 7, .length = 11, .coding = ZSTD};
	struct served *s = &c->image[i];
	struct reference reference;
	char why[WHY];

	assert_true(parse_reference(name, &reference));
	catalog_name(s, &reference);
	catalog_layers(s, 1);
	snprintf(r.digest, DIGEST, "sha256:%s", layer);
	catalog_layer(&s->layer[0], &r);
	s->config = (struct content){.type = TYPE_CONFIG, .size = 13};
	snprintf(s->config.digest, DIGEST, "sha256:%s", config);
	assert_true(catalog_manifest(c, s, why));
}

static void
fill(struct catalog *c)
{
	char why[WHY];

	assert_true(catalog_open(c, 3, ".", why));
	add(c, 0, "one/x:b", A64, B64);
	add(c, 1, "one/x:a", C64, B64);
	add(c, 2, "two:a", A64, C64);
}

static const struct content *
find(const struct catalog *c, const char *path)
{
	struct target r;

	parse_target(path, &r);
	return catalog_find(c, &r);
}

static void
names(void **state)
{
	static const char *const there[] = {
	    "/v2/one/x/manifests/a",       "/v2/one/x/manifests/b",       "/v2/two/manifests/a",
	    "/v2/one/x/blobs/sha256:" A64, "/v2/one/x/blobs/sha256:" B64, "/v2/one/x/blobs/sha256:" C64,
	    "/v2/two/blobs/sha256:" A64,   "/v2/two/blobs/sha256:" C64,
	};
	/* not even what another repository has */
	static const char *const missing[] = {
	    "/v2/two/manifests/b",
	    "/v2/two/blobs/sha256:" B64,
	    "/v2/one/manifests/a",
	    "/v2/one/x/manifests/sha256:" A64,
	    "/v2/one/x/blobs/a",
	    "/v2/one/x/tags/list",
	    "/v2/",
	    "/v2/one/y/manifests/a",
	};
	struct catalog c;

	(void)state;
	fill(&c);
	for (size_t i = 0; i < LENGTH(there); i++)
		same_number(there[i], find(&c, there[i]) != NULL, true);
	for (size_t i = 0; i < LENGTH(missing); i++)
		same_number(missing[i], find(&c, missing[i]) != NULL, false);
	catalog_free(&c);
}

/* A manifest is found under its digest, is what that says, and names what there is. */
static void
manifests(void **state)
{
	struct catalog c;
	const struct content *m;
	char text[1024], hex[SHA256_HEX + 1], *path;
	json_t *root, *layer;

	(void)state;
	fill(&c);
	m = find(&c, "/v2/two/manifests/a");
	assert_non_null(m);
	same_text("type", m->type, "application/vnd.oci.image.manifest.v1+json");
	assert_true(m->size < sizeof(text) && read_at(m->fd, text, m->size, m->offset));
	sha256_hex(text, m->size, hex);
	same_text("digest", m->digest + strlen("sha256:"), hex);
	path = format("/v2/two/manifests/%s", m->digest);
	assert_ptr_equal(find(&c, path), m);
	free(path);

	root = json_loadb(text, m->size, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(root, "schemaVersion")), 2);
	same_text("mediaType", json_string_value(json_object_get(root, "mediaType")), m->type);
	layer = json_array_get(json_object_get(root, "layers"), 0);
	same_text("layer", json_string_value(json_object_get(layer, "digest")), "sha256:" C64);
	same_text("layer", json_string_value(json_object_get(layer, "mediaType")),
		  "application/vnd.oci.image.layer.v1.tar+zstd");
	assert_int_equal(json_integer_value(json_object_get(layer, "size")), 11);
	same_text("config", json_string_value(json_object_get(json_object_get(root, "config"), "digest")),
		  "sha256:" A64);
	json_decref(root);
	catalog_free(&c);
}

static void
tags(void **state)
{
	static const struct {
		const char *repository, *after;
		size_t most;
		const char *list, *more_after;
	} cases[] = {
	    {"one/x", "", 10, "{\"name\":\"one/x\",\"tags\":[\"a\",\"b\"]}", ""},
	    {"one/x", "", 2, "{\"name\":\"one/x\",\"tags\":[\"a\",\"b\"]}", ""},
	    {"one/x", "", 1, "{\"name\":\"one/x\",\"tags\":[\"a\"]}", "a"},
	    {"one/x", "a", 1, "{\"name\":\"one/x\",\"tags\":[\"b\"]}", ""},
	    {"one/x", "b", 1, "{\"name\":\"one/x\",\"tags\":[]}", ""},
	    {"one/x", "aa", 9, "{\"name\":\"one/x\",\"tags\":[\"b\"]}", ""},
	    {"two", "", 9, "{\"name\":\"two\",\"tags\":[\"a\"]}", ""},
	};
	struct catalog c;

	(void)state;
	fill(&c);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *more_after;
		char *list =
		    catalog_tags(&c, cases[i].repository, cases[i].after, cases[i].most, &more_after);

		same_text(cases[i].list, list, cases[i].list);
		same_text(cases[i].list, more_after ? more_after : "", cases[i].more_after);
		free(list);
	}
	catalog_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(manifests),
	    cmocka_unit_test(tags),
	};

	return RUN_TESTS(tests);
}
