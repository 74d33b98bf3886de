/* digest.c - image IDs, SHA-256. */
#include <fcntl.h>

#include "unit.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
image_ids(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
	    {"sha256:" HEX64, true},
	    {"sha256:" HEX64 "\n", true},
	    {"sha256:" HEX64 "\r\n", true},
	    {"sha256:" HEX64 " \t\n\n", true},
	    {"", false},
	    {"sha256:", false},
	    {HEX64, false},
	    {"sha256:0123456789abcdef", false},
	    {"sha256:" HEX64 "0", false},
	    {"sha256:" HEX64 "x", false},
	    {"sha256:" HEX64 "\nx", false},
	    {"sha256:" HEX64 "\v", false},
	    {" sha256:" HEX64, false},
	    {"\nsha256:" HEX64, false},
	    {"sha256: " HEX64, false},
	    {"SHA256:" HEX64, false},
	    {"sha512:" HEX64, false},
	    {"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false},
	    {"sha256:g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false},
	    {"name@sha256:" HEX64, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char hex[SHA256_HEX + 1] = "untouched";

		same_number(cases[i].text, digest_hex(cases[i].text, hex), cases[i].good);
		same_text(cases[i].text, hex, cases[i].good ? HEX64 : "untouched");
	}
}

/* A torn iidfile is never another image's ID. */
static void
torn_ids(void **state)
{
	char text[] = "sha256:" HEX64, hex[SHA256_HEX + 1];

	(void)state;
	for (size_t n = strlen(text); n-- > 0;) {
		text[n] = '\0';
		same_number(text, digest_hex(text, hex), false);
	}
}

/* Without white space, and behind it what a file's name ends with. */
static void
exact(void **state)
{
	char digest[DIGEST];

	(void)state;
	assert_true(is_digest("sha256:" HEX64));
	assert_false(is_digest("sha256:" HEX64 "\n"));
	assert_false(is_digest(HEX64));
	assert_false(is_digest(NULL));
	assert_true(digest_of_hex(HEX64 ".json", ".json", digest));
	same_text("of a name", digest, "sha256:" HEX64);
	assert_false(digest_of_hex(HEX64 ".json", "", digest));
	assert_false(digest_of_hex(HEX64, ".json", digest));
	assert_false(digest_of_hex(HEX64 "0.json", ".json", digest));
	same_text("a digest", digest_digits("sha256:" HEX64), HEX64);
	same_text("podman's", digest_digits(HEX64), HEX64);
}

/* A part of a file, without its place being moved; and no more than there is. */
static void
parts_of_a_file(void **state)
{
	char digest[DIGEST], piecewise[DIGEST], whole[DIGEST];
	int fd = open("parts", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct hash *h = hash_new();

	(void)state;
	assert_int_equal(write(fd, "abcdef", 6), 6);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	hash_update(h, "ab", 2);
	hash_update(h, "", 0);
	hash_update(h, "c", 1);
	hash_end(h, piecewise);
	hash_free(h);
	assert_true(digest_file(fd, 3, digest));
	same_text("three bytes", digest, piecewise);
	digest_bytes("abcdef", 6, whole);
	assert_true(digest_file(fd, UINT64_MAX, digest));
	same_text("all", digest, whole);
	assert_true(digest_file(fd, 6, digest));
	assert_false(digest_file(fd, 7, digest));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 2);
	close(fd);
	assert_false(digest_file(fd, 1, digest));
}

/* FIPS 180-2, appendix B. */
static void
known_answers(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
	    {"", EMPTY},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[SHA256_HEX + 1];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		sha256_hex(cases[i].text, strlen(cases[i].text), hex);
		same_text(cases[i].text, hex, cases[i].hex);
		put_text("file", cases[i].text);
		assert_true(sha256_file("file", hex));
		same_text(cases[i].text, hex, cases[i].hex);
	}
}

static void
long_file(void **state)
{
	char hex[SHA256_HEX + 1], *million = malloc(1000000);

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	put_file("million", million, 1000000);
	free(million);
	assert_true(sha256_file("million", hex));
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void
unreadable(void **state)
{
	char hex[SHA256_HEX + 1];

	(void)state;
	errno = 0;
	assert_false(sha256_file("not there", hex));
	assert_int_equal(errno, ENOENT);
	errno = 0;
	assert_false(sha256_file(".", hex));
	assert_int_equal(errno, EISDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(image_ids),       cmocka_unit_test(torn_ids),      cmocka_unit_test(exact),
	    cmocka_unit_test(parts_of_a_file), cmocka_unit_test(known_answers), cmocka_unit_test(long_file),
	    cmocka_unit_test(unreadable),
	};

	return RUN_TESTS(tests);
}
