/* intake.c - what is pushed to a registry: whose an upload is, what is taken, when an image is complete. */
#include "registry/intake.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "layers.h"

enum { SLOTS = 64, KEPT = 2048, PUSHED = 64 }; /* as intake.c has them */
enum { SIZE = 3000, MANY = 1 << 20 };

#define NOBODYS "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static struct layer {
	unsigned char tar[SIZE], *sent;
	size_t size;
	char diff_id[DIGEST], digest[DIGEST];
} layer[3];

static struct config {
	char text[512], digest[DIGEST];
} first, second, strangers;

static struct order order[3];
static struct catalog catalog;
static struct intake in;
static char why[WHY], digest[DIGEST];

static size_t
files_in(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

static size_t
descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
make_config(struct config *c, const char *what, const char *diff_ids)
{
	snprintf(c->text, sizeof(c->text), "{\"os\":\"%s\",\"rootfs\":{\"diff_ids\":[%s]}}", what, diff_ids);
	digest_of_bytes(c->text, strlen(c->text), c->digest);
}

static void
make_images(void)
{
	char ids[256];

	for (size_t i = 0; i < LENGTH(layer); i++) {
		struct layer *l = &layer[i];

		fill_tar(l->tar, SIZE, (unsigned)i);
		l->sent = encoded(GZIP, l->tar, SIZE, &l->size);
		digest_of_bytes(l->tar, SIZE, l->diff_id);
		digest_of_bytes(l->sent, l->size, l->digest);
	}
	snprintf(ids, sizeof(ids), "\"%s\",\"%s\"", layer[0].diff_id, layer[1].diff_id);
	make_config(&first, "first", ids);
	make_config(&strangers, "other", ids);
	snprintf(ids, sizeof(ids), "\"%s\"", layer[2].diff_id);
	make_config(&second, "second", ids);
}

static void
make_order(struct order *o, const char *name, const char *id)
{
	assert_true(parse_reference(name, &o->name));
	memcpy(o->id, id, DIGEST);
}

/* x:1 and y:1 are of layers 0 and 1, x:2 is of layer 2. */
static void
start(uint64_t most, int lines)
{
	make_order(&order[0], "x:1", first.digest);
	make_order(&order[1], "x:2", second.digest);
	make_order(&order[2], "y:1", first.digest);
	assert_true(catalog_open(&catalog, LENGTH(order), "run", why));
	for (size_t i = 0; i < LENGTH(order); i++)
		catalog_name(&catalog.image[i], &order[i].name);
	intake_start(&in, &catalog, order, ZSTD, "run", most, lines);
}

static void
end(void)
{
	intake_end(&in);
	catalog_free(&catalog);
}

/* The same with a fresh cache as the working folder. */
static void
start_fresh(uint64_t most)
{
	char name[] = "cache.XXXXXX";

	assert_int_equal(chdir(folder), 0);
	if (layer[0].sent == NULL)
		make_images();
	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkdir(".lock", 0700), 0);
	assert_int_equal(mkdir("run", 0700), 0);
	assert_true(store_open(why));
	start(most, -1);
}

/* --- Uploads */

static struct slot *
upload(void)
{
	struct slot *s = intake_upload(&in, "x", 0);

	assert_non_null(s);
	return s;
}

static enum taken
claim(const char *repository, const char *name)
{
	struct slot *s;
	enum taken how = intake_claim(&in, repository, name, &s);

	assert_int_equal(s != NULL, how == TAKEN);
	if (s != NULL)
		assert_string_equal(s->name, name);
	return how;
}

static void
an_upload_is_one_requests_alone(void **state)
{
	struct slot *s, *other;
	char name[UPLOAD_NAME];

	(void)state;
	start_fresh(0);
	s = upload();
	other = upload();
	memcpy(name, s->name, sizeof(name));
	assert_int_equal(claim("x", name), BUSY);
	assert_int_equal(claim("y", name), NOT_THERE);
	intake_release(&in, s);
	assert_int_equal(claim("y", name), NOT_THERE);
	assert_int_equal(claim("x", ""), NOT_THERE);
	assert_int_equal(claim("x", name), TAKEN);
	assert_int_equal(claim("x", name), BUSY);
	upload_add(s->upload, layer[0].sent, layer[0].size);
	assert_int_equal(files_in("run"), 1);
	intake_drop(&in, s);
	assert_int_equal(files_in("run"), 0);
	assert_int_equal(claim("x", name), NOT_THERE);
	assert_int_equal(claim("x", other->name), BUSY);
	memcpy(name, other->name, sizeof(name));
	upload_add(other->upload, "{}", 2);
	assert_int_equal(intake_finish(&in, other, NOBODYS, why), WRONG_DIGEST);
	assert_int_equal(claim("x", name), NOT_THERE);
	end();
}

static void
say_a_name(void *arg)
{
	(void)arg;
	dprintf(STDERR_FILENO, "%s", upload()->name);
}

static void
nobody_guesses_the_name_of_an_upload(void **state)
{
	char name[SLOTS][UPLOAD_NAME];
	struct ending e;

	(void)state;
	start_fresh(0);
	for (size_t i = 0; i < SLOTS; i++) {
		memcpy(name[i], upload()->name, UPLOAD_NAME);
		assert_int_equal(strlen(name[i]), 32);
		assert_int_equal(strspn(name[i], "0123456789abcdef"), 32);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(name[i], name[k]);
	}
	for (size_t at = 0; at < 32; at++) {
		bool varies = false;

		for (size_t i = 1; i < SLOTS; i++)
			varies |= name[i][at] != name[0][at];
		same_number("every digit varies", varies, true);
	}
	end();
	/* nor does who is in the same state */
	start(0, -1);
	e = ending_of(say_a_name, NULL);
	assert_int_equal(strlen(e.said), 32);
	assert_string_not_equal(e.said, upload()->name);
	end();
}

static void
the_oldest_idle_upload_gives_way(void **state)
{
	static const struct {
		size_t at;
		int64_t used;
	} idle[] = {{7, 30}, {3, 10}, {9, 20}};
	static const size_t goes[] = {3, 9, 7};
	struct slot *s[SLOTS];
	char name[SLOTS][UPLOAD_NAME];

	(void)state;
	start_fresh(0);
	for (size_t i = 0; i < SLOTS; i++) {
		s[i] = upload();
		memcpy(name[i], s[i]->name, UPLOAD_NAME);
	}
	assert_null(intake_upload(&in, "x", 0));
	s[5]->used = 1;
	for (size_t i = 0; i < LENGTH(idle); i++) {
		s[idle[i].at]->used = 1;
		intake_release(&in, s[idle[i].at]);
		assert_true(s[idle[i].at]->used > 1);
		s[idle[i].at]->used = idle[i].used;
	}
	upload_add(s[3]->upload, layer[0].sent, layer[0].size);
	for (size_t i = 0; i < LENGTH(goes); i++) {
		upload();
		same_number("they are as many", (long long)in.slots, SLOTS);
		same_number("it is gone", claim("x", name[goes[i]]), NOT_THERE);
		same_number("with its file", (long long)files_in("run"), 0);
	}
	assert_null(intake_upload(&in, "x", 0));
	for (size_t i = 0; i < SLOTS; i++)
		if (i != 3 && i != 7 && i != 9)
			same_number("no busy one is gone", claim("x", name[i]), BUSY);
	intake_drop(&in, s[0]);
	upload();
	assert_int_equal(claim("x", name[1]), BUSY);
	end();
}

/* --- Blobs */

static enum taken
push(const void *bytes, size_t size, const char *as)
{
	struct slot *s = upload();

	upload_add(s->upload, bytes, size);
	return intake_finish(&in, s, as, why);
}

static enum taken
push_layer(size_t i)
{
	return push(layer[i].sent, layer[i].size, layer[i].digest);
}

static enum taken
push_config(const struct config *c)
{
	return push(c->text, strlen(c->text), c->digest);
}

static bool
has(const char *blob)
{
	struct kept k;

	return intake_blob(&in, blob, &k);
}

static void
assert_reads_as(const char *what, int fd, uint64_t size, off_t offset, const char *as)
{
	char *bytes = xmalloc(size), is[DIGEST];

	same_number(what, read_at(fd, bytes, size, offset), true);
	digest_of_bytes(bytes, size, is);
	same_text(what, is, as);
	free(bytes);
}

static bool
is_stored(const char *blob)
{
	char *path = format(".store/%s", blob + strlen("sha256:"));
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void
a_layer_is_kept_where_it_may_be(void **state)
{
	static const uint64_t most[] = {0, 1, MANY};

	(void)state;
	for (size_t i = 0; i < LENGTH(most); i++) {
		struct kept k;

		start_fresh(most[i]);
		assert_false(has(layer[0].digest));
		assert_int_equal(push_layer(0), TAKEN);
		assert_int_equal(push_config(&first), TAKEN);
		assert_int_equal(files_in("run"), 0);
		assert_int_equal(is_stored(layer[0].digest), most[i] == MANY);
		assert_false(is_stored(first.digest));
		assert_true(intake_blob(&in, layer[0].digest, &k));
		assert_string_equal(k.pushed, layer[0].digest);
		assert_int_equal(k.sent, layer[0].size);
		assert_string_equal(k.diff_id, layer[0].diff_id);
		assert_int_equal(k.coding, ZSTD);
		assert_reads_as("the layer", k.fd, k.size, 0, k.digest);
		assert_true(intake_blob(&in, first.digest, &k));
		assert_reads_as("the config", k.fd, k.size, 0, first.digest);
		assert_false(has(layer[1].digest));
		end();
	}
}

static void
what_is_refused_is_over_and_leaves_nothing(void **state)
{
	static const struct {
		const char *what;
		size_t cut;
		const char *as;
		const char *folder;
		bool full;
		enum taken how;
		const char *why;
	} cases[] = {
	    {"another's digest", 0, NOBODYS, "run", false, WRONG_DIGEST, "it is sha256:"},
	    {"no digest", 0, "", "run", false, WRONG_DIGEST, "it is sha256:"},
	    {"cut", 1, NULL, "run", false, WRONG_CONTENT, "ends too early"},
	    {"no folder", 0, NULL, "none", false, WRONG_CONTENT, "cannot make a file in 'none'"},
	    {"a full disk", 0, NULL, "run", true, NO_ROOM, "it is full"},
	};
	struct layer *l = &layer[0];

	(void)state;
	start_fresh(MANY);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		size_t open = descriptors(), size = l->size - cases[i].cut;
		struct slot *s;
		char is[DIGEST];

		in.folder = cases[i].folder;
		digest_of_bytes(l->sent, size, is);
		s = upload();
		upload_add(s->upload, l->sent, size);
		if (cases[i].full) {
			s->upload->bad = s->upload->full = true;
			snprintf(s->upload->why, WHY, "it is full");
		}
		*why = '\0';
		same_number(cases[i].what, intake_finish(&in, s, cases[i].as ? cases[i].as : is, why),
			    cases[i].how);
		has_text(cases[i].what, why, cases[i].why);
		same_number(cases[i].what, has(is), false);
		same_number(cases[i].what, (long long)in.slots, 0);
		same_number(cases[i].what, (long long)files_in("run"), 0);
		same_number(cases[i].what, (long long)files_in(".store"), 0);
		same_number(cases[i].what, (long long)descriptors(), (long long)open);
	}
	in.folder = "run";
	assert_int_equal(push_layer(0), TAKEN);
	end();
}

static void
a_blob_that_comes_twice_at_once_is_held_once(void **state)
{
	static const uint64_t most[] = {0, MANY};

	(void)state;
	for (size_t i = 0; i < LENGTH(most); i++) {
		struct slot *one, *two;
		size_t open;

		start_fresh(most[i]);
		open = descriptors();
		one = upload();
		two = upload();
		upload_add(one->upload, layer[0].sent, layer[0].size);
		upload_add(two->upload, layer[0].sent, layer[0].size);
		assert_int_equal(intake_finish(&in, one, layer[0].digest, why), TAKEN);
		assert_int_equal(intake_finish(&in, two, layer[0].digest, why), TAKEN);
		assert_int_equal(in.count, 1);
		assert_int_equal(descriptors(), open + 1);
		assert_int_equal(files_in("run"), 0);
		assert_int_equal(is_stored(layer[0].digest), most[i] > 0);
		assert_true(has(layer[0].digest));
		end();
	}
}

static void
no_more_is_held_than_there_are_descriptors(void **state)
{
	size_t open;

	(void)state;
	start_fresh(MANY);
	assert_int_equal(push_layer(0), TAKEN);
	end();
	start(MANY, -1);
	assert_int_equal(push_config(&first), TAKEN);
	in.kept = xrealloc(in.kept, KEPT * sizeof(*in.kept));
	while (in.count < KEPT - 1)
		in.kept[in.count++] = in.kept[0];
	assert_int_equal(push_layer(1), TAKEN);
	open = descriptors();
	*why = '\0';
	assert_int_equal(push_layer(2), NO_ROOM);
	has_text("why", why, "too many blobs");
	assert_false(has(layer[2].digest));
	assert_false(has(layer[0].digest));
	assert_true(is_stored(layer[0].digest));
	assert_int_equal(push_layer(1), TAKEN);
	assert_int_equal(in.count, KEPT);
	assert_int_equal(descriptors(), open);
	assert_int_equal(files_in("run"), 0);
	in.kept[1] = in.kept[KEPT - 1];
	in.count = 2;
	end();
}

static void
every_blob_that_comes_is_a_line(void **state)
{
	struct kept k;
	char *expected;
	int lines, unwritable;

	(void)state;
	start_fresh(0);
	end();
	lines = open("lines", O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(lines >= 0);
	start(0, lines);
	assert_int_equal(push_layer(0), TAKEN);
	assert_int_equal(push(layer[0].sent, layer[0].size, NOBODYS), WRONG_DIGEST);
	assert_int_equal(push_config(&first), TAKEN);
	assert_true(intake_blob(&in, layer[0].digest, &k));
	expected = format("{\"blob\":\"%s\",\"bytes\":%zu,\"kept\":\"%s\",\"size\":%llu}\n"
			  "{\"blob\":\"%s\",\"bytes\":%zu,\"kept\":\"%s\",\"size\":%zu}\n",
			  layer[0].digest, layer[0].size, k.digest, (unsigned long long)k.size, first.digest,
			  strlen(first.text), first.digest, strlen(first.text));
	assert_string_equal(text_of("lines"), expected);
	/* that nobody reads them is no reason to fail */
	in.lines = unwritable = open("lines", O_RDONLY);
	assert_int_equal(push_layer(1), TAKEN);
	assert_int_equal(push_layer(2), TAKEN);
	assert_string_equal(text_of("lines"), expected);
	end();
	free(expected);
	close(unwritable);
	close(lines);
}

/* One that has kept the layers of x:1. */
static void
start_after_another(void)
{
	start_fresh(MANY);
	assert_int_equal(push_layer(0), TAKEN);
	assert_int_equal(push_layer(1), TAKEN);
	end();
	start(MANY, -1);
}

static void
what_an_earlier_intake_kept_is_here(void **state)
{
	struct kept k;
	size_t open;

	(void)state;
	start_after_another();
	in.wanted = GZIP;
	assert_false(has(layer[0].digest));
	in.wanted = ZSTD;
	in.most = 0;
	assert_false(has(layer[0].digest));
	in.most = MANY;
	open = descriptors();
	assert_true(has(layer[0].digest));
	assert_true(intake_blob(&in, layer[0].digest, &k));
	assert_int_equal(descriptors(), open + 1);
	assert_string_equal(k.diff_id, layer[0].diff_id);
	/* what it has said it has it does not lose */
	store_trim(0);
	assert_true(intake_blob(&in, layer[0].digest, &k));
	assert_reads_as("an evicted layer", k.fd, k.size, 0, k.digest);
	assert_false(has(layer[1].digest));
	end();
}

static void
push_where_nothing_is_kept(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < LENGTH(layer); i++)
		if (push_layer(i) != TAKEN || !has(layer[i].digest) || files_in("run") != 0)
			_exit((int)i + 1);
}

static void
that_a_layer_cannot_be_kept_is_said_once_and_no_failure(void **state)
{
	struct ending e;

	(void)state;
	start_fresh(MANY);
	assert_int_equal(rmdir(".store"), 0);
	e = ending_of(push_where_nothing_is_kept, NULL);
	assert_int_equal(e.code, 0);
	has_text("why", e.said, "cannot keep sha256:");
	has_text("what then", e.said, "; going on without\n");
	assert_null(strstr(strchr(e.said, '\n') + 1, "going on"));
	end();
}

/* --- Manifests */

/* a and b are the ordered configs, o is another, 0 to 2 are layers; ? is nobody's digest, - is none. */
static const char *
digest_by(char letter)
{
	switch (letter) {
	case 'a':
		return first.digest;
	case 'b':
		return second.digest;
	case 'o':
		return strangers.digest;
	case '?':
		return NOBODYS;
	case '-':
		return "sha256:1";
	default:
		return layer[letter - '0'].digest;
	}
}

/* A config, then layers. The next call overwrites it. */
static const char *
manifest_of(const char *letters)
{
	static char text[1024];
	size_t n = (size_t)snprintf(text, sizeof(text), "{\"config\":{\"digest\":\"%s\"},\"layers\":[",
				    digest_by(*letters));

	for (const char *l = letters + 1; *l != '\0'; l++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s{\"digest\":\"%s\"}",
				      l > letters + 1 ? "," : "", digest_by(*l));
	snprintf(text + n, sizeof(text) - n, "]}");
	return text;
}

/* repository:tag or repository@digest; "@" alone is the text's own. */
static struct target
route_to(const char *name, const char *text)
{
	size_t n = strcspn(name, ":@");
	char *path, own[DIGEST];
	struct target r;

	digest_of_bytes(text, strlen(text), own);
	path = format("/v2/%.*s/manifests/%s", (int)n, name, strcmp(name + n, "@") == 0 ? own : name + n + 1);
	parse_target(path, &r);
	free(path);
	assert_int_equal(r.kind, MANIFEST);
	return r;
}

static enum taken
put_bytes(const char *name, const char *text, size_t size, const char *type)
{
	struct target r = route_to(name, text);

	*why = '\0';
	return intake_manifest(&in, &r, type, text, size, digest, why);
}

static enum taken
put(const char *name, const char *text)
{
	return put_bytes(name, text, strlen(text), TYPE_MANIFEST);
}

static const struct content *
served(const char *name)
{
	struct target r = route_to(name, "");

	return catalog_find(&catalog, &r);
}

/* As it was pushed. */
static bool
remembered(const char *repository, const char *by, struct content *content)
{
	struct target r = {.kind = MANIFEST, .by_digest = true};

	snprintf(r.name, sizeof(r.name), "%s", repository);
	snprintf(r.reference, sizeof(r.reference), "%s", by);
	return intake_pushed(&in, &r, content);
}

/* All but the second image's config is here. */
static void
start_with_blobs(void)
{
	start_fresh(0);
	for (size_t i = 0; i < LENGTH(layer); i++)
		assert_int_equal(push_layer(i), TAKEN);
	assert_int_equal(push_config(&first), TAKEN);
	assert_int_equal(push_config(&strangers), TAKEN);
}

/* Config and layers, in this order, in the forms that they are kept in. */
static void
assert_serves(const char *what, const char *name, const char *letters)
{
	const struct content *m = served(name);
	char text[2048], *at = text;

	if (m == NULL) {
		fail_msg("%s: %s is not served", what, name);
		return;
	}
	same_text(what, m->type, TYPE_MANIFEST);
	assert_true(m->size < sizeof(text));
	assert_reads_as(what, m->fd, m->size, m->offset, m->digest);
	assert_true(read_at(m->fd, text, m->size, m->offset));
	text[m->size] = '\0';
	for (const char *l = letters; *l != '\0'; l++) {
		struct kept k;

		assert_true(intake_blob(&in, digest_by(*l), &k));
		has_text(what, at, k.digest);
		at = strstr(at, k.digest) + DIGEST;
	}
	same_number(what, strstr(at, "sha256:") == NULL, true);
}

static void
an_image_is_complete_with_its_manifest(void **state)
{
	const char *text = manifest_of("a01");
	struct content pushed;

	(void)state;
	start_with_blobs();
	assert_null(served("x:1"));
	assert_int_equal(put("x:1", text), TAKEN);
	assert_serves("by its tag", "x:1", "a01");
	assert_null(served("x:2"));
	assert_null(served("y:1"));
	/* what was pushed is had by its digest only, and where it was pushed */
	assert_true(remembered("x", digest, &pushed));
	assert_string_equal(pushed.digest, digest);
	assert_int_equal(pushed.size, strlen(text));
	assert_reads_as("as it was pushed", pushed.fd, pushed.size, pushed.offset, digest);
	assert_false(remembered("y", digest, &pushed));
	assert_false(remembered("x", "1", &pushed));
	/* again, and by digest; a blob may be another repository's */
	assert_int_equal(put("x:1", text), TAKEN);
	assert_int_equal(in.manifests, 1);
	assert_int_equal(put("y@", text), TAKEN);
	assert_serves("by its digest", "y:1", "a01");
	assert_int_equal(push_config(&second), TAKEN);
	assert_int_equal(put("x:2", manifest_of("b2")), TAKEN);
	assert_serves("beside it", "x:2", "b2");
	assert_serves("as before", "x:1", "a01");
	end();
}

static void
an_image_is_completed_by_what_was_kept_before(void **state)
{
	(void)state;
	start_after_another();
	assert_int_equal(push_config(&first), TAKEN);
	assert_int_equal(put("x:1", manifest_of("a01")), TAKEN);
	assert_serves("from the store", "x:1", "a01");
	end();
}

static void
nothing_else_is_served_and_the_right_one_still_is(void **state)
{
	static const struct {
		const char *what, *name, *letters;
		enum taken how;
		const char *why;
	} cases[] = {
	    {"no config", "x:2", "b2", BLOB_MISSING, "the config was not pushed"},
	    {"no config, by digest", "x@", "b2", BLOB_MISSING, "the config was not pushed"},
	    {"a layer is missing", "x:1", "a0?", BLOB_MISSING, "layer 2, sha256:ffffffffffff..., was not"},
	    {"that, by digest", "x@", "a0?", BLOB_MISSING, "layer 2, sha256:ffffffffffff..., was not"},
	    {"a digest that is none", "x:1", "a-1", BLOB_MISSING, "layer 1, without a digest"},
	    {"in another order", "x:1", "a10", WRONG_CONTENT, "layer 1, sha256:"},
	    {"another's layer", "x:1", "a02", WRONG_CONTENT, "is not what the config says"},
	    {"a layer twice", "x:1", "a00", WRONG_CONTENT, "layer 2, sha256:"},
	    {"a layer that is none", "x:1", "a0a", WRONG_CONTENT, "layer 2, sha256:"},
	    {"too few", "x:1", "a0", WRONG_CONTENT, "the manifest has 1 layers, the config 2"},
	    {"too many", "x:1", "a012", WRONG_CONTENT, "the manifest has 3 layers, the config 2"},
	    {"none", "x:1", "a", WRONG_CONTENT, "the manifest has 0 layers, the config 2"},
	    {"none, by digest", "x@", "a", WRONG_CONTENT, "the manifest has 0 layers"},
	    {"another image", "x:1", "o01", NOT_WANTED, "only the image that is being packed"},
	    {"another tag", "x:2", "a01", NOT_WANTED, "is not its own"},
	    {"no tag of ours", "x:3", "a01", NOT_WANTED, "is not its own"},
	    {"another repository", "y:2", "a01", NOT_WANTED, "is not its own"},
	    {"another image of this repository", "y:1", "b2", NOT_WANTED, "is not its own"},
	    {"a config that is none", "x:1", "-01", WRONG_CONTENT, "it is no manifest"},
	    {"another digest", "x@" NOBODYS, "a01", WRONG_DIGEST, "it is sha256:"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *what = cases[i].what;
		struct content pushed;

		start_with_blobs();
		same_number(what, put(cases[i].name, manifest_of(cases[i].letters)), cases[i].how);
		has_text(what, why, cases[i].why);
		same_number(what, served("x:1") || served("x:2") || served("y:1"), false);
		same_number(what, remembered("x", digest, &pushed) || remembered("y", digest, &pushed),
			    false);
		same_number(what, put("x:1", manifest_of("a01")), TAKEN);
		assert_serves(what, "x:1", "a01");
		end();
	}
}

static void
what_goes_with_an_image_is_taken_by_its_digest_only(void **state)
{
	struct content pushed;

	(void)state;
	start_with_blobs();
	assert_int_equal(put("x@", manifest_of("o01")), TAKEN);
	assert_true(remembered("x", digest, &pushed));
	assert_null(served("x:1"));
	assert_int_equal(put("x@", "{\"manifests\":[]}"), TAKEN);
	assert_int_equal(put("x:1", manifest_of("o01")), NOT_WANTED);
	assert_int_equal(put("x:1", "{\"manifests\":[]}"), NOT_WANTED);
	end();
}

/* The second image, as if that were its config. */
static enum taken
put_second_with(const char *config, size_t size, const char *layers)
{
	char *text;
	enum taken how;

	digest_of_bytes(config, size, order[1].id);
	assert_int_equal(push(config, size, order[1].id), TAKEN);
	text = format("{\"config\":{\"digest\":\"%s\"},\"layers\":%s}", order[1].id, layers);
	how = put("x:2", text);
	free(text);
	return how;
}

static void
a_config_must_say_what_the_layers_are(void **state)
{
	static const char *const text[] = {
	    "",
	    "{}",
	    "no JSON",
	    "[]",
	    "{\"rootfs\":[]}",
	    "{\"rootfs\":{\"diff_ids\":\"\"}}",
	    "{\"rootfs\":{\"diff_ids\":[]}}",
	    "{\"rootfs\":{\"diff_ids\":[null]}}",
	    "{\"rootfs\":{\"diff_ids\":[\"\"]}}",
	    "{\"rootfs\":{\"diff_ids\":[[]]}}",
	};
	size_t large = CONFIG_MAX + 1;
	char *bytes = xmalloc(large), *layers;

	(void)state;
	start_with_blobs();
	layers = format("[{\"digest\":\"%s\"}]", layer[2].digest);
	for (size_t i = 0; i < LENGTH(text); i++) {
		same_number(text[i], put_second_with(text[i], strlen(text[i]), layers), WRONG_CONTENT);
		same_number(text[i], put_second_with(text[i], strlen(text[i]), "[]"), WRONG_CONTENT);
		same_number(text[i], served("x:2") != NULL, false);
	}
	memset(bytes, ' ', large);
	memcpy(bytes, second.text, strlen(second.text));
	same_number("too large", put_second_with(bytes, large, layers), WRONG_CONTENT);
	same_number("as large as may be", put_second_with(bytes, large - 1, layers), TAKEN);
	free(layers);
	free(bytes);
	end();
}

/* What engines take in a config, they push: it is served as it came. */
static void
a_config_may_be_what_engines_take(void **state)
{
	static const char *const more[] = {
	    "\"a\":\"caf\xe9\"",
	    "\"caf\xe9\":1",
	    "\"a\":\"\\ud800\"",
	    "\"a\":\"\\u0000\",\"\\u0000\":1",
	    "\"a\":1180591620717411303424",
	    "\"a\":-1e400",
	};
	char *layers, *text;

	(void)state;
	for (size_t i = 0; i < LENGTH(more); i++) {
		start_with_blobs();
		layers = format("[{\"digest\":\"%s\"}]", layer[2].digest);
		text = format("{%s,%s", more[i], second.text + 1);
		same_number(more[i], put_second_with(text, strlen(text), layers), TAKEN);
		assert_non_null(served("x:2"));
		same_text(more[i], catalog.image[1].config.digest, order[1].id);
		same_number(more[i], (long long)catalog.image[1].config.size, (long long)strlen(text));
		free(text);
		free(layers);
		end();
	}
}

/* Who pushes what cannot be read is told what it is. */
static void
a_config_that_cannot_be_read_is_named(void **state)
{
	char *layers;

	(void)state;
	start_with_blobs();
	layers = format("[{\"digest\":\"%s\"}]", layer[2].digest);
	assert_int_equal(put_second_with("no JSON", 7, layers), WRONG_CONTENT);
	has_text("no JSON", why, "the config is not JSON: ");
	free(layers);
	end();
}

static void
text_that_is_no_manifest_is_refused(void **state)
{
	static const struct {
		const char *what, *text;
		size_t more; /* bytes behind its end */
	} cases[] = {
	    {"nothing", "", 0},
	    {"half", "{", 0},
	    {"a list", "[]", 0},
	    {"a string", "\"x\"", 0},
	    {"an empty one", "{}", 0},
	    {"more behind it", "{\"manifests\":[]} x", 0},
	    {"manifests that are no list", "{\"manifests\":{}}", 0},
	    {"a config that is no object", "{\"config\":\"" NOBODYS "\"}", 0},
	    {"a digest that is no text", "{\"config\":{\"digest\":1}}", 0},
	    {"a digest with a blank", "{\"config\":{\"digest\":\"" NOBODYS " \"}}", 0},
	    {"a NUL behind it", "{\"manifests\":[]}\0", 1},
	    {"more behind a NUL", "{\"manifests\":[]}\0 {}", 4},
	    {"a NUL inside", "{\"manifests\":[\0]}", 3},
	};

	(void)state;
	start_with_blobs();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		size_t size = strlen(cases[i].text) + cases[i].more;
		char is[DIGEST], *name[2];

		digest_of_bytes(cases[i].text, size, is);
		name[0] = xstrdup("x:1");
		name[1] = format("x@%s", is);
		for (size_t k = 0; k < LENGTH(name); k++) {
			same_number(cases[i].what, put_bytes(name[k], cases[i].text, size, TYPE_MANIFEST),
				    WRONG_CONTENT);
			same_text(cases[i].what, why, "it is no manifest");
			same_text(cases[i].what, digest, is);
			free(name[k]);
		}
	}
	assert_int_equal(in.manifests, 0);
	end();
}

static void
an_index_is_taken_where_its_image_is_complete(void **state)
{
	char *text, *index, *others;
	struct content pushed;

	(void)state;
	start_with_blobs();
	text = xstrdup(manifest_of("a01"));
	digest_of_bytes(text, strlen(text), digest);
	index = format("{\"manifests\":[1,{},{\"digest\":\"%s\"},{\"digest\":\"%s\"}]}", NOBODYS, digest);
	others = format("{\"manifests\":[{\"digest\":\"%s\"}]}", NOBODYS);
	assert_int_equal(put("x:1", index), NOT_WANTED);
	assert_int_equal(put("x@", text), TAKEN);
	assert_serves("by its digest", "x:1", "a01");
	assert_int_equal(put("x:1", others), NOT_WANTED);
	assert_int_equal(put("x:2", index), NOT_WANTED);
	assert_int_equal(put("x:1", index), TAKEN);
	assert_true(remembered("x", digest, &pushed));
	assert_reads_as("the index", pushed.fd, pushed.size, pushed.offset, digest);
	assert_serves("still itself", "x:1", "a01");
	/* where the image is complete, but came by another manifest */
	free(text);
	text = format("%s ", manifest_of("a01"));
	assert_int_equal(put("y:1", text), TAKEN);
	assert_serves("there", "y:1", "a01");
	assert_int_equal(put("y:1", index), NOT_WANTED);
	free(text);
	free(index);
	free(others);
	end();
}

static void
a_type_is_known_or_the_usual_one(void **state)
{
	static const struct {
		const char *given, *known;
	} cases[] = {
	    {TYPE_MANIFEST, TYPE_MANIFEST},
	    {"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.index.v1+json"},
	    {"application/vnd.docker.distribution.manifest.v2+json",
	     "application/vnd.docker.distribution.manifest.v2+json"},
	    {"application/vnd.docker.distribution.manifest.list.v2+json",
	     "application/vnd.docker.distribution.manifest.list.v2+json"},
	    {NULL, TYPE_MANIFEST},
	    {"", TYPE_MANIFEST},
	    {"text/html", TYPE_MANIFEST},
	    {"application/vnd.oci.image.index.v1+json; charset=x", TYPE_MANIFEST},
	};
	struct content pushed;

	(void)state;
	start_fresh(0);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *what = cases[i].given ? cases[i].given : "(none)";
		char *text = format("{\"manifests\":[%zu]}", i);

		same_number(what, put_bytes("x@", text, strlen(text), cases[i].given), TAKEN);
		same_number(what, remembered("x", digest, &pushed), true);
		same_text(what, pushed.type, cases[i].known);
		free(text);
	}
	end();
}

static void
so_many_manifests_are_remembered(void **state)
{
	size_t most = PUSHED * LENGTH(order);

	(void)state;
	start_fresh(0);
	for (size_t i = 0; i <= most; i++) {
		char *text = format("{\"manifests\":[%zu]}", i);

		same_number("each", put("x@", text), i < most ? TAKEN : NO_ROOM);
		free(text);
	}
	has_text("why", why, "too many manifests");
	assert_int_equal(put("x@", "{\"manifests\":[0]}"), TAKEN);
	assert_int_equal(put("y@", "{\"manifests\":[0]}"), NO_ROOM);
	end();
}

/* However many images there are, each can come. */
static void
every_image_that_was_ordered_has_room(void **state)
{
	enum { IMAGES = PUSHED + 2 };
	static struct order many[IMAGES];

	(void)state;
	start_fresh(0);
	end();
	for (size_t i = 0; i < IMAGES; i++) {
		char *name = format("x%zu:1", i);

		make_order(&many[i], name, first.digest);
		free(name);
	}
	assert_true(catalog_open(&catalog, IMAGES, "run", why));
	for (size_t i = 0; i < IMAGES; i++)
		catalog_name(&catalog.image[i], &many[i].name);
	intake_start(&in, &catalog, many, ZSTD, "run", 0, -1);
	assert_int_equal(push_layer(0), TAKEN);
	assert_int_equal(push_layer(1), TAKEN);
	assert_int_equal(push_config(&first), TAKEN);
	for (size_t i = 0; i < IMAGES; i++) {
		char *name = format("x%zu:1", i);

		same_number(name, put(name, manifest_of("a01")), TAKEN);
		assert_serves(name, name, "a01");
		free(name);
	}
	end();
}

static void
a_manifest_that_found_no_room_can_come_again(void **state)
{
	struct rlimit was, few;
	struct content pushed;
	enum taken images, others;

	(void)state;
	start_with_blobs();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	few = was;
	few.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	images = put("x:1", manifest_of("a01"));
	others = put("x@", manifest_of("o01"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(images, NO_ROOM);
	assert_int_equal(others, NO_ROOM);
	has_text("why", why, "cannot keep a manifest");
	assert_null(served("x:1"));
	assert_int_equal(in.manifests, 0);
	assert_int_equal(put("x:1", manifest_of("a01")), TAKEN);
	assert_serves("then", "x:1", "a01");
	assert_true(remembered("x", digest, &pushed));
	assert_reads_as("as it was pushed", pushed.fd, pushed.size, pushed.offset, digest);
	end();
}

/* --- The end */

static void
the_end_leaves_what_may_be_kept_and_no_more(void **state)
{
	static const struct {
		uint64_t most;
		bool stays;
	} cases[] = {{MANY, true}, {1, false}};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		size_t open = descriptors();
		struct slot *s;

		start_fresh(MANY);
		assert_int_equal(push_layer(0), TAKEN);
		end();
		start(cases[i].most, -1);
		assert_true(has(layer[0].digest));
		assert_int_equal(push_config(&first), TAKEN);
		assert_true(is_stored(layer[0].digest));
		upload_add(upload()->upload, layer[1].sent, layer[1].size);
		s = upload();
		upload_add(s->upload, layer[2].sent, layer[2].size);
		intake_release(&in, s);
		upload();
		assert_int_equal(files_in("run"), 2);
		end();
		assert_int_equal(files_in("run"), 0);
		assert_int_equal(descriptors(), open);
		assert_int_equal(is_stored(layer[0].digest), cases[i].stays);
		assert_int_equal(files_in(".store"), cases[i].stays ? 2 : 0);
	}
}

/* Who runs us says so by having nothing kept. */
static void
a_store_that_is_not_ours_is_left_alone(void **state)
{
	(void)state;
	start_fresh(MANY);
	assert_int_equal(push_layer(0), TAKEN);
	end();
	assert_int_equal(rename(".store", "elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", ".store"), 0);
	start(0, -1);
	assert_false(has(layer[0].digest));
	assert_int_equal(push_layer(1), TAKEN);
	end();
	assert_int_equal(files_in("elsewhere"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_upload_is_one_requests_alone),
	    cmocka_unit_test(nobody_guesses_the_name_of_an_upload),
	    cmocka_unit_test(the_oldest_idle_upload_gives_way),
	    cmocka_unit_test(a_layer_is_kept_where_it_may_be),
	    cmocka_unit_test(what_is_refused_is_over_and_leaves_nothing),
	    cmocka_unit_test(a_blob_that_comes_twice_at_once_is_held_once),
	    cmocka_unit_test(no_more_is_held_than_there_are_descriptors),
	    cmocka_unit_test(every_blob_that_comes_is_a_line),
	    cmocka_unit_test(what_an_earlier_intake_kept_is_here),
	    cmocka_unit_test(that_a_layer_cannot_be_kept_is_said_once_and_no_failure),
	    cmocka_unit_test(an_image_is_complete_with_its_manifest),
	    cmocka_unit_test(an_image_is_completed_by_what_was_kept_before),
	    cmocka_unit_test(nothing_else_is_served_and_the_right_one_still_is),
	    cmocka_unit_test(what_goes_with_an_image_is_taken_by_its_digest_only),
	    cmocka_unit_test(a_config_must_say_what_the_layers_are),
	    cmocka_unit_test(a_config_may_be_what_engines_take),
	    cmocka_unit_test(a_config_that_cannot_be_read_is_named),
	    cmocka_unit_test(text_that_is_no_manifest_is_refused),
	    cmocka_unit_test(an_index_is_taken_where_its_image_is_complete),
	    cmocka_unit_test(a_type_is_known_or_the_usual_one),
	    cmocka_unit_test(so_many_manifests_are_remembered),
	    cmocka_unit_test(every_image_that_was_ordered_has_room),
	    cmocka_unit_test(a_manifest_that_found_no_room_can_come_again),
	    cmocka_unit_test(the_end_leaves_what_may_be_kept_and_no_more),
	    cmocka_unit_test(a_store_that_is_not_ours_is_left_alone),
	};

	return RUN_TESTS(tests);
}
