/* machine.c - is the cache's entry for a key a whole machine? The working folder is the cache. */
#include "machine/machine.h"
#include "packed.h"
#include "unit.h"

#define KEY "0123456789abcdef"
#define LAUNCHER KEY ".smolmachine"
#define SIDECAR KEY ".smolmachine.smolmachine"
#define RECORD KEY ".json"
#define VERIFIED ".verified/" KEY
#define ID "sha256:" KEY "0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_ID "sha256:" KEY "f123456789abcdef0123456789abcdef0123456789abcdef"

static struct finding f;
static size_t size;
static struct list asked; /* the key's request */

static void
put_sidecar_of(const char *path, const char *image, const char *more)
{
	char *manifest = format(
	    "{\"image\":\"%s\",\"digest\":\"sha256:dd\",\"assets\":{\"layers\":[{\"digest\":\"x\"}]}%s}",
	    image, more);
	char *bytes = pack("some assets", 11, manifest, strlen(manifest), &size);

	put_file(path, bytes, size);
	free(bytes);
	free(manifest);
}

static void
put_sidecar(const char *path, const char *image)
{
	put_sidecar_of(path, image, "");
}

static void
put_record_of(const char *id, const char *digest, long long launcher, long long sidecar, const char *more)
{
	char *text =
	    format("{\"image_id\":\"%s\",\"digest\":\"%s\",\"sizes\":{\"launcher\":%lld,\"sidecar\":%lld}%s}",
		   id, digest, launcher, sidecar, more);

	put_text(RECORD, text);
	free(text);
}

static void
put_record(const char *id, const char *digest, long long launcher, long long sidecar)
{
	put_record_of(id, digest, launcher, sidecar, "");
}

static void
put_launcher(mode_t mode)
{
	put_text(LAUNCHER, "launcher");
	assert_int_equal(chmod(LAUNCHER, mode), 0);
}

/* In a folder of its own a whole machine, that the test then spoils. */
static void
put_machine(void)
{
	char name[] = "cache.XXXXXX";

	unsetenv("CACHE_DIR");
	assert_int_equal(chdir(folder), 0);
	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkdir(".verified", 0700), 0);
	put_launcher(0755);
	put_sidecar(SIDECAR, "127.0.0.1:32770/x:" KEY);
	put_record(ID, "sha256:dd", 8, (long long)size);
}

static enum machine_state
look(void)
{
	enum machine_state state;

	if (asked.count == 0)
		list_add(&asked, "IMAGE_ID=" ID);
	state = machine_state(KEY, &asked, &f);
	assert_int_equal(state, f.state);
	return state;
}

static void
remove_file(const char *path)
{
	assert_int_equal(remove(path), 0);
}

/* All at the last look was as now, so that a full read is not due: the file keeps its size and mtime. */
static void
flip_bit(const char *path, off_t at)
{
	struct timespec times[2];
	struct stat st;
	char byte;
	int fd = open(path, O_RDWR);

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void
nothing(void)
{
}
static void
no_sidecar(void)
{
	remove_file(SIDECAR);
}
static void
no_record(void)
{
	remove_file(RECORD);
}
static void
no_launcher(void)
{
	remove_file(LAUNCHER);
}
static void
empty_sidecar(void)
{
	put_text(SIDECAR, "");
}
static void
cut_sidecar(void)
{
	assert_int_equal(truncate(SIDECAR, (off_t)size - 1), 0);
}
static void
flipped_assets(void)
{
	flip_bit(SIDECAR, 3);
}
static void
flipped_later(void)
{
	assert_int_equal(look(), WHOLE);
	usleep(20000); /* the kernel's clock for ctime is a coarse one */
	flip_bit(SIDECAR, 3);
}
static void
sidecar_is_folder(void)
{
	remove_file(SIDECAR);
	assert_int_equal(mkdir(SIDECAR, 0700), 0);
}
static void
sidecar_is_link(void)
{
	assert_int_equal(rename(SIDECAR, "elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", SIDECAR), 0);
}
static void
sidecar_is_dangling(void)
{
	remove_file(SIDECAR);
	assert_int_equal(symlink("not there", SIDECAR), 0);
}
static void
sidecar_is_fifo(void)
{
	remove_file(SIDECAR);
	assert_int_equal(mkfifo(SIDECAR, 0600), 0);
}
static void
sidecar_of_other_key(void)
{
	put_sidecar(SIDECAR, "127.0.0.1:32770/x:fedcba9876543210");
}
static void
sidecar_of_other_length(void)
{
	put_sidecar(SIDECAR, "127.0.0.1:32770/x:" KEY "0");
}
static void
sidecar_of_no_tag(void)
{
	put_sidecar(SIDECAR, KEY);
}
static void
launcher_empty(void)
{
	put_text(LAUNCHER, "");
}
static void
launcher_no_program(void)
{
	put_launcher(0644);
}
static void
launcher_is_link(void)
{
	remove_file(LAUNCHER);
	assert_int_equal(symlink("/bin/sh", LAUNCHER), 0);
}
static void
launcher_is_folder(void)
{
	remove_file(LAUNCHER);
	assert_int_equal(mkdir(LAUNCHER, 0755), 0);
}
static void
record_of_other_sidecar(void)
{
	put_record(ID, "sha256:dd", 8, (long long)size + 1);
}
static void
record_of_other_launcher(void)
{
	put_record(ID, "sha256:dd", 9, (long long)size);
}
static void
record_of_other_digest(void)
{
	put_record(ID, "sha256:ee", 8, (long long)size);
}
static void
record_torn(void)
{
	put_text(RECORD, "{\"image_id\":");
}
static void
record_empty(void)
{
	put_text(RECORD, "");
}
static void
record_without_sizes(void)
{
	put_text(RECORD, "{\"image_id\":\"" ID "\"}");
}
static void
record_of_other_types(void)
{
	put_text(RECORD, "{\"image_id\":7,\"digest\":[],\"sizes\":{\"launcher\":\"8\",\"sidecar\":null}}");
}
static void
record_is_folder(void)
{
	remove_file(RECORD);
	assert_int_equal(mkdir(RECORD, 0700), 0);
}

static void
states(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(void);
		enum machine_state want;
		const char *says;
	} cases[] = {
	    {"whole", nothing, WHOLE, NULL},
	    {"claude-bottle's own, without a record", no_record, WHOLE, NULL},
	    {"no sidecar: launcher and record count for nothing", no_sidecar, MISSING, NULL},
	    {"no launcher", no_launcher, DAMAGED, "launcher"},
	    {"empty launcher", launcher_empty, DAMAGED, "launcher"},
	    {"launcher not executable", launcher_no_program, DAMAGED, "launcher"},
	    {"launcher a link", launcher_is_link, DAMAGED, "launcher"},
	    {"launcher a folder", launcher_is_folder, DAMAGED, "launcher"},
	    {"sidecar empty", empty_sidecar, DAMAGED, "too few"},
	    {"sidecar cut", cut_sidecar, DAMAGED, "SMOLPACK"},
	    {"a bit of the assets", flipped_assets, DAMAGED, "CRC"},
	    {"a bit flipped after it was verified", flipped_later, DAMAGED, "CRC"},
	    {"sidecar a folder", sidecar_is_folder, DAMAGED, "no regular file"},
	    {"sidecar a link", sidecar_is_link, DAMAGED, "no regular file"},
	    {"sidecar a dangling link", sidecar_is_dangling, DAMAGED, "no regular file"},
	    {"sidecar a fifo", sidecar_is_fifo, DAMAGED, "no regular file"},
	    {"another key's sidecar", sidecar_of_other_key, DAMAGED, "packed from '127.0.0.1:32770/x:fed"},
	    {"a longer tag", sidecar_of_other_length, DAMAGED, "packed from"},
	    {"no tag", sidecar_of_no_tag, DAMAGED, "packed from"},
	    {"a record of another sidecar", record_of_other_sidecar, DAMAGED, "not of these files"},
	    {"a record of another launcher", record_of_other_launcher, DAMAGED, "not of these files"},
	    {"a record of another digest", record_of_other_digest, DAMAGED, "not of these files"},
	    {"a torn record", record_torn, DAMAGED, "record"},
	    {"an empty record", record_empty, DAMAGED, "record"},
	    {"a record without sizes", record_without_sizes, DAMAGED, "record"},
	    {"a record of other types", record_of_other_types, DAMAGED, "record"},
	    {"a record that is a folder", record_is_folder, DAMAGED, "record"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		put_machine();
		cases[i].spoil();
		same_number(cases[i].name, look(), cases[i].want);
		if (cases[i].says)
			has_text(cases[i].name, f.why, cases[i].says);
	}
}

/* A key with options: what was packed is named by the image's ID alone. */
static void
key_with_options(void **state)
{
	(void)state;
	put_machine();
	assert_int_equal(rename(LAUNCHER, KEY "-a1b2c3d4.smolmachine"), 0);
	assert_int_equal(rename(SIDECAR, KEY "-a1b2c3d4.smolmachine.smolmachine"), 0);
	assert_int_equal(rename(RECORD, KEY "-a1b2c3d4.json"), 0);
	assert_int_equal(machine_state(KEY "-a1b2c3d4", &asked, &f), WHOLE);
	assert_int_equal(look(), MISSING);
	remove_file(KEY "-a1b2c3d4.json");
	assert_int_equal(machine_state(KEY "-a1b2c3d4", &asked, &f), DAMAGED);
	has_text("options without a record", f.why, "record is missing");
}

/* All of it is read once, and again only when the file is another one. */
static void
read_once(void **state)
{
	struct stat st, launcher;
	char *seen, *second, *both;

	(void)state;
	put_machine();
	assert_int_equal(look(), WHOLE);
	assert_int_equal(lstat(SIDECAR, &st), 0);
	assert_int_equal(lstat(LAUNCHER, &launcher), 0);
	seen = stat_text(&st);
	second = stat_text(&launcher);
	both = format("%s%s", seen, second);
	assert_string_equal(text_of(VERIFIED), both);
	/* as an older version remembered it: the sidecar alone */
	put_text(VERIFIED, seen);
	assert_int_equal(look(), WHOLE);
	assert_string_equal(text_of(VERIFIED), both);
	free(both);
	free(second);
	free(seen);
	/*
	 * a wrong CRC that is remembered as verified is not looked at: the promise is for what changes later
	 */
	flip_bit(SIDECAR, 3);
	assert_int_equal(lstat(SIDECAR, &st), 0);
	seen = stat_text(&st);
	put_text(VERIFIED, seen);
	free(seen);
	assert_int_equal(look(), WHOLE);
	put_text(VERIFIED, "rubbish");
	assert_int_equal(look(), DAMAGED);
	assert_string_equal(text_of(VERIFIED), "rubbish");
}

static void
look_for(void *arg)
{
	_exit(machine_state(KEY, arg, &f) == WHOLE ? 0 : 2);
}

/* How a look for a machine with these settings ends; NULL-ended. */
static struct ending
ending_for(const char *const *settings)
{
	struct list l = {0};
	struct ending e;

	for (; *settings; settings++)
		list_add(&l, *settings);
	e = ending_of(look_for, &l);
	list_free(&l);
	return e;
}

static void
collision(void **state)
{
	struct ending e;

	(void)state;
	put_machine();
	e = ending_for((const char *[]){"IMAGE_ID=" OTHER_ID, NULL});
	assert_int_equal(e.code, EXIT_NO);
	has_text("collision", e.said, "error: '" SIDECAR "' is another image's machine (" ID ")");
	assert_int_equal(ending_for((const char *[]){"IMAGE_ID=" ID, NULL}).code, 0);
	assert_int_equal(ending_for((const char *[]){NULL}).code, 0);
	assert_int_equal(ending_of(look_for, NULL).code, 0);
	remove_file(RECORD);
	assert_int_equal(ending_for((const char *[]){"IMAGE_ID=" OTHER_ID, NULL}).code, 0);
}

/* What 8 hex of the options do not tell apart, the record does. */
static void
other_options(void **state)
{
	static const struct {
		const char *record, *asked[3];
		int code;
	} cases[] = {
	    {"{\"CPUS\":\"2\"}", {"CPUS=2"}, 0},
	    {"{\"CPUS\":\"2\"}", {"CPUS=3"}, EXIT_NO},
	    {"{\"CPUS\":\"2\"}", {NULL}, EXIT_NO},
	    {"{\"CPUS\":\"2\"}", {"CPUS=2", "MEM=5"}, EXIT_NO},
	    {"{}", {"MEM=5"}, EXIT_NO},
	    {"{\"ENTRYPOINT\":\"x\",\"MEM\":\"5\"}", {"ENTRYPOINT=x\nMEM=5"}, EXIT_NO},
	    {"{\"ENTRYPOINT\":\"x\",\"MEM\":\"5\"}", {"ENTRYPOINT=x", "MEM=5"}, 0},
	    {"{\"PLATFORM\":\"linux/amd64\"}", {"PLATFORM=linux/arm64"}, EXIT_NO},
	    /* a Smolfile is known by its content, where the record tells it */
	    {"{\"SMOLFILE\":\"/a\"}", {"SMOLFILE=/b", "SMOLFILE_SHA256=cc"}, 0},
	    {"{\"SMOLFILE\":\"/a\"},\"smolfile_sha256\":\"cc\"", {"SMOLFILE=/b", "SMOLFILE_SHA256=cc"}, 0},
	    {"{\"SMOLFILE\":\"/a\"},\"smolfile_sha256\":\"cc\"",
	     {"SMOLFILE=/a", "SMOLFILE_SHA256=dd"},
	     EXIT_NO},
	    {"{\"SMOLFILE\":\"/a\"},\"smolfile_sha256\":\"cc\"", {NULL}, EXIT_NO},
	    {"{}", {"SMOLFILE=/a", "SMOLFILE_SHA256=dd"}, EXIT_NO},
	    {"7", {"CPUS=2"}, EXIT_NO},
	    {"{\"CPUS\":2}", {"CPUS=2"}, EXIT_NO},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *more = format(",\"options\":%s", cases[i].record);
		struct ending e;

		put_machine();
		put_record_of(ID, "sha256:dd", 8, (long long)size, more);
		free(more);
		e = ending_for(cases[i].asked);
		same_number(cases[i].record, e.code, cases[i].code);
		if (cases[i].code == EXIT_NO)
			has_text(cases[i].record, e.said, "move it away");
	}
}

/* Equal size is not enough; what an older version packed has nothing to compare with. */
static void
launcher_content(void **state)
{
	/* printf launcher | sha256sum */
	const char *more =
	    ",\"launcher_sha256\":\"ec9a6e9fe278eb1a471fbab6f40367d8548078b651d9c71581c57c2a6ca379e0\"";

	(void)state;
	put_machine();
	put_record_of(ID, "sha256:dd", 8, (long long)size, more);
	assert_int_equal(look(), WHOLE);
	usleep(20000); /* the kernel's clock for ctime is a coarse one */
	flip_bit(LAUNCHER, 3);
	assert_int_equal(look(), DAMAGED);
	has_text("flipped later", f.why, "launcher has other bytes");
	put_machine();
	put_record_of(ID, "sha256:dd", 8, (long long)size, more);
	put_text(LAUNCHER, "LAUNCHER");
	assert_int_equal(look(), DAMAGED);
	has_text("flipped before", f.why, "launcher has other bytes");
	put_record(ID, "sha256:dd", 8, (long long)size);
	assert_int_equal(look(), WHOLE);
}

static void
hosts(void **state)
{
	static const struct {
		const char *host;
		enum machine_state want;
	} cases[] = {{"linux/s390x", UNFIT}, {"plan9/amd64", UNFIT}, {"", WHOLE}};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *more = format(",\"host_platform\":\"%s\"", cases[i].host);

		put_machine();
		put_sidecar_of(SIDECAR, "127.0.0.1:32770/x:" KEY, more);
		put_record(ID, "sha256:dd", 8, (long long)size);
		same_number(cases[i].host, look(), cases[i].want);
		if (cases[i].want == UNFIT)
			has_text(cases[i].host, f.why, "runs there only");
		assert_int_equal(machine_state(KEY, NULL, &f), WHOLE);
		free(more);
	}
}

/* One layer or several: as SQUASH has it, of an image of LAYERS layers. */
static void
squashed(void **state)
{
	static const struct {
		const char *squash, *one_layer, *layers;
		enum machine_state want;
	} cases[] = {
	    {"", "true", "3", WHOLE},  {"", "false", "3", WHOLE},  {"", NULL, "0", WHOLE},
	    {"1", "true", "3", WHOLE}, {"1", "false", "3", UNFIT}, {"1", NULL, "3", UNFIT},
	    {"1", NULL, "0", UNFIT},   {"1", NULL, "1", WHOLE},    {"1", "false", "1", WHOLE},
	    {"0", "true", "3", UNFIT}, {"0", "false", "3", WHOLE}, {"0", NULL, "3", WHOLE},
	    {"0", "true", "1", WHOLE}, {"0", "true", "0", UNFIT},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *more =
		    cases[i].one_layer ? format(",\"one_layer\":%s", cases[i].one_layer) : xstrdup("");
		struct list l = {0};

		put_machine();
		put_record_of(ID, "sha256:dd", 8, (long long)size, more);
		list_addf(&l, "LAYERS=%s", cases[i].layers);
		assert_int_equal(setenv("SQUASH", cases[i].squash, 1), 0);
		if (machine_state(KEY, &l, &f) != cases[i].want)
			fail_msg("SQUASH=%s of %s layers%s: %d", cases[i].squash, cases[i].layers, more,
				 f.state);
		unsetenv("SQUASH");
		list_free(&l);
		free(more);
	}
}

static void
values(void **state)
{
	struct list l = {0};

	(void)state;
	assert_string_equal(value_of(&l, "A"), "");
	list_add(&l, "AB=1");
	list_add(&l, "A=x=y z");
	list_add(&l, "A=2");
	list_add(&l, "B=");
	list_add(&l, "C");
	assert_string_equal(value_of(&l, "A"), "x=y z");
	assert_string_equal(value_of(&l, "AB"), "1");
	assert_string_equal(value_of(&l, "B"), "");
	assert_string_equal(value_of(&l, "C"), "");
	list_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states),           cmocka_unit_test(key_with_options),
	    cmocka_unit_test(read_once),        cmocka_unit_test(collision),
	    cmocka_unit_test(values),           cmocka_unit_test(other_options),
	    cmocka_unit_test(launcher_content), cmocka_unit_test(hosts),
	    cmocka_unit_test(squashed),
	};

	return RUN_TESTS(tests);
}
