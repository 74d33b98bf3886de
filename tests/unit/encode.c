/* encode.c - what is compressed comes out again, and as one piece. */
#include "image/encode.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 256 << 10, LARGEST = 9 << 20 };

static unsigned char plain[LARGEST], packed[LARGEST + LARGEST / 8], again[LARGEST + 1];

/* Runs and noise by turns, as files are. */
static void
fill(void)
{
	uint32_t n = 1;

	for (size_t i = 0; i < sizeof(plain); i++) {
		n = n * 1664525 + 1013904223;
		plain[i] = (i >> 12) % 3 ? (unsigned char)(i >> 9) : (unsigned char)(n >> 24);
	}
}

static size_t
encode(enum coding coding, size_t size, size_t step)
{
	char why[WHY] = "", digest[DIGEST], hex[SHA256_HEX + 1];
	struct encoder *c;
	uint64_t length;
	int fd = unlinked_file(".");

	assert_true(fd >= 0);
	c = encoder_new(coding, size, fd);
	for (size_t at = 0; at < size; at += step)
		assert_true(encoder_add(c, plain + at, size - at < step ? size - at : step, why));
	assert_true(encoder_end(c, digest, &length, why));
	encoder_free(c);
	assert_int_equal(lseek(fd, 0, SEEK_END), length);
	assert_true(length <= sizeof(packed) && read_at(fd, packed, length, 0));
	close(fd);
	sha256_hex(packed, length, hex);
	same_text("the digest", digest + strlen("sha256:"), hex);
	return length;
}

/* How much one gzip member gives, and that it is all there is. */
static size_t
one_member(size_t length)
{
	z_stream z = {
	    .next_in = packed, .avail_in = (uInt)length, .next_out = again, .avail_out = sizeof(again)};

	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return sizeof(again) - z.avail_out;
}

static size_t
one_frame(size_t length)
{
	assert_int_equal(ZSTD_findFrameCompressedSize(packed, length), length);
	return ZSTD_decompress(again, sizeof(again), packed, length);
}

static void
round_trips(void **state)
{
	static const size_t sizes[] = {0,         1,         511,           BLOCK - 1, BLOCK,
				       BLOCK + 1, 4 * BLOCK, (4 << 20) - 1, 4 << 20,   LARGEST};
	static const size_t steps[] = {LARGEST, BLOCK, 100003};

	(void)state;
	fill();
	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (size_t k = 0; k < LENGTH(steps); k++) {
			assert_int_equal(one_member(encode(GZIP, sizes[i], steps[k])), sizes[i]);
			assert_memory_equal(again, plain, sizes[i]);
			assert_int_equal(one_frame(encode(ZSTD, sizes[i], steps[k])), sizes[i]);
			assert_memory_equal(again, plain, sizes[i]);
			assert_int_equal(encode(PLAIN, sizes[i], steps[k]), sizes[i]);
			assert_memory_equal(packed, plain, sizes[i]);
		}
}

/* Nothing but noise: deflate makes more of it than it was. */
static void
incompressible(void **state)
{
	uint64_t n = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++) {
		n ^= n << 13;
		n ^= n >> 7;
		n ^= n << 17;
		plain[i] = (unsigned char)n;
	}
	assert_int_equal(one_member(encode(GZIP, LARGEST, LARGEST)), LARGEST);
	assert_memory_equal(again, plain, LARGEST);
	assert_int_equal(one_frame(encode(ZSTD, LARGEST, LARGEST)), LARGEST);
	assert_memory_equal(again, plain, LARGEST);
}

/* The same bytes are the same digest, whatever the pieces they came in. */
static void
reproducible(void **state)
{
	static unsigned char first[sizeof(packed)];
	size_t length;

	(void)state;
	fill();
	length = encode(GZIP, LARGEST, LARGEST);
	memcpy(first, packed, length);
	assert_int_equal(encode(GZIP, LARGEST, 12345), length);
	assert_memory_equal(first, packed, length);
}

static void
full_disk(void **state)
{
	static const enum coding codings[] = {PLAIN, GZIP, ZSTD};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (full < 0)
		skip();
	for (size_t i = 0; i < LENGTH(codings); i++) {
		struct encoder *c = encoder_new(codings[i], LARGEST, full);
		char why[WHY] = "", digest[DIGEST];
		uint64_t length;

		assert_false(encoder_add(c, plain, LARGEST, why) && encoder_end(c, digest, &length, why));
		has_text("a full disk", why, "No space left on device");
		encoder_free(c);
	}
	close(full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(incompressible),
	    cmocka_unit_test(reproducible),
	    cmocka_unit_test(full_disk),
	};

	return RUN_TESTS(tests);
}
