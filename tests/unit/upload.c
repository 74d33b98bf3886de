/* upload.c - a blob on its way in: what it is taken for, and what is kept of it. */
#include "registry/upload.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include <dirent.h>

#include "layers.h"

enum { SIZE = 300000 };

static unsigned char tar[SIZE];

static size_t
files_here(void)
{
	DIR *d = opendir(".");
	size_t n = 0;

	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

static struct upload *
sent(enum coding wanted, const unsigned char *bytes, size_t size, size_t piece)
{
	struct upload *u = upload_new(".", wanted, 0);

	for (size_t n; size > 0; bytes += n, size -= n)
		upload_add(u, bytes, n = size < piece ? size : piece);
	return u;
}

/* What the file holds, decoded, is the tar. */
static void
assert_holds_tar(const char *what, const struct kept *k)
{
	unsigned char *plain = xmalloc(2 * SIZE), *end = plain, *bytes = xmalloc(k->size);
	struct decoder *d = decoder_new(k->coding, collect, &end);
	char why[WHY], digest[DIGEST];

	assert_true(read_at(k->fd, bytes, k->size, 0));
	digest_of_bytes(bytes, k->size, digest);
	same_text(what, k->digest, digest);
	assert_true(decoder_add(d, bytes, k->size, why) && decoder_end(d, why));
	same_number(what, end - plain, SIZE);
	same_number(what, memcmp(plain, tar, SIZE), 0);
	decoder_free(d);
	free(bytes);
	free(plain);
}

/* From every coding to every one, in pieces of any size. */
static void
layers(void **state)
{
	static const size_t piece[] = {1, 500, 512, 1000, SIZE};
	static const char *const name[] = {"plain", "gzip", "zstd"};
	char diff_id[DIGEST], pushed[DIGEST], what[64];

	(void)state;
	fill_tar(tar, SIZE, 1);
	digest_of_bytes(tar, SIZE, diff_id);
	for (enum coding from = PLAIN; from <= ZSTD; from++)
		for (enum coding wanted = PLAIN; wanted <= ZSTD; wanted++)
			for (size_t i = 0; i < LENGTH(piece); i++) {
				size_t size;
				unsigned char *bytes = encoded(from, tar, SIZE, &size);
				struct upload *u = sent(wanted, bytes, size, piece[i]);
				struct kept k;

				snprintf(what, sizeof(what), "%s to %s by %zu", name[from], name[wanted],
					 piece[i]);
				digest_of_bytes(bytes, size, pushed);
				same_number(what, upload_end(u, &k), true);
				same_text(what, k.pushed, pushed);
				same_number(what, (long long)k.sent, (long long)size);
				same_text(what, k.diff_id, diff_id);
				same_number(what, (long long)k.plain, SIZE);
				same_number(what, k.coding, wanted == PLAIN ? from : wanted);
				/* zstd is never left as it is: it may be several frames */
				same_number(what, strcmp(k.digest, pushed) == 0,
					    wanted == PLAIN || (from == GZIP && wanted == GZIP) ||
						(from == ZSTD && wanted == ZSTD));
				assert_holds_tar(what, &k);
				assert_false(upload_end(u, &k)); /* once */
				close(k.fd);
				upload_free(u);
				free(bytes);
				assert_int_equal(files_here(), 0);
			}
}

/* Several members become one frame. */
static void
members(void **state)
{
	size_t first, second;
	unsigned char *a, *b, *both;
	struct upload *u;
	struct kept k;

	(void)state;
	fill_tar(tar, SIZE, 2);
	a = encoded(GZIP, tar, 1000, &first);
	b = encoded(GZIP, tar + 1000, SIZE - 1000, &second);
	both = xmalloc(first + second);
	memcpy(both, a, first);
	memcpy(both + first, b, second);
	u = sent(ZSTD, both, first + second, 700);
	assert_true(upload_end(u, &k));
	assert_holds_tar("two members", &k);
	close(k.fd);
	upload_free(u);
	free(a);
	free(b);
	free(both);
}

/* What is no layer is kept as it is, and called none. */
static void
others(void **state)
{
	static const char *const text[] = {"", "{}", "{\"architecture\":\"amd64\"}", "\x1f", "(\xb5/"};
	unsigned char noise[2000];
	struct upload *u;
	struct kept k;

	(void)state;
	memset(noise, 'x', sizeof(noise));
	for (size_t i = 0; i <= LENGTH(text); i++) {
		const void *bytes = i < LENGTH(text) ? (const void *)text[i] : noise;
		size_t size = i < LENGTH(text) ? strlen(text[i]) : sizeof(noise);
		char digest[DIGEST];

		digest_of_bytes(bytes, size, digest);
		for (enum coding wanted = PLAIN; wanted <= ZSTD; wanted++) {
			u = sent(wanted, bytes, size, 100);
			assert_true(upload_end(u, &k));
			assert_string_equal(k.pushed, digest);
			assert_string_equal(k.digest, digest);
			assert_string_equal(k.diff_id, "");
			assert_int_equal(k.size, size);
			close(k.fd);
			upload_free(u);
		}
	}
	assert_int_equal(files_here(), 0);
}

static void
assert_refused(const char *what, const unsigned char *bytes, size_t size, const char *why)
{
	struct upload *u = sent(ZSTD, bytes, size, 900);
	struct kept k;

	same_number(what, upload_end(u, &k), false);
	has_text(what, u->why, why);
	same_number(what, u->full, false);
	upload_free(u);
	assert_int_equal(files_here(), 0);
}

static void
damaged(void **state)
{
	static const enum coding coding[] = {GZIP, ZSTD};

	(void)state;
	fill_tar(tar, SIZE, 3);
	for (size_t i = 0; i < LENGTH(coding); i++) {
		size_t size;
		unsigned char *bytes = encoded(coding[i], tar, SIZE, &size);

		assert_refused("cut", bytes, size - 1, "ends too early");
		assert_refused("cut short", bytes, 600, "ends too early");
		bytes[coding[i] == GZIP ? size / 2 : 5] ^=
		    0xff; /* zstd's frames have no checksum: their header */
		bytes[size / 2 + 1] ^= 0xff;
		assert_refused("damaged", bytes, size, coding[i] == GZIP ? "damaged gzip" : "damaged zstd");
		free(bytes);
	}
}

/* Members, frames and padding, as every way of reading a layer takes them; in pieces of any size. */
static void
odd_endings(void **state)
{
	static const size_t piece[] = {1, 1000, SIZE};

	(void)state;
	fill_tar(tar, SIZE, 5);
	for (size_t i = 0; i < LENGTH(made_layers) * LENGTH(piece); i++) {
		const struct made *m = &made_layers[i / LENGTH(piece)];
		size_t size;
		unsigned char *bytes = make_layer_of(m, tar, SIZE, &size);
		struct upload *u =
		    sent(m->coding == GZIP ? ZSTD : GZIP, bytes, size, piece[i % LENGTH(piece)]);
		struct kept k;

		same_number(m->pieces, upload_end(u, &k), m->why == NULL);
		if (m->why != NULL)
			has_text(m->pieces, u->why, m->why);
		else {
			assert_holds_tar(m->pieces, &k);
			close(k.fd);
		}
		upload_free(u);
		free(bytes);
	}
}

/* An upload that nobody ends leaves nothing; nor does one that has nowhere to go. */
static void
given_up(void **state)
{
	struct upload *u;
	struct kept k;

	(void)state;
	fill_tar(tar, SIZE, 4);
	u = sent(ZSTD, tar, SIZE, 1000);
	assert_int_equal(files_here(), 1);
	upload_free(u);
	assert_int_equal(files_here(), 0);
	upload_free(upload_new(".", ZSTD, 0));
	u = upload_new("not there", ZSTD, 0);
	upload_add(u, tar, SIZE);
	upload_add(u, tar, SIZE);
	assert_false(upload_end(u, &k));
	has_text("nowhere", u->why, "cannot make a file in 'not there'");
	assert_int_equal(u->taken, 2 * SIZE);
	upload_free(u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(layers),  cmocka_unit_test(members),     cmocka_unit_test(others),
	    cmocka_unit_test(damaged), cmocka_unit_test(odd_endings), cmocka_unit_test(given_up),
	};

	return RUN_TESTS(tests);
}
