/* recode.c - a layer is compressed while there is time, and served as it is when there is none. */
#include "image/recode.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include <fcntl.h>

#include "image/decode.h"
#include "layers.h"

enum { SIZE = 100000 }; /* a tar as far as its first block tells: that is zeros */

/* What becomes of one plain layer; hurry: the export has ended before anybody began with it. */
static enum coding
recode_one(enum coding wanted, uint64_t least, bool hurry)
{
	static unsigned char tar[SIZE];
	struct export e = {.spool = unlinked_file(".")};
	char hex[SHA256_HEX + 1];
	struct recoder r;
	struct recoded *l;
	enum coding coding;

	memset(tar + 512, 'x', SIZE - 512);
	sha256_hex(tar, SIZE, hex);
	assert_true(e.spool >= 0 && write_all(e.spool, tar, SIZE));
	recoder_start(&r, ".", wanted, least, &e);
	if (hurry)
		recoder_hurry(&r);
	l = recoder_want(&r, 0, SIZE);
	recoder_finish(&r);
	assert_true(l->good);
	same_text("diff_id", l->diff_id + strlen("sha256:"), hex);
	assert_int_equal(l->fd == e.spool, l->coding == PLAIN);
	assert_int_equal(l->length == SIZE, l->coding == PLAIN);
	coding = l->coding;
	recoder_free(&r);
	close(e.spool);
	return coding;
}

static void
with_time_it_is_compressed(void **state)
{
	(void)state;
	assert_int_equal(recode_one(ZSTD, 0, false), ZSTD);
	assert_int_equal(recode_one(GZIP, 0, false), GZIP);
	assert_int_equal(recode_one(PLAIN, 0, false), PLAIN);
}

static void
in_a_hurry_it_stays_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(recode_one(ZSTD, 0, true), PLAIN);
	assert_int_equal(recode_one(PLAIN, 0, true), PLAIN);
}

/* Nobody waits when it is begun; then somebody does. What becomes of it. */
static enum coding
hurry_it(void)
{
	enum { LARGE = 32 << 20 };
	enum coding coding;
	struct export e = {.spool = unlinked_file(".")};
	unsigned char *zeros = calloc(1, LARGE);
	char hex[SHA256_HEX + 1];
	struct recoder r;
	struct recoded *l;

	assert_non_null(zeros);
	sha256_hex(zeros, LARGE, hex);
	free(zeros);
	assert_true(e.spool >= 0 && ftruncate(e.spool, LARGE) == 0);
	recoder_start(&r, ".", ZSTD, 0, &e);
	l = recoder_want(&r, 0, LARGE);
	while (__atomic_load_n(&l->fd, __ATOMIC_RELAXED) < 0)
		;
	recoder_hurry(&r);
	recoder_finish(&r);
	assert_true(l->good);
	assert_int_equal(l->fd == e.spool, l->coding == PLAIN);
	assert_int_equal(l->length == LARGE, l->coding == PLAIN);
	assert_int_equal(strcmp(l->digest, l->diff_id) == 0, l->coding == PLAIN);
	same_text("diff_id", l->diff_id + strlen("sha256:"), hex);
	coding = l->coding;
	recoder_free(&r);
	close(e.spool);
	return coding;
}

/* On a busy machine the hurry may come when most is done already. */
static void
what_is_hardly_begun_then_stays_as_it_is(void **state)
{
	int tries = 20;

	(void)state;
	while (hurry_it() != PLAIN)
		assert_int_not_equal(--tries, 0);
}

static void
a_small_one_stays_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(recode_one(ZSTD, SIZE + 1, false), PLAIN);
	assert_int_equal(recode_one(ZSTD, SIZE, false), ZSTD);
}

/* What a client gets: one member or frame with nothing behind it, or a plain tar; it holds the tar. */
static void
assert_served(const char *what, const struct recoded *l, const unsigned char *tar)
{
	unsigned char *bytes = xmalloc(l->length), *plain = xmalloc(2 * SIZE), *end = plain;
	struct decoder *d = decoder_new(l->coding, collect, &end);
	char why[WHY], digest[DIGEST];

	assert_true(read_at(l->fd, bytes, l->length, l->at));
	digest_of_bytes(bytes, l->length, digest);
	same_text(what, l->digest, digest);
	assert_true(decoder_add(d, bytes, l->length, why) && decoder_end(d, why));
	same_number(what, decoder_simple(d), true);
	same_number(what, end - plain, SIZE);
	same_number(what, memcmp(plain, tar, SIZE), 0);
	decoder_free(d);
	free(plain);
	free(bytes);
}

/* Members, frames and padding, as every way of reading a layer takes them. */
static void
odd_endings(void **state)
{
	static unsigned char tar[SIZE];

	(void)state;
	fill_tar(tar, SIZE, 1);
	for (size_t i = 0; i < LENGTH(made_layers) * 3; i++) {
		const struct made *m = &made_layers[i / 3];
		size_t size;
		unsigned char *bytes = make_layer_of(m, tar, SIZE, &size);
		struct export e = {.spool = unlinked_file(".")};
		struct recoder r;
		struct recoded *l;

		assert_true(e.spool >= 0 && write_all(e.spool, bytes, size));
		recoder_start(&r, ".", (enum coding)(i % 3), 0, &e);
		l = recoder_want(&r, 0, size);
		recoder_finish(&r);
		same_number(m->pieces, l->good, m->why == NULL);
		if (m->why != NULL)
			has_text(m->pieces, l->why, m->why);
		else
			assert_served(m->pieces, l, tar);
		recoder_free(&r);
		close(e.spool);
		free(bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(with_time_it_is_compressed),
	    cmocka_unit_test(in_a_hurry_it_stays_as_it_is),
	    cmocka_unit_test(what_is_hardly_begun_then_stays_as_it_is),
	    cmocka_unit_test(a_small_one_stays_as_it_is),
	    cmocka_unit_test(odd_endings),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
