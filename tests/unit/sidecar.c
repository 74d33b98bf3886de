/* sidecar.c - what is no whole artifact is never taken for one. */
#include "machine/sidecar.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include "packed.h"

#define MANIFEST_TEXT                                                                                        \
	"{\"image\":\"127.0.0.1:32770/x:0123456789abcdef\",\"digest\":\"sha256:ab\","                        \
	"\"platform\":\"linux/amd64\",\"host_platform\":\"darwin/arm64\",\"smolvm_version\":\"1.9.2\","      \
	"\"assets\":{\"layers\":[{\"digest\":\"sha256:cd\"},{\"digest\":\"sha256:ef\"}]}}"

#define LAYER ",\"assets\":{\"layers\":[{\"digest\":\"x\"}]}"

static char why[200];
static struct sidecar s;

/* Footer and manifest; and, with whole, all of it. why says what is wrong, always. */
static bool
good(const char *bytes, size_t size, bool whole)
{
	bool is;
	int fd;

	put_file("sidecar", bytes, size);
	fd = open("sidecar", O_RDONLY);
	assert_true(fd >= 0);
	*why = '\0';
	is = read_sidecar(fd, &s, why) && (!whole || check_sidecar(fd, &s, why));
	close(fd);
	assert_int_equal(is, *why == '\0');
	return is;
}

static bool
good_manifest(const char *text, size_t length)
{
	size_t size;
	char *bytes = pack("assets", 6, text, length, &size);
	bool is = good(bytes, size, true);

	free(bytes);
	return is;
}

static void
whole(void **state)
{
	static const size_t sizes[] = {0, 1, 1000, (1 << 18) - sizeof(MANIFEST_TEXT) + 1, 1 << 18, 700001};
	size_t size;

	(void)state;
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		char *assets = malloc(sizes[i] + 1), *bytes;

		for (size_t j = 0; j < sizes[i]; j++)
			assets[j] = (char)(j * 7 + j / 251);
		bytes = pack(assets, sizes[i], MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);
		if (!good(bytes, size, true))
			fail_msg("%zu bytes of assets: %s", sizes[i], why);
		assert_int_equal(s.assets_size, sizes[i]);
		assert_int_equal(s.manifest_offset, sizes[i]);
		assert_int_equal(s.manifest_size, sizeof(MANIFEST_TEXT) - 1);
		assert_string_equal(s.image, "127.0.0.1:32770/x:0123456789abcdef");
		assert_string_equal(s.digest, "sha256:ab");
		assert_string_equal(s.platform, "linux/amd64");
		assert_string_equal(s.host, "darwin/arm64");
		assert_string_equal(s.version, "1.9.2");
		assert_int_equal(s.layers, 2);
		assert_string_equal(s.layer, "sha256:cd");
		free(bytes);
		free(assets);
	}
}

static void
versions(void **state)
{
	static const struct {
		uint32_t version;
		bool known;
	} cases[] = {{0, false}, {1, true},      {2, true},           {3, true},
		     {4, false}, {0x100, false}, {0x01000001, false}, {UINT32_MAX, false}};
	size_t size;
	char *bytes = pack("assets", 6, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		little_endian(bytes + size - FOOTER + 8, cases[i].version, 4);
		same_number("version", good(bytes, size, true), cases[i].known);
		if (!cases[i].known)
			has_text("version", why, "format version");
	}
	free(bytes);
}

/* smolvm writes in place: it can stop after any byte, or leave the end of a longer one. */
static void
torn(void **state)
{
	size_t size;
	char *bytes = pack("some assets", 11, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size), *two;

	(void)state;
	for (size_t n = 0; n < size; n++)
		if (good(bytes, n, true))
			fail_msg("cut to %zu of %zu bytes it is taken", n, size);
	two = malloc(2 * size);
	memcpy(two, bytes, size);
	memcpy(two + size, bytes, size);
	for (size_t n = 1; n <= size; n++)
		if (good(two, size + n, true) || good(two + size - n, size + n, true))
			fail_msg("with %zu bytes too many it is taken", n);
	free(two);
	free(bytes);
}

static void
any_bit(void **state)
{
	size_t size, footer;
	char *bytes = pack("some assets", 11, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);

	(void)state;
	footer = size - FOOTER;
	for (size_t bit = 0; bit < size * 8; bit++) {
		bool taken;

		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		taken = good(bytes, size, true);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		/* version 1 becomes 3: the same layout, for smolvm too */
		if (taken && bit != (footer + 8) * 8 + 1)
			fail_msg("bit %zu of byte %zd of the footer flipped, it is taken", bit % 8,
				 (ssize_t)(bit / 8) - (ssize_t)footer);
	}
	assert_true(good(bytes, size, true));
	free(bytes);
}

/* The quick look reads no assets, and still sees what is wrong with sizes and manifest. */
static void
sizes(void **state)
{
	static const struct {
		size_t field;
		uint64_t value;
	} cases[] = {
	    {STUB, 1},
	    {STUB, UINT64_MAX},
	    {ASSETS_AT, 1},
	    {ASSETS_AT, UINT64_MAX},
	    {ASSETS, 0},
	    {ASSETS, 10},
	    {ASSETS, 12},
	    {ASSETS, (uint64_t)INT64_MAX},
	    {ASSETS, UINT64_MAX},
	    {ASSETS, UINT64_MAX - 63},
	    {MANIFEST_AT, 0},
	    {MANIFEST_AT, 10},
	    {MANIFEST_AT, UINT64_MAX},
	    {MANIFEST, 0},
	    {MANIFEST, sizeof(MANIFEST_TEXT)},
	    {MANIFEST, (uint64_t)1 << 32},
	    {MANIFEST, ((uint64_t)1 << 32) + sizeof(MANIFEST_TEXT) - 1},
	    {MANIFEST, UINT64_MAX},
	    {MANIFEST, UINT64_MAX - 10},
	};
	static const char one_layer[] = "{\"image\":\"i\",\"digest\":\"d\"" LAYER "} ";
	size_t size;
	char *bytes = pack("some assets", 11, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size), *wrong;

	(void)state;
	wrong = malloc(size);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		memcpy(wrong, bytes, size);
		little_endian(wrong + size - FOOTER + cases[i].field, cases[i].value, 8);
		if (good(wrong, size, false))
			fail_msg("field %zu = %llu is taken", cases[i].field,
				 (unsigned long long)cases[i].value);
	}
	/* two fields whose sum overflows to the right one */
	memcpy(wrong, bytes, size);
	little_endian(wrong + size - FOOTER + ASSETS, UINT64_MAX - 4, 8);
	little_endian(wrong + size - FOOTER + MANIFEST_AT, UINT64_MAX - 4, 8);
	little_endian(wrong + size - FOOTER + MANIFEST, sizeof(MANIFEST_TEXT) - 1 + 11 + 5, 8);
	assert_false(good(wrong, size, false));
	free(wrong);
	free(bytes);
	/* a manifest that is JSON from one byte before its start too */
	bytes = pack("assets ", 7, one_layer, sizeof(one_layer) - 1, &size);
	assert_true(good(bytes, size, true));
	little_endian(bytes + size - FOOTER + MANIFEST_AT, 6, 8);
	assert_false(good(bytes, size, false));
	free(bytes);
}

static void
wrong_crc(void **state)
{
	size_t size;
	char *bytes = pack("some assets", 11, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);

	(void)state;
	bytes[3] ^= 1;
	assert_true(good(bytes, size, false));
	assert_false(good(bytes, size, true));
	has_text("CRC", why, "damaged");
	free(bytes);
}

static void
manifests(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is taken */
	} cases[] = {
	    {"{\"image\":\"i\",\"digest\":\"d\"" LAYER "}", NULL},
	    {" \n{\"image\":\"i\",\"digest\":\"d\"" LAYER "}\n ", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"platform\":7,\"smolvm_version\":null" LAYER "}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"assets\":{\"layers\":[7]}}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"mode\":\"container\"" LAYER "}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"env\":[\"A=\\u0000\"]" LAYER "}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"mode\":\"vm\"" LAYER "}", "its mode is 'vm'"},
	    {"{\"image\":\"i\",\"digest\":\"d\"}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"assets\":[]}", NULL},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"assets\":{}}", "lists no layer"},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"assets\":{\"layers\":[]}}", "lists no layer"},
	    {"{\"image\":\"i\",\"digest\":\"d\",\"assets\":{\"layers\":{}}}", "lists no layer"},
	    {"", "is not JSON"},
	    {" ", "is not JSON"},
	    {"{", "is not JSON"},
	    {"}", "is not JSON"},
	    {"null", "is not JSON"},
	    {"image", "is not JSON"},
	    {"{\"image\":\"i\",\"digest\":\"d\"}x", "is not JSON"},
	    {"{\"image\":\"i\",\"digest\":\"d\"", "is not JSON"},
	    {"{\"image\":\"i\",\"digest\":\"d\",}", "is not JSON"},
	    {"{\"image\":\"\xff\",\"digest\":\"d\"}", "is not JSON"},
	    {"{\"image\":\"\\ud800\",\"digest\":\"d\"}", "is not JSON"},
	    {"{}", "names no image"},
	    {"[]", "names no image"},
	    {"[{\"image\":\"i\",\"digest\":\"d\"}]", "names no image"},
	    {"{\"image\":\"i\"}", "names no image"},
	    {"{\"digest\":\"d\"}", "names no image"},
	    {"{\"image\":\"\",\"digest\":\"d\"}", "names no image"},
	    {"{\"image\":7,\"digest\":\"d\"}", "names no image"},
	    {"{\"image\":[\"i\"],\"digest\":\"d\"}", "names no image"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		bool taken = good_manifest(cases[i].text, strlen(cases[i].text));

		same_number(cases[i].text, taken, cases[i].says == NULL);
		if (cases[i].says)
			has_text(cases[i].text, why, cases[i].says);
	}
	/* a NUL in the middle ends nothing */
	assert_false(good_manifest("{\"image\":\"i\",\"digest\":\"d\"}\0x", 29));
}

/* What smolvm wrote ends up on a terminal, and in buffers of ours. */
static void
hostile_manifests(void **state)
{
	enum { DEEP = 200000 };
	char *deep = malloc(DEEP), *text;

	(void)state;
	memset(deep, '[', DEEP);
	assert_false(good_manifest(deep, DEEP));
	has_text("deep", why, "is not JSON");
	free(deep);

	text = format(
	    "{\"image\":\"%0600d\",\"digest\":\"%0600d\",\"platform\":\"%0600d\",\"smolvm_version\":\"%0600d\",\"assets\":{\"layers\":[{\"digest\":\"%0600d\"}]}}",
	    1, 2, 3, 4, 5);
	assert_true(good_manifest(text, strlen(text)));
	assert_int_equal(strlen(s.image), sizeof(s.image) - 1);
	assert_int_equal(strlen(s.digest), sizeof(s.digest) - 1);
	assert_int_equal(strlen(s.platform), sizeof(s.platform) - 1);
	assert_int_equal(strlen(s.version), sizeof(s.version) - 1);
	assert_int_equal(strlen(s.layer), sizeof(s.layer) - 1);
	free(text);

	text = "{\"image\":\"\\u001b[31m\\n\\u007f\\u0000x\",\"digest\":\"d\\r\"" LAYER "}";
	assert_true(good_manifest(text, strlen(text)));
	assert_string_equal(s.image, "?[31m???x");
	assert_string_equal(s.digest, "d?");
}

static void
huge_manifest(void **state)
{
	static const char manifest[] = "{\"image\":\"i\",\"digest\":\"d\"" LAYER "}";
	const size_t most = 16 << 20;
	char *text = malloc(most + 1);

	(void)state;
	memset(text, ' ', most + 1);
	memcpy(text, manifest, sizeof(manifest) - 1);
	assert_true(good_manifest(text, most));
	assert_false(good_manifest(text, most + 1));
	has_text("huge", why, "a manifest of 16777217 bytes");
	free(text);
}

/* 5 GB, of which only the end is there: the quick look reads only that, and counts beyond 32 bits. */
static void
large(void **state)
{
	const off_t hole = (off_t)5 << 30;
	size_t size;
	char *bytes = pack("", 0, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);
	int fd = open("large", O_RDWR | O_CREAT, 0600);

	(void)state;
	little_endian(bytes + size - FOOTER + ASSETS, (uint64_t)hole, 8);
	little_endian(bytes + size - FOOTER + MANIFEST_AT, (uint64_t)hole, 8);
	assert_int_equal(pwrite(fd, bytes, size, hole), size);
	assert_true(read_sidecar(fd, &s, why));
	assert_true(s.manifest_offset == (uint64_t)hole);
	close(fd);
	unlink("large");
	free(bytes);
}

static void
shrinks_while_read(void **state)
{
	size_t size;
	char *bytes = pack("some assets", 11, MANIFEST_TEXT, sizeof(MANIFEST_TEXT) - 1, &size);
	int fd;

	(void)state;
	assert_true(good(bytes, size, true));
	fd = open("sidecar", O_RDWR);
	assert_true(read_sidecar(fd, &s, why));
	assert_int_equal(ftruncate(fd, 5), 0);
	assert_false(check_sidecar(fd, &s, why));
	has_text("shrunk", why, "cannot read it at byte 0");
	close(fd);
	free(bytes);
}

static void
no_files(void **state)
{
	static const char *const paths[] = {".", "/dev/null", "/dev/zero", "fifo"};

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < LENGTH(paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_NONBLOCK);

		assert_true(fd >= 0);
		same_number(paths[i], read_sidecar(fd, &s, why), false);
		has_text(paths[i], why, "not a regular file");
		close(fd);
	}
	assert_false(read_sidecar(-1, &s, why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(torn),
	    cmocka_unit_test(any_bit),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(wrong_crc),
	    cmocka_unit_test(manifests),
	    cmocka_unit_test(hostile_manifests),
	    cmocka_unit_test(huge_manifest),
	    cmocka_unit_test(large),
	    cmocka_unit_test(shrinks_while_read),
	    cmocka_unit_test(no_files),
	};

	return RUN_TESTS(tests);
}
