/* growing.c - a file that is read again while it is written. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

#include "pack/growing.h"
#include "unit.h"

enum { NO_GAP = -1 };

static uint32_t
crc_of(const void *bytes, size_t size)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)size);
}

static struct growing *
begin(void)
{
	int fd = open("grown", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return growing_new(fd);
}

/* What is said of the file is what the file has, wherever the gap is, and whenever it is filled. */
static void
said_and_written(void **state)
{
	static const struct {
		size_t pieces, size; /* so many of that size */
		long gap, fill;      /* before that piece, and so many pieces later */
	} cases[] = {
	    {0, 0, NO_GAP, 0},       {0, 0, 0, 0},       {1, 1, NO_GAP, 0},       {1, 1, 0, 1},
	    {3, 1000, 1, 2},         {3, 1000, 3, 0},    {2, 1 << 18, NO_GAP, 0}, {2, (1 << 18) + 1, 1, 1},
	    {40, 700001, NO_GAP, 0}, {40, 700001, 2, 0}, {40, 700001, 2, 38},     {40, 700001, 40, 0},
	};
	unsigned char *piece = xmalloc(700001), gap[100];

	(void)state;
	memset(gap, 'g', sizeof(gap));
	for (size_t i = 0; i < LENGTH(cases); i++) {
		long pieces = (long)cases[i].pieces;
		struct growing *g = begin();
		char is[SHA256_HEX + 1], said[SHA256_HEX + 1], why[WHY] = "", *text;
		size_t size;
		uint32_t crc;

		for (long k = 0; k <= pieces; k++) {
			if (k == cases[i].gap)
				assert_true(growing_gap(g, sizeof(gap), why));
			if (cases[i].gap != NO_GAP && k == cases[i].gap + cases[i].fill)
				assert_true(growing_fill(g, gap, why));
			if (k == pieces)
				break;
			memset(piece, 'a' + (int)k, cases[i].size);
			assert_true(growing_add(g, piece, cases[i].size, crc_of(piece, cases[i].size), why));
		}
		size = (size_t)growing_size(g);
		crc = growing_crc(g);
		assert_true(growing_end(g, true, said, why));
		assert_int_equal(size, cases[i].pieces * cases[i].size +
					   (cases[i].gap == NO_GAP ? 0 : sizeof(gap)));
		text = read_text("grown", 64 << 20, &size);
		assert_non_null(text);
		assert_int_equal(crc, crc_of(text, size));
		sha256_hex(text, size, is);
		same_text("the digest", said, is);
		free(text);
	}
	free(piece);
}

/* One that comes to nothing, with its gap or without, does not wait for what never comes. */
static void
given_up(void **state)
{
	char said[SHA256_HEX + 1], why[WHY] = "as it was";
	struct growing *g = begin();

	(void)state;
	assert_true(growing_gap(g, 10, why));
	assert_true(growing_add(g, "abc", 3, crc_of("abc", 3), why));
	assert_false(growing_end(g, false, said, why));
	same_text("the reason", why, "as it was");
	assert_false(growing_end(begin(), false, said, why));
}

static void
no_room(void **state)
{
	struct rlimit before, small = {1 << 20, RLIM_INFINITY};
	char said[SHA256_HEX + 1], why[WHY] = "", *piece = xmalloc(1 << 19);
	struct growing *g = begin();
	bool good = true;

	(void)state;
	memset(piece, 'x', 1 << 19);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 3 && good; i++)
		good = growing_add(g, piece, 1 << 19, crc_of(piece, 1 << 19), why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(good);
	has_text("a full disk", why, "cannot write the machine: File too large");
	assert_false(growing_end(g, good, said, why));
	free(piece);
}

static void
not_to_be_read(void **state)
{
	int fd = open("grown", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char said[SHA256_HEX + 1], why[WHY] = "";
	struct growing *g = growing_new(fd);

	(void)state;
	assert_true(growing_add(g, "abc", 3, crc_of("abc", 3), why));
	assert_false(growing_end(g, true, said, why));
	has_text("a file that cannot be read", why,
		 "cannot read again what was written: Bad file descriptor");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(said_and_written),
	    cmocka_unit_test(given_up),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(not_to_be_read),
	};

	return RUN_TESTS(tests);
}
