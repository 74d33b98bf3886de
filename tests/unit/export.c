/*
 * export.c - what engines save, and what nobody ever should: one clear reason, no crash, no memory without
 * bounds.
 */
#include "saved.h"

#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

#include "layers.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char content[] = "the content of a layer";

/* Reads SAVED; "" where it was taken, else why not. */
static const char *
outcome_of(struct export *e)
{
	static char why[WHY];
	int in = open_saved();

	memset(why, 0, sizeof(why));
	if (read_export(in, ".", NULL, e, why))
		*why = '\0';
	else
		assert_string_not_equal(why, "");
	close(in);
	return why;
}

static const char *
outcome(void)
{
	struct export e;
	const char *why = outcome_of(&e);

	if (*why == '\0')
		free_export(&e);
	return why;
}

/* --- What is taken. */

struct seen {
	char text[1024];
	int fd;
};

static void
note_arrival(void *arg, const char *name, off_t offset, uint64_t size)
{
	struct seen *a = arg;
	size_t used = strlen(a->text);
	char first = '-';

	(void)!pread(a->fd, &first, 1, offset);
	snprintf(a->text + used, sizeof(a->text) - used, "%s:%llu:%c ", name, (unsigned long long)size,
		 first);
}

static void
same_export(const struct export *e, const char *config)
{
	char found[sizeof(content)];

	assert_int_equal(e->images, 1);
	assert_string_equal(e->image[0].id, digest_of(config, strlen(config)));
	assert_string_equal(e->image[0].config_json, config);
	assert_string_equal(e->image[0].config.digest, e->image[0].id);
	assert_int_equal(e->image[0].config.size, strlen(config));
	assert_int_equal(e->image[0].layers, 1);
	assert_int_equal(e->image[0].layer[0].size, sizeof(content));
	assert_int_equal(e->image[0].layer[0].coding, PLAIN);
	assert_string_equal(e->image[0].layer[0].digest, "");
	assert_string_equal(e->image[0].diff_id[0], digest_of(content, sizeof(content)));
	assert_true(read_at(e->spool, found, sizeof(found), e->image[0].layer[0].offset));
	assert_string_equal(found, content);
}

static const struct bytes layer = {(char *)content, sizeof(content)};

/* By a pipe and from a file, from its beginning and from further on: the same. */
static void
ways_in(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	char *config = config_for(ids), why[WHY], blanks[1536], *arrived;
	struct seen a = {.fd = open(SAVED, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
	struct arrivals arrivals = {.member = note_arrival, .member_arg = &a};
	struct bytes b;
	struct export e;
	int fds[2], in;

	(void)state;
	save_image(&layer, ids);
	in = open_saved();
	assert_true(read_export(in, "no folder needed", &arrivals, &e, why));
	same_export(&e, config);
	arrived = format("0/layer.tar:%zu:t config.json:%zu:{ manifest.json:67:[ ", sizeof(content),
			 strlen(config));
	assert_string_equal(a.text, arrived);
	free(arrived);
	free_export(&e);
	close(in);

	b = read_bytes(SAVED);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], b.at, b.size), b.size);
	close(fds[1]);
	assert_true(read_export(fds[0], ".", NULL, &e, why));
	close(fds[0]);
	same_export(&e, config);
	free_export(&e);

	in = open("later.tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	memset(blanks, 0, sizeof(blanks));
	assert_int_equal(write(in, blanks, sizeof(blanks)), sizeof(blanks));
	assert_int_equal(write(in, b.at, b.size), b.size);
	lseek(in, sizeof(blanks), SEEK_SET);
	assert_true(read_export(in, ".", NULL, &e, why));
	same_export(&e, config);
	free_export(&e);
	close(in);
	close(a.fd);
	free(b.at);
	free(config);
}

/* Docker before 25 writes a layer once and links to it; the links lead anywhere but out. */
static void
links(void **state)
{
	static const struct {
		const char *name, *to;
		char type;
		const char *want;
	} cases[] = {
	    {"b/layer.tar", "../a/layer.tar", '2', ""},
	    {"b/layer.tar", ".././a//layer.tar", '2', ""},
	    {"b/layer.tar", "a/layer.tar", '1', ""},
	    {"b/layer.tar", "./a/layer.tar", '1', ""},
	    {"b/layer.tar", "../c", '2', "'b/layer.tar' is missing"},
	    {"b/layer.tar", "layer.tar", '2', "'b/layer.tar' is missing"},
	    {"b/layer.tar", "../../a/layer.tar", '2', "leads nowhere"},
	    {"b/layer.tar", "/a/layer.tar", '2', "leads nowhere"},
	    {"b/layer.tar", "../a/layer.tar", '1', "leads nowhere"},
	    {"b/layer.tar", "", '2', "leads nowhere"},
	};
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	char *config = config_for(ids);

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive(SAVED);
		put_member(cases[i].type, cases[i].name, cases[i].to, NULL, 0);
		put_member('0', "a/layer.tar", "", content, sizeof(content));
		put_text_member("config.json", config);
		put_text_member("manifest.json",
				"[{\"Config\":\"config.json\",\"Layers\":[\"b/layer.tar\"]}]");
		end_archive();
		if (*cases[i].want == '\0')
			same_text(cases[i].to, outcome(), "");
		else
			has_text(cases[i].to, outcome(), cases[i].want);
	}
	free(config);
}

/* --- What is refused. */

static void
manifests(void **state)
{
	static const struct {
		const char *manifest, *want;
	} cases[] = {
	    {"", "'manifest.json' is not JSON"},
	    {"[", "'manifest.json' is not JSON"},
	    {"[{\"Config\":\"\\u0000\"}]", "is missing"},
	    {"{}", "'manifest.json' is not a list"},
	    {"[]", "it holds no image"},
	    {"[{}]", "'' is missing"},
	    {"[1]", "'' is missing"},
	    {"[{\"Config\":1}]", "'' is missing"},
	    {"[{\"Config\":\"other.json\"}]", "image other.json: 'other.json' is missing"},
	    {"[{\"Config\":\"config.json\"}]", "its manifest lists 0 layers, its config 1"},
	    {"[{\"Config\":\"config.json\",\"Layers\":\"layer.tar\"}]",
	     "its manifest lists 0 layers, its config 1"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[\"layer.tar\",\"layer.tar\"]}]",
	     "its manifest lists 2 layers, its config 1"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[\"other.tar\"]}]", "its layer 'other.tar' is missing"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[\"../layer.tar\"]}]",
	     "its layer '../layer.tar' is missing"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[\"/etc/passwd\"]}]",
	     "its layer '/etc/passwd' is missing"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[\"folder\"]}]", "its layer 'folder' is missing"},
	    {"[{\"Config\":\"config.json\",\"Layers\":[null]}]", "its layer '' is missing"},
	    {"[{\"Config\":\"./config.json\",\"Layers\":[\"./layer.tar\"]}]", NULL},
	};
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	char *config = config_for(ids);

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive(SAVED);
		put_member('5', "folder", "", NULL, 0);
		put_member('0', "layer.tar", "", content, sizeof(content));
		put_text_member("config.json", config);
		put_text_member("manifest.json", cases[i].manifest);
		end_archive();
		if (cases[i].want == NULL)
			same_text(cases[i].manifest, outcome(), "");
		else
			has_text(cases[i].manifest, outcome(), cases[i].want);
	}
	free(config);
}

static void
configs(void **state)
{
	static const struct {
		const char *name, *config, *want;
	} cases[] = {
	    {"c", "", "'c' is not JSON"},
	    {"c", "[]", "'c' is no config"},
	    {"c", "{\"a\":\"caf\xe9\",\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	    {"c", "{\"a\":\"\\udc00\\u0000\",\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	    {"c", "{\"\\u0000\":\"\",\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	    {"c", "{\"a\":1180591620717411303424,\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	    {"c", "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\\u0000\"]}}",
	     "by something else than SHA-256"},
	    {"c", "{}", "its config 0"},
	    {"c", "{\"rootfs\":[]}", "its config 0"},
	    {"c", "{\"rootfs\":{\"diff_ids\":{}}}", "its config 0"},
	    {"c", "{\"rootfs\":{\"diff_ids\":[1]}}", "by something else than SHA-256"},
	    {"c", "{\"rootfs\":{\"diff_ids\":[\"sha512:" HEX64 HEX64 "\"]}}",
	     "by something else than SHA-256"},
	    {"c", "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "0\"]}}", "by something else than SHA-256"},
	    {"c", "{\"rootfs\":{\"diff_ids\":[\"" HEX64 "\"]}}", "by something else than SHA-256"},
	    {"c", "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	    {HEX64 ".json", "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}",
	     "is not what its name says"},
	    {"blobs/sha256/" HEX64, "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}",
	     "is not what its name says"},
	    {HEX64, "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *manifest = format("[{\"Config\":\"%s\",\"Layers\":[\"l\"]}]", cases[i].name);

		begin_archive(SAVED);
		put_member('0', "l", "", content, sizeof(content));
		put_text_member(cases[i].name, cases[i].config);
		put_text_member("manifest.json", manifest);
		end_archive();
		if (cases[i].want == NULL)
			same_text(cases[i].config, outcome(), "");
		else
			has_text(cases[i].config, outcome(), cases[i].want);
		free(manifest);
	}
}

/* An index that leads to an index that leads to an image: to the eighth, and no further. */
static void
nested_indexes(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	char *config = config_for(ids), *document, name[128], digest[DIGEST];

	(void)state;
	for (int depth = 7; depth <= 9; depth++) {
		begin_archive(SAVED);
		snprintf(name, sizeof(name), "blobs/sha256/%s", ids[0] + 7);
		put_member('0', name, "", content, sizeof(content));
		snprintf(digest, DIGEST, "%s", digest_of(config, strlen(config)));
		snprintf(name, sizeof(name), "blobs/sha256/%s", digest + 7);
		put_text_member(name, config);
		document = format("{\"config\":{\"digest\":\"%s\"},\"layers\":[{\"digest\":\"%s\"}]}", digest,
				  ids[0]);
		for (int i = 0; i <= depth; i++) {
			snprintf(digest, DIGEST, "%s", digest_of(document, strlen(document)));
			snprintf(name, sizeof(name), "blobs/sha256/%s", digest + 7);
			put_text_member(name, document);
			free(document);
			document = format("{\"manifests\":[{\"digest\":\"%s\"}]}", digest);
		}
		put_text_member("index.json", document);
		end_archive();
		free(document);
		if (depth <= 8)
			same_text("nested", outcome(), "");
		else
			has_text("nested", outcome(), "nested more than 8 deep");
	}
	free(config);
}

static void
indexes(void **state)
{
	static const struct {
		const char *index, *want;
	} cases[] = {
	    {"{", "'index.json' is not JSON"},
	    {"[]", "it holds no image"},
	    {"{\"manifests\":[{\"digest\":\"sha256:" HEX64 "\"}]}", "is not what its digest says"},
	    {"{\"manifests\":[{\"digest\":\"sha512:" HEX64 HEX64 "\"}]}", "it holds no image"},
	    {"{\"manifests\":[{\"digest\":\"../../etc/passwd\"}]}", "it holds no image"},
	    {"{\"manifests\":[{\"digest\":\"sha256:" HEX64
	     "\",\"platform\":{\"architecture\":\"unknown\"}}]}",
	     "it holds no image"},
	    {"{\"manifests\":[{\"digest\":\"sha256:" HEX64
	     "\",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}}]}",
	     "it holds no image"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin_archive(SAVED);
		put_text_member("blobs/sha256/" HEX64, "{\"config\":{},\"layers\":[]}");
		put_text_member("index.json", cases[i].index);
		end_archive();
		has_text(cases[i].index, outcome(), cases[i].want);
	}
}

static void
archives(void **state)
{
	static char noise[4096];
	char deep[20000];

	(void)state;
	put_file(SAVED, "", 0);
	has_text("empty", outcome(), "the export is empty");
	memset(noise, 'x', sizeof(noise));
	put_file(SAVED, noise, sizeof(noise));
	has_text("noise", outcome(), "Unrecognized archive format");
	begin_archive(SAVED);
	end_archive();
	has_text("zeros", outcome(), "neither 'manifest.json' nor 'index.json'");

	begin_archive(SAVED);
	put_text_member("twice", "1");
	put_text_member("./twice", "2");
	put_text_member("manifest.json", "[]");
	end_archive();
	has_text("twice", outcome(), "'twice' is there twice");

	begin_archive(SAVED);
	put_text_member("a/../../manifest.json", "[]");
	end_archive();
	has_text("outside", outcome(), "the unusable name 'a/../../manifest.json'");

	begin_archive(SAVED);
	put_member('3', "manifest.json", "", NULL, 0);
	put_member('6', "index.json", "", NULL, 0);
	end_archive();
	has_text("devices", outcome(), "neither 'manifest.json' nor 'index.json'");

	memset(deep, '[', sizeof(deep));
	begin_archive(SAVED);
	put_member('0', "manifest.json", "", deep, sizeof(deep));
	end_archive();
	has_text("deep", outcome(), "'manifest.json' is not JSON");
}

/* Sizes that nothing could hold are compared, not allocated. */
static void
absurd_sizes(void **state)
{
	static const uint64_t sizes[] = {513,        1 << 20,          1ull << 32,
					 1ull << 40, INT64_MAX - 1024, INT64_MAX - 511,
					 INT64_MAX,  1ull << 63,       UINT64_MAX};
	static const char *const names[] = {"manifest.json", "config.json", "layer.tar"};
	char *large;

	(void)state;
	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (size_t k = 0; k < LENGTH(names); k++) {
			begin_archive(SAVED);
			put_text_member(k == 0 ? "other.json" : "manifest.json", "[]");
			put_member_claiming('0', names[k], "", "x", 1, sizes[i]);
			end_archive();
			assert_string_not_equal(outcome(), "");
		}
	large = xmalloc((4 << 20) + 1);
	memset(large, ' ', (4 << 20) + 1);
	begin_archive(SAVED);
	put_member('0', "manifest.json", "", large, (4 << 20) + 1);
	end_archive();
	free(large);
	has_text("five megabytes of JSON", outcome(), "is too large");
}

/* Labels have no bound of their own. */
static void
large_config(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	char *small = config_for(ids), *large;
	size_t size = (16 << 20) + strlen(small);

	(void)state;
	large = xmalloc(size + 1);
	memset(large, ' ', size);
	memcpy(large + size - strlen(small), small, strlen(small) + 1);
	begin_archive(SAVED);
	put_member('0', "l", "", content, sizeof(content));
	put_member('0', "c", "", large, size);
	put_text_member("manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]");
	end_archive();
	same_text("16 MiB", outcome(), "");
	free(large);
	free(small);
}

/* Cut anywhere, it is refused, unless all that is missing is the end mark. */
static void
truncated(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	struct bytes b;

	(void)state;
	save_image(&layer, ids);
	b = read_bytes(SAVED);
	for (size_t size = 0; size < b.size; size += size % 512 == 511 || size % 512 == 0 ? 1 : 15) {
		put_file(SAVED, b.at, size);
		if (size < b.size - 1024)
			assert_string_not_equal(outcome(), "");
		else
			outcome();
	}
	free(b.at);
}

/* One byte is another one: it is refused, or what is read is what the digests say. */
static void
mutated(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	uint32_t seed = 1;
	struct export e;
	struct bytes b;
	char why[WHY];

	(void)state;
	save_image(&layer, ids);
	b = read_bytes(SAVED);
	for (int i = 0; i < 3000; i++) {
		char before;
		size_t at;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % b.size;
		before = b.at[at];
		b.at[at] = (char)(seed >> 3);
		put_file(SAVED, b.at, b.size);
		if (*outcome_of(&e) == '\0') {
			for (size_t k = 0; k < e.images; k++)
				for (size_t l = 0; l < e.image[k].layers; l++)
					verify_layer(&e, &e.image[k], l, why);
			free_export(&e);
		}
		b.at[at] = before;
	}
	free(b.at);
}

/* A full disk on the way in: what the limit on files is here. */
static void
spool_behind_limit(void *arg)
{
	struct rlimit limit = {65536, 65536};
	char why[WHY];
	struct export e;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (!read_export(*(int *)arg, ".", NULL, &e, why))
		die(EXIT_NO, "%s", why);
}

static void
no_room(void **state)
{
	static char large[300000];
	const struct bytes b = {large, sizeof(large)};
	const char *ids[] = {digest_of(large, sizeof(large)), NULL};
	struct ending end;
	int fds[2];
	pid_t pid;

	(void)state;
	save_image(&b, ids);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct bytes whole = read_bytes(SAVED);

		close(fds[0]);
		signal(SIGPIPE, SIG_IGN);
		_exit(write(fds[1], whole.at, whole.size) < 0);
	}
	close(fds[1]);
	end = ending_of(spool_behind_limit, &fds[0]);
	close(fds[0]);
	waitpid(pid, NULL, 0);
	assert_int_equal(end.code, EXIT_NO);
	has_text("no room", end.said, "cannot spool it: File too large");
}

/* --- Layers. */

static struct bytes
gzipped(const void *bytes, size_t size)
{
	struct bytes b = {xmalloc(size + 100), 0};
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)bytes;
	z.avail_in = (uInt)size;
	z.next_out = (Bytef *)b.at;
	z.avail_out = (uInt)size + 100;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.size = z.total_out;
	deflateEnd(&z);
	return b;
}

static struct bytes
zstandard(const void *bytes, size_t size)
{
	struct bytes b = {xmalloc(ZSTD_compressBound(size)), 0};

	b.size = ZSTD_compress(b.at, ZSTD_compressBound(size), bytes, size, 1);
	return b;
}

/* Takes both. */
static struct bytes
joined(struct bytes a, struct bytes b)
{
	a.at = xrealloc(a.at, a.size + b.size);
	memcpy(a.at + a.size, b.at, b.size);
	a.size += b.size;
	free(b.at);
	return a;
}

/* SAVED's only layer: "" where it is what the config says, and the same when decoded; else why not. */
static const char *
layer_outcome(enum coding coding, const char *plain, size_t size)
{
	static char why[WHY];
	struct export e;
	struct bytes b;
	bool good;
	int out;

	assert_string_equal(outcome_of(&e), "");
	assert_int_equal(e.image[0].layer[0].coding, coding);
	good = verify_layer(&e, &e.image[0], 0, why);
	same_number("verified", e.image[0].layer[0].verified, good);
	if (good)
		*why = '\0';
	out = open("decoded", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(decode_layer(&e, &e.image[0], 0, out, why), good);
	close(out);
	if (good) {
		b = read_bytes("decoded");
		assert_int_equal(b.size, size);
		assert_memory_equal(b.at, plain, size);
		free(b.at);
	}
	free_export(&e);
	return why;
}

/* Sizes about those of the buffers, too. */
static void
codings(void **state)
{
	static const size_t sizes[] = {1, 512, 262143, 262144, 262145, 524288, 1000000};
	char *plain = xmalloc(1000000);

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		plain[i] = (char)(i * i >> 7);
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		size_t size = sizes[i], half = size / 2;
		const char *ids[] = {digest_of(plain, size), NULL};
		const struct {
			enum coding coding;
			struct bytes bytes;
		} cases[] = {
		    {PLAIN, {memcpy(xmalloc(size), plain, size), size}},
		    {GZIP, gzipped(plain, size)},
		    {ZSTD, zstandard(plain, size)},
		    {GZIP, joined(gzipped(plain, half), gzipped(plain + half, size - half))},
		    {ZSTD, joined(zstandard(plain, half), zstandard(plain + half, size - half))},
		    {ZSTD, joined(zstandard(plain, size), joined(zstandard("", 0), zstandard("", 0)))},
		};

		for (size_t k = 0; k < LENGTH(cases); k++) {
			save_image(&cases[k].bytes, ids);
			same_text("coding", layer_outcome(cases[k].coding, plain, size), "");
			free(cases[k].bytes.at);
		}
	}
	free(plain);
}

static void
bad_layers(void **state)
{
	const char *ids[] = {digest_of(content, sizeof(content)), NULL};
	const char *others[] = {digest_of("x", 1), NULL};
	const struct bytes bytes[] = {gzipped(content, sizeof(content)), zstandard(content, sizeof(content))};
	struct bytes b;

	(void)state;
	save_image(&layer, others);
	has_text("other", layer_outcome(PLAIN, NULL, 0), "it holds sha256:");
	for (size_t i = 0; i < LENGTH(bytes); i++) {
		enum coding coding = i == 0 ? GZIP : ZSTD;

		save_image(&bytes[i], others);
		has_text("other", layer_outcome(coding, NULL, 0), "it holds sha256:");
		for (size_t size = 4; size < bytes[i].size; size++) {
			b = (struct bytes){bytes[i].at, size};
			save_image(&b, ids);
			has_text("cut", layer_outcome(coding, NULL, 0), "its compressed data ends too early");
		}
		b = joined(
		    (struct bytes){memcpy(xmalloc(bytes[i].size), bytes[i].at, bytes[i].size), bytes[i].size},
		    (struct bytes){xstrdup("garbage"), 7});
		save_image(&b, ids);
		has_text("garbage behind", layer_outcome(coding, NULL, 0), "something else follows its");
		free(b.at);
		free(bytes[i].at);
	}
}

/* Members, frames and padding, as every way of reading a layer takes them. */
static void
odd_endings(void **state)
{
	static unsigned char tar[100000];
	const char *ids[] = {NULL, NULL};

	(void)state;
	fill_tar(tar, sizeof(tar), 1);
	ids[0] = digest_of(tar, sizeof(tar));
	for (size_t i = 0; i < LENGTH(made_layers); i++) {
		const struct made *m = &made_layers[i];
		const char *why;
		struct bytes b;

		b.at = (char *)make_layer_of(m, tar, sizeof(tar), &b.size);
		save_image(&b, ids);
		why = layer_outcome(m->coding, (char *)tar, sizeof(tar));
		if (m->why != NULL)
			has_text(m->pieces, why, m->why);
		else
			same_text(m->pieces, why, "");
		free(b.at);
	}
}

/*
 * Two images with one layer: read once, and not read again once it is known; what its name claims is checked.
 */
static void
shared_layers(void **state)
{
	const char *id = digest_of(content, sizeof(content)), *ids[] = {id, NULL}, *two[] = {id, id, NULL};
	char *config[] = {config_for(ids), config_for(two)}, name[128], why[WHY];
	struct export e;

	(void)state;
	for (int claim = 0; claim < 2; claim++) {
		char *manifest;

		snprintf(name, sizeof(name), "blobs/sha256/%s", claim == 0 ? id + 7 : HEX64);
		manifest = format(
		    "[{\"Config\":\"1\",\"Layers\":[\"%s\"]},{\"Config\":\"2\",\"Layers\":[\"%s\",\"%s\"]}]",
		    name, name, name);
		begin_archive(SAVED);
		put_member('0', name, "", content, sizeof(content));
		put_text_member("1", config[0]);
		put_text_member("2", config[1]);
		put_text_member("manifest.json", manifest);
		end_archive();
		free(manifest);
		assert_string_equal(outcome_of(&e), "");
		assert_int_equal(e.images, 2);
		assert_false(e.image[1].layer[1].verified);
		assert_int_equal(verify_layer(&e, &e.image[0], 0, why), claim == 0);
		assert_int_equal(e.image[1].layer[0].verified, claim == 0);
		assert_int_equal(e.image[1].layer[1].verified, claim == 0);
		if (claim == 0)
			assert_string_equal(e.image[1].layer[1].digest, id);
		else
			has_text("claim", why, "its name says");
		free_export(&e);
	}
	free(config[0]);
	free(config[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ways_in),       cmocka_unit_test(links),          cmocka_unit_test(manifests),
	    cmocka_unit_test(configs),       cmocka_unit_test(nested_indexes), cmocka_unit_test(indexes),
	    cmocka_unit_test(archives),      cmocka_unit_test(absurd_sizes),   cmocka_unit_test(truncated),
	    cmocka_unit_test(large_config),  cmocka_unit_test(mutated),        cmocka_unit_test(no_room),
	    cmocka_unit_test(codings),       cmocka_unit_test(bad_layers),     cmocka_unit_test(odd_endings),
	    cmocka_unit_test(shared_layers),
	};

	return RUN_TESTS(tests);
}
