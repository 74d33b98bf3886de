/*
 * store.c - kept layers: found while they are what their record says, gone when they are not, evicted by use.
 */
#include "registry/store.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include "layers.h"

static char why[WHY];

/* A fresh cache as the working folder. */
static void
fresh(void)
{
	char name[] = "cache.XXXXXX";

	assert_int_equal(chdir(folder), 0);
	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkdir(".lock", 0700), 0);
	assert_true(store_open(why));
}

/* A blob of so many bytes, the first of which is byte: its digest. */
static const char *
put_layer(char byte, size_t size, enum coding coding)
{
	static struct kept k;
	char *bytes = xmalloc(size);

	memset(bytes, 'x', size);
	*bytes = byte;
	k = (struct kept){.sent = 77, .plain = 99, .coding = coding, .size = size};
	digest_of_bytes(bytes, size, k.digest);
	digest_of_bytes(&byte, 1, k.pushed);
	if (coding == PLAIN)
		memcpy(k.pushed, k.digest, DIGEST);
	digest_of_bytes("diff_id", 7, k.diff_id);
	put_file("upload", bytes, size);
	k.fd = open("upload", O_RDONLY);
	assert_true(k.fd >= 0);
	assert_true(store_add(&k, "upload", why));
	assert_int_equal(access("upload", F_OK), -1);
	close(k.fd);
	free(bytes);
	return k.pushed;
}

static char *
path_of(const char *digest, const char *suffix)
{
	return format(".store/%s%s", digest + 7, suffix);
}

static bool
found(const char *digest, enum coding wanted)
{
	struct kept k;
	bool found = store_find(digest, wanted, &k);

	if (found)
		close(k.fd);
	return found;
}

static bool
there(const char *digest, const char *suffix)
{
	char *path = path_of(digest, suffix);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void
finds(void **state)
{
	char pushed[DIGEST], other[DIGEST], first;
	struct kept k;

	(void)state;
	fresh();
	digest_of_bytes("nothing", 7, other);
	assert_false(found(other, ZSTD));
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	assert_true(store_find(pushed, ZSTD, &k));
	assert_string_equal(k.pushed, pushed);
	assert_int_equal(k.sent, 77);
	assert_int_equal(k.plain, 99);
	assert_int_equal(k.size, 1000);
	assert_int_equal(k.coding, ZSTD);
	assert_true(read_at(k.fd, &first, 1, 0));
	assert_int_equal(first, 'a');
	digest_of_bytes("diff_id", 7, other);
	assert_string_equal(k.diff_id, other);
	close(k.fd);
	/* in another form it is not there, and stays */
	assert_false(found(pushed, GZIP));
	assert_false(found(pushed, PLAIN));
	assert_true(found(pushed, ZSTD));
	/* as it was pushed */
	memcpy(pushed, put_layer('b', 1000, PLAIN), DIGEST);
	assert_true(found(pushed, PLAIN));
	assert_false(found(pushed, ZSTD));
}

/* Whoever has it open keeps it. */
static void
held(void **state)
{
	char pushed[DIGEST], first;
	struct kept k;

	(void)state;
	fresh();
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	assert_true(store_find(pushed, ZSTD, &k));
	store_trim(0);
	assert_false(found(pushed, ZSTD));
	assert_true(read_at(k.fd, &first, 1, 0));
	assert_int_equal(first, 'a');
	close(k.fd);
}

static void
spoil(const char *digest, const char *suffix, off_t at, const char *bytes)
{
	char *path = path_of(digest, suffix);
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0 && pwrite(fd, bytes, strlen(bytes), at) == (ssize_t)strlen(bytes));
	close(fd);
	free(path);
}

/* What does not check is removed, and not there. */
static void
damaged(void **state)
{
	static const struct {
		const char *what, *suffix;
		off_t at;
		const char *bytes;
	} cases[] = {
	    {"a byte", "", 500, "y"},
	    {"longer", "", 1000, "x"},
	    {"the digest", ".record", 0, "DIGEST=x"},
	    {"no digest", ".record", 0, "D"},
	    {"another digest", ".record", 20, "ffffffffff"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char pushed[DIGEST];

		fresh();
		memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
		if (i == 3)
			spoil(pushed, ".record", 0, "X");
		else
			spoil(pushed, cases[i].suffix, cases[i].at, cases[i].bytes);
		if (i == 4) { /* and it is to be read again: another boot, as it were */
			char *path = path_of(pushed, ".record");
			struct list l = {0};

			assert_true(read_request(path, &l));
			free(l.at[l.count - 1]);
			l.at[l.count - 1] = xstrdup("SEEN=0123456789ab 1");
			write_request(path, &l);
			list_free(&l);
			free(path);
		}
		same_number(cases[i].what, found(pushed, ZSTD), false);
		same_number(cases[i].what, there(pushed, ""), false);
		same_number(cases[i].what, there(pushed, ".record"), false);
	}
}

/* A record that says anything else than was written is none: the layer comes again. */
static void
forged(void **state)
{
	static const char other[] = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
	static const char *const settings[] = {"DIGEST=%s", "DIFF_ID=%s",  "SENT=78",     "PLAIN=100",
					       "SIZE=999",  "CODING=gzip", "CODING=plain"};
	char pushed[DIGEST], *path, *name;
	struct list l;

	(void)state;
	for (size_t i = 0; i < LENGTH(settings); i++) {
		size_t n = strcspn(settings[i], "=") + 1, changed = 0;

		fresh();
		memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
		path = path_of(pushed, ".record");
		l = (struct list){0};
		assert_true(read_request(path, &l));
		for (size_t k = 0; k < l.count; k++)
			if (strncmp(l.at[k], settings[i], n) == 0) {
				free(l.at[k]);
				l.at[k] = strchr(settings[i], '%')
					      ? format("%.*s%s", (int)n, settings[i], other)
					      : xstrdup(settings[i]);
				changed++;
			}
		same_number(settings[i], changed, 1);
		write_request(path, &l);
		for (enum coding c = PLAIN; c <= ZSTD; c++)
			same_number(settings[i], found(pushed, c), false);
		same_number(settings[i], there(pushed, ""), false);
		same_number(settings[i], there(pushed, ".record"), false);
		list_free(&l);
		free(path);
	}
	/* another layer's */
	fresh();
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	path = path_of(pushed, ".record");
	name = path_of(other, ".record");
	assert_int_equal(rename(path, name), 0);
	free(path);
	free(name);
	path = path_of(pushed, "");
	name = path_of(other, "");
	assert_int_equal(rename(path, name), 0);
	assert_false(found(other, ZSTD));
	assert_false(there(other, ""));
	free(path);
	free(name);
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	store_forget(pushed);
	assert_false(there(pushed, "") || there(pushed, ".record"));
}

/* The same bytes in another file are read once more, and known from then on. */
static void
touched(void **state)
{
	static const struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char pushed[DIGEST], *file, *record, *before;

	(void)state;
	fresh();
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	file = path_of(pushed, "");
	record = path_of(pushed, ".record");
	before = read_text(record, 4096, NULL);
	assert_int_equal(utimensat(AT_FDCWD, file, then, 0), 0);
	assert_true(found(pushed, ZSTD));
	{
		struct list l = {0};

		assert_true(read_request(record, &l));
		has_text("the record is renewed", l.at[l.count - 1], " 1000.000000000 ");
		list_free(&l);
	}
	assert_true(found(pushed, ZSTD));
	/* half of it: a file without a record is not there, a record without a file goes */
	assert_int_equal(unlink(file), 0);
	assert_false(found(pushed, ZSTD));
	assert_false(there(pushed, ".record"));
	free(before);
	free(record);
	free(file);
}

/* Nothing in the store is followed anywhere. */
static void
links(void **state)
{
	char pushed[DIGEST], *file;

	(void)state;
	fresh();
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	file = path_of(pushed, "");
	assert_int_equal(rename(file, "elsewhere"), 0);
	assert_int_equal(symlink("../elsewhere", file), 0);
	assert_false(found(pushed, ZSTD));
	assert_int_equal(access("elsewhere", F_OK), 0);
	free(file);
	fresh();
	assert_int_equal(rmdir(".store"), 0);
	put_text(".store", "a file");
	assert_false(store_open(why));
	has_text("a file", why, "no folder");
	/* nor is anything removed behind one */
	fresh();
	memcpy(pushed, put_layer('a', 1000, ZSTD), DIGEST);
	assert_int_equal(rename(".store", "elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", ".store"), 0);
	store_trim(0);
	assert_true(there(pushed, "") && there(pushed, ".record"));
}

static void
set_used(const char *digest, time_t when)
{
	struct timespec t[2] = {{.tv_sec = when}, {.tv_sec = when}};
	char *path = path_of(digest, ".record"), *file = path_of(digest, "");

	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
	t[0].tv_sec = t[1].tv_sec = 1;
	assert_int_equal(utimensat(AT_FDCWD, file, t, 0), 0);
	free(path);
	free(file);
}

/* What was used longest ago goes first; finding it is a use. */
static void
trims(void **state)
{
	char a[DIGEST], b[DIGEST], c[DIGEST];

	(void)state;
	fresh();
	memcpy(a, put_layer('a', 5000, ZSTD), DIGEST);
	memcpy(b, put_layer('b', 5000, ZSTD), DIGEST);
	memcpy(c, put_layer('c', 5000, ZSTD), DIGEST);
	set_used(a, 1000);
	set_used(b, 2000);
	set_used(c, 3000);
	store_trim(20000);
	assert_true(there(a, "") && there(b, "") && there(c, ""));
	assert_true(found(a, ZSTD));
	store_trim(12000);
	assert_true(there(a, "") && !there(b, "") && there(c, ""));
	assert_false(there(b, ".record"));
	/* one without a record is as old as itself */
	assert_int_equal(unlink(".store/port"), -1);
	store_set_port(4711);
	put_file(".store/0123456789012345678901234567890123456789012345678901234567890123", "orphan", 6);
	store_trim(0);
	assert_true(!there(a, "") && !there(c, ""));
	assert_int_equal(
	    access(".store/0123456789012345678901234567890123456789012345678901234567890123", F_OK), -1);
	assert_int_equal(store_port(), 4711);
}

static void
stocks(void **state)
{
	char diff_id[DIGEST];
	struct stock *s;
	size_t count;

	(void)state;
	fresh();
	s = store_stock(&count);
	assert_null(s);
	assert_int_equal(count, 0);
	put_layer('a', 10, ZSTD);
	put_layer('b', 10, GZIP);
	digest_of_bytes("diff_id", 7, diff_id);
	s = store_stock(&count);
	assert_int_equal(count, 2);
	assert_string_equal(s[0].diff_id, diff_id);
	assert_int_equal(s[0].plain, 99);
	assert_int_equal(s[0].coding + s[1].coding, ZSTD + GZIP);
	free(s);
}

static void
remembers(void **state)
{
	struct list l = {0}, back = {0};

	(void)state;
	fresh();
	assert_false(store_last("team/agent", &back));
	list_add(&l, "sha256:1");
	list_add(&l, "sha256:2");
	store_set_last("team/agent", &l);
	assert_true(store_last("team/agent", &back));
	assert_int_equal(back.count, 2);
	assert_string_equal(back.at[1], "sha256:2");
	assert_false(store_last("team/other", &back));
	list_free(&l);
	list_free(&back);

	assert_int_equal(store_port(), 0);
	store_set_port(40000);
	assert_int_equal(store_port(), 40000);
	put_text(".store/port", "x\n");
	assert_int_equal(store_port(), 0);
	put_text(".store/port", "70000\n");
	assert_int_equal(store_port(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds),  cmocka_unit_test(held),    cmocka_unit_test(damaged),
	    cmocka_unit_test(forged), cmocka_unit_test(touched), cmocka_unit_test(links),
	    cmocka_unit_test(trims),  cmocka_unit_test(stocks),  cmocka_unit_test(remembers),
	};

	return RUN_TESTS(tests);
}
