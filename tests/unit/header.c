/* header.c - headers in GNU's format, as GNU's manual and Rust's crate tar read them. */
#include "image/header.h" /* before cmocka, whose fail() is a macro */

#include <stdlib.h>

#include "unit.h"

static unsigned long long
octal(const char *field)
{
	return strtoull(field, NULL, 8);
}

static unsigned
sum_of(const char *block)
{
	unsigned sum = 0;

	for (int i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)block[i];
	return sum;
}

static void
plain(void **state)
{
	char block[TAR_BLOCK];

	(void)state;
	gnu_header(block, "layers/x.tar", S_IFREG | 0644, 1234567);
	assert_string_equal(block, "layers/x.tar");
	assert_int_equal(octal(block + 100), 0644);
	assert_int_equal(octal(block + 124), 1234567);
	assert_int_equal(octal(block + 136), 0);
	assert_int_equal(block[156], '0');
	assert_memory_equal(block + 257, "ustar  ", 8);
	assert_int_equal(octal(block + 148), sum_of(block));
	gnu_header(block, "layers/", S_IFDIR | 0755, 0);
	assert_int_equal(block[156], '5');
	gnu_header(block, "large", S_IFREG | 0644, UINT64_C(1) << 33); /* no room in eleven octal digits */
	assert_int_equal((unsigned char)block[124], 0x80);
	assert_int_equal((unsigned char)block[131], 2);
}

static void
sparse(void **state)
{
	enum { MOST = 47 }; /* four, and twice what one more block has, and one */
	struct extent extent[MOST];
	static const size_t counts[] = {0, 1, 4, 5, 25, 26, 46, 47};

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		extent[i] = (struct extent){i * 8192, 4096};
	for (size_t i = 0; i < LENGTH(counts); i++) {
		size_t n = counts[i], blocks = n <= 4 ? 1 : 1 + (n - 4 + 20) / 21;
		char *text;
		size_t size = gnu_sparse_header("disk", UINT64_C(20) << 30, extent, n, &text);

		assert_int_equal(size, blocks * TAR_BLOCK);
		assert_int_equal(text[156], 'S');
		assert_int_equal(octal(text + 124), n * 4096);
		assert_int_equal(octal(text + 148), sum_of(text));
		assert_int_equal((unsigned char)text[483], 0x80); /* 20 GiB: big-endian */
		assert_int_equal((unsigned char)text[483 + 7], 5);
		for (size_t b = 0; b < blocks; b++)
			assert_int_equal(text[b * TAR_BLOCK + (b == 0 ? 482 : 504)], b + 1 < blocks);
		for (size_t k = 0; k < n; k++) {
			const char *at = k < 4 ? text + 386 + k * 24
					       : text + TAR_BLOCK * (1 + (k - 4) / 21) + (k - 4) % 21 * 24;

			assert_int_equal(octal(at), k * 8192);
			assert_int_equal(octal(at + 12), 4096);
		}
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(sparse)};

	return RUN_TESTS(tests);
}
