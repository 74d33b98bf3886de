/*
 * flatten.c - what is left of layers when they are one: each rule by an example. The zoo (t0600) has umoci's
 * word for it.
 */
#include "saved.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <zlib.h>

#include "image/compose.h"
#include "image/flatten.h"
#include "image/pour.h"
#include "image/tar.h"

/*
 * A layer is a line of entries: "a/" a folder, "f=text" a file, "s>target" a symbolic link, "h@target" a hard
 * link;
 * ":7" behind any of them is its owner, "!" behind a folder its set-group-ID bit.
 */
static void
put_entry(char *entry)
{
	char *colon = strrchr(entry, ':'), *mark;
	size_t n;

	owner = colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	if (colon != NULL)
		*colon = '\0';
	n = strlen(entry);
	if (n > 1 && strcmp(entry + n - 2, "/!") == 0) {
		entry[--n] = '\0';
		mode = 02755;
	}
	mark = strpbrk(entry, "=>@");
	if (mark == NULL && n > 0 && entry[n - 1] == '/')
		put_member('5', entry, "", NULL, 0);
	else if (mark == NULL)
		put_member('0', entry, "", NULL, 0);
	else {
		char type = (char)(*mark == '=' ? '0' : *mark == '>' ? '2' : '1');

		*mark++ = '\0';
		put_member(type, entry, type == '0' ? "" : mark, mark, type == '0' ? strlen(mark) : 0);
	}
	owner = 0;
	mode = 0644;
}

static struct bytes
make_layer(const char *line)
{
	char *copy = xstrdup(line), *rest = copy, *entry;

	begin_archive("layer.tar");
	while ((entry = strsep(&rest, " ")) != NULL)
		if (*entry != '\0')
			put_entry(entry);
	end_archive();
	free(copy);
	return read_bytes("layer.tar");
}

/* An export of these layers, in SAVED. */
static void
make_image(const char *const *line, size_t count)
{
	struct bytes layer[4] = {{NULL, 0}};
	const char *ids[5] = {NULL};

	for (size_t i = 0; i < count; i++) {
		layer[i] = make_layer(line[i]);
		ids[i] = digest_of(layer[i].at, layer[i].size);
	}
	save_image(layer, ids);
	for (size_t i = 0; i < count; i++)
		free(layer[i].at);
}

/* --- What comes out, in the same language. */

static char listing[16 << 20];

__attribute__((format(printf, 1, 2))) static void
list_more(const char *fmt, ...)
{
	size_t used = strlen(listing);
	va_list args;

	va_start(args, fmt);
	vsnprintf(listing + used, sizeof(listing) - used, fmt, args);
	va_end(args);
}

static void
list_entry(struct tar *t)
{
	const char *name = archive_entry_pathname(t->entry), *link = archive_entry_hardlink(t->entry);
	const void *bytes;
	char why[WHY];
	off_t offset;
	size_t size;

	list_more("%s%s", *listing ? " " : "", name);
	if (link != NULL)
		list_more("@%s", link);
	else if (archive_entry_filetype(t->entry) == AE_IFLNK)
		list_more(">%s", archive_entry_symlink(t->entry));
	else if (archive_entry_filetype(t->entry) == AE_IFREG && archive_entry_size(t->entry) > 0)
		list_more("=");
	while (link == NULL && tar_data(t, &bytes, &size, &offset, why) == ENTRY)
		list_more("%.*s", (int)size, (const char *)bytes);
	if ((archive_entry_mode(t->entry) & 02000) != 0)
		list_more("!");
	if (archive_entry_uid(t->entry) != 0)
		list_more(":%lld", (long long)archive_entry_uid(t->entry));
}

static const char *
list_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char why[WHY];
	struct tar t;

	*listing = '\0';
	tar_init(&t);
	assert_true(tar_seek(&t, fd, 0, lseek(fd, 0, SEEK_END), why));
	while (tar_next(&t, why) == ENTRY)
		list_entry(&t);
	tar_close(&t);
	close(fd);
	return listing;
}

/* The image in SAVED as one layer, in "flat"; its digest, or, with an empty one, why not. */
static const char *
flatten(char digest[DIGEST])
{
	static char why[WHY];
	uint64_t size = 0, measured = 1;
	struct export e;
	struct flat *f;
	int in = open_saved(), out;

	*digest = *why = '\0';
	assert_true(read_export(in, ".", NULL, &e, why));
	close(in);
	f = flat_open(&e, &e.image[0], ".", why);
	if (f != NULL) {
		out = open("flat", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(flat_measure(f, &measured, why));
		assert_true(flat_write(f, out, digest, &size, why));
		assert_int_equal(size, measured);
		assert_int_equal(size, lseek(out, 0, SEEK_END));
		close(out);
		flat_free(f);
	}
	free_export(&e);
	return why;
}

/* --- The same by frames: another order, and the same meaning. */

struct composed {
	int fd; /* the frames, one behind the other */
	uint32_t crc;
};

static bool
put_composed(void *arg, const void *bytes, size_t length, uint32_t crc, char why[WHY])
{
	struct composed *c = arg;

	assert_int_equal(crc, crc32(0, bytes, (uInt)length));
	return write_all(c->fd, bytes, length) || fail_errno(why, "cannot write");
}

/* The layers of the image in SAVED, each in frames of its own file. */
static bool
frame_layers(struct export *e, struct framed *framed, size_t *layers, char why[WHY])
{
	struct image *m = &e->image[0];
	char digest[DIGEST], reason[WHY];
	uint64_t size;

	for (size_t i = 0; i < m->layers; i++, (*layers)++) {
		const struct blob *b = &m->layer[i];
		int fd = unlinked_file(".");

		if (!verify_layer(e, m, i, why))
			return false;
		if (!frames_make(e->spool, b->offset, b->offset + (off_t)b->size, fd, ".", digest, &size,
				 reason)) {
			close(fd);
			return (fail)(why, "layer %zu of %.19s...: %.140s", i + 1, m->id, reason);
		}
		assert_int_equal(lseek(fd, 0, SEEK_END), size);
		assert_true(frames_whole(fd, digest));
		assert_true(frames_open(&framed[i], fd, ".", why));
	}
	return true;
}

/* The image in SAVED as one layer, in "composed"; its digest, or, with an empty one, why not. */
static const char *
compose(char digest[DIGEST])
{
	static char why[WHY];
	struct framed framed[4];
	struct compose *c = NULL;
	struct composed out;
	struct export e;
	size_t layers = 0;
	char is[DIGEST];
	int in = open_saved(), fd;

	*digest = *why = '\0';
	assert_true(read_export(in, ".", NULL, &e, why));
	close(in);
	if (frame_layers(&e, framed, &layers, why))
		c = compose_open(framed, layers, e.image[0].id, ".", why);
	if (c != NULL) {
		out.fd = open("packed", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(compose_write(c, put_composed, &out, why));
		assert_true(compose_digest(c, &(struct beginnings){NULL, NULL, NULL}, digest, why));
		fd = open("composed", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(pour_decoded("packed", into_file, &fd, why));
		assert_true(digest_file(fd, compose_size(c), is));
		assert_int_equal(lseek(fd, 0, SEEK_END), compose_size(c));
		same_text("digest", digest, is);
		close(fd);
		close(out.fd);
		compose_free(c);
	}
	for (size_t i = 0; i < layers; i++)
		frames_close(&framed[i]);
	free_export(&e);
	return why;
}

/* What an extractor makes of a listing. */
struct made {
	char *name,
	    *text; /* without a slash behind it; what it is: "/", "=content", ">target", and mode and owner */
	size_t file; /* hard links have that of the name that they lead to */
	bool folder;
	bool closed, stale; /* something that is not in it stands behind it; something came into it then */
};

static struct made made[256];
static size_t names;

static struct made *
find_made(const char *name, size_t length)
{
	for (size_t i = 0; i < names; i++)
		if (strlen(made[i].name) == length && strncmp(made[i].name, name, length) == 0)
			return &made[i];
	return NULL;
}

static bool
is_in(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	return strcmp(folder, ".") == 0 ||
	       (strncmp(name, folder, n) == 0 && (name[n] == '/' || name[n] == '\0'));
}

/* Parents stand before what is in them, and only folders may stand there twice. */
static void
make_name(const char *list, char *word)
{
	size_t length = strcspn(word, "=>@!:");
	char *rest = xstrdup(word + length), *slash;
	bool folder = length > 0 && word[length - 1] == '/';
	struct made *m, *target = NULL, *up = NULL;

	word[length - folder] = '\0';
	if (*rest == '@') {
		target = find_made(rest + 1, strcspn(rest + 1, "!:"));
		assert_non_null(target);
	}
	slash = strrchr(word, '/');
	if (slash != NULL) {
		up = find_made(word, (size_t)(slash - word));
		if (up == NULL || !up->folder)
			fail_msg("'%s' stands before its folder in '%s'", word, list);
	} else
		up = find_made(".", 1);
	m = find_made(word, strlen(word));
	assert_true(m == NULL || (m->folder && folder));
	for (size_t i = 0; i < names; i++)
		if (!is_in(word, made[i].name))
			made[i].closed = true;
	if (up != NULL && up->closed && m == NULL)
		up->stale = true;
	if (m == NULL) {
		m = &made[names];
		*m = (struct made){.name = xstrdup(word), .file = target != NULL ? target->file : names};
		names++;
	}
	free(m->text);
	m->text = target != NULL ? xstrdup(target->text) : format("%s%s", folder ? "/" : "", rest);
	m->folder = folder;
	m->closed = m->stale = false;
	free(rest);
}

static int
by_name(const void *a, const void *b)
{
	const struct made *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Each name with what it is; of the names of one file all have the first one's behind them, but each name of a symlink its own, as in an
 * artifact. The caller frees it. */
static char *
meaning(const char *list)
{
	char *copy = xstrdup(list), *rest = NULL, *all = xstrdup("");

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		make_name(list, word);
	qsort(made, names, sizeof(*made), by_name);
	for (size_t i = 0; i < names; i++) {
		size_t first = 0;
		char *longer;

		while (made[first].file != made[i].file)
			first++;
		if (*made[i].text == '>')
			first = i;
		longer = format("%s %s%s@%s", all, made[i].name, made[i].text, made[first].name);
		free(all);
		all = longer;
		if (made[i].stale)
			fail_msg("'%s' gets something behind its last entry in '%s'", made[i].name, list);
	}
	for (size_t i = 0; i < names; i++) {
		free(made[i].name);
		free(made[i].text);
	}
	names = 0;
	free(copy);
	return all;
}

static void
means(const char *what, const char *is, const char *want)
{
	char *a = meaning(is), *b = meaning(want);

	same_text(what, a, b);
	free(a);
	free(b);
}

static void
flattens(const char *what, const char *const *layer, size_t layers, const char *want)
{
	char digest[DIGEST];
	const char *why;

	make_image(layer, layers);
	why = flatten(digest);
	same_text(what, *digest ? list_file("flat") : why, want);
	why = compose(digest);
	means(what, *digest ? list_file("composed") : why, want);
}

/* --- The rules. */

static void
rules(void **state)
{
	static const struct {
		const char *what, *layer[3], *want;
	} cases[] = {
	    {"nothing", {""}, ""},
	    {"the uppermost wins", {"a=1", "a=2", "a=3"}, "a=3"},
	    {"what is not touched stays", {"a=1 b=1", "b=2"}, "a=1 b=2"},
	    {"names have several spellings", {"./a/ /a/b=1 a//c=1 ./", "a/./b=2"}, "./ a/ a/b=2 a/c=1"},

	    {"folders are merged", {"d/ d/a=1", "d/ d/b=2"}, "d/ d/a=1 d/b=2"},
	    {"a folder is what its last entry says", {"d/:1 d/a=1", "d/:2", "d/a=2"}, "d/:2 d/a=2"},
	    {"a folder nobody describes", {"d/e/a=1"}, "d/ d/e/ d/e/a=1"},
	    {"a folder described later", {"d/a=1", "d/:2"}, "d/:2 d/a=1"},
	    {"a folder nobody describes, in a set-group-ID folder",
	     {"d/! d/e/f/a=1"},
	     "d/! d/e/! d/e/f/! d/e/f/a=1"},
	    {"the same below a link", {"d/! l>d l/e/a=1"}, "d/! d/e/! d/e/a=1 l>d"},
	    {"that is described later", {"d/! d/e/a=1 d/e/"}, "d/! d/e/ d/e/a=1"},
	    {"in one that had the bit too late", {"d/e/a=1 d/!"}, "d/! d/e/ d/e/a=1"},
	    {"in one that has it no more", {"d/! d/e/a=1 d/ d/f/a=1"}, "d/ d/e/! d/e/a=1 d/f/ d/f/a=1"},
	    {"in one of a lower layer", {"d/!", "d/e/a=1"}, "d/! d/e/ d/e/a=1"},
	    {"in a root with the bit, which is the engine's", {"./! d/a=1"}, "./! d/ d/a=1"},
	    {"the root is a folder as any other", {"./:1 a=1", "./:2"}, "./:2 a=1"},

	    {"a whiteout", {"a=1 b=1", ".wh.a"}, "b=1"},
	    {"a whiteout of a folder", {"d/ d/e/ d/e/a=1 b=1", ".wh.d"}, "b=1"},
	    {"a whiteout in a folder", {"d/ d/a=1 d/b=1", "d/ d/.wh.a"}, "d/ d/b=1"},
	    {"a whiteout in a folder without entry", {"d/:1 d/a=1 d/b=1", "d/.wh.a"}, "d/:1 d/b=1"},
	    {"a whiteout of what is not there", {"a=1", ".wh.b d/.wh.c"}, "a=1"},
	    {"what is whited out can come again", {"d/ d/a=1", ".wh.d", "d/ d/b=3"}, "d/ d/b=3"},
	    {"a whiteout hides what is below, not beside", {"a=1", "b=2", ".wh.b"}, "a=1"},
	    {"a whiteout before its own layer's entry", {"a=1", ".wh.a a=2"}, "a=2"},
	    {"a whiteout after its own layer's entry", {"a=1", "a=2 .wh.a"}, "a=2"},
	    {"the same with a folder, before", {"d/:1 d/a=1", ".wh.d d/:2 d/b=2"}, "d/:2 d/b=2"},
	    {"the same with a folder, after", {"d/:1 d/a=1", "d/:2 d/b=2 .wh.d"}, "d/:2 d/b=2"},
	    {"the same with one nobody describes, before", {"d/:1 d/a=1", ".wh.d d/b=2"}, "d/ d/b=2"},
	    {"the same with one nobody describes, after", {"d/:1 d/a=1", "d/b=2 .wh.d"}, "d/ d/b=2"},
	    {"a name is no whiteout for having dots", {"a=1 .wh=1", "..wh.a=2"}, "a=1 .wh=1 ..wh.a=2"},
	    {"aufs's own notes", {"a=1", ".wh..wh.plnk/ .wh..wh.orph/ .wh..wh.aufs"}, "a=1"},

	    {"opaque", {"d/ d/a=1 d/e/ d/e/b=1 c=1", "d/ d/.wh..wh..opq"}, "d/ c=1"},
	    {"opaque before", {"d/ d/a=1", "d/ d/.wh..wh..opq d/b=2"}, "d/ d/b=2"},
	    {"opaque after", {"d/ d/a=1", "d/ d/b=2 d/.wh..wh..opq"}, "d/ d/b=2"},
	    {"opaque hides nothing of upper layers",
	     {"d/ d/a=1", "d/ d/.wh..wh..opq d/b=2", "d/ d/a=3"},
	     "d/ d/b=2 d/a=3"},
	    {"opaque goes all the way down",
	     {"d/ d/e/ d/e/f/ d/e/f/a=1", "d/e/f/b=2 d/.wh..wh..opq"},
	     "d/ d/e/ d/e/f/ d/e/f/b=2"},
	    {"opaque twice", {"d/ d/a=1", "d/.wh..wh..opq d/a=2 d/.wh..wh..opq"}, "d/ d/a=2"},
	    {"an opaque root", {"a=1 d/ d/b=1", ".wh..wh..opq c=2"}, "c=2"},
	    {"opaque what is not there", {"a=1", "d/.wh..wh..opq a/.wh..wh..opq"}, "a=1"},

	    {"a file becomes a folder", {"a=1", "a/ a/b=2"}, "a/ a/b=2"},
	    {"a file becomes one without an entry", {"a=1", "a/b=2"}, "a/ a/b=2"},
	    {"a folder becomes a file", {"a/ a/b/ a/b/c=1", "a=2"}, "a=2"},
	    {"a folder becomes a link", {"a/ a/b=1 c/", "a>c"}, "a>c c/"},
	    {"and a folder again", {"a/ a/b=1", "a>c", "a/"}, "a/"},
	    {"a link becomes a folder", {"a>c c/", "a/ a/b=2"}, "a/ a/b=2 c/"},
	    {"nothing is written through a link", {"a>c c/ c/b=1", "a/b=2"}, "a/ a/b=2 c/ c/b=1"},

	    {"a link of its own layer is followed",
	     {"usr/ usr/bin/ bin>usr/bin bin/busybox=1 usr/bin/sh>busybox"},
	     "usr/ usr/bin/ usr/bin/busybox=1 usr/bin/sh>busybox bin>usr/bin"},
	    {"whatever is below it",
	     {"d/ l>d l/f/ l/f/a=1 l/s>x l/h@l/f/a l/i/j/b=2"},
	     "d/ d/f/ d/f/a=1 d/s>x d/h@d/f/a d/i/ d/i/j/ d/i/j/b=2 l>d"},
	    {"one to above, one from the root, one by way of others",
	     {"d/ d/e/ d/e/up>../.. abs>/d/./e//abs a>b b>/c c>d/../d/e",
	      "d/ d/e/ d/e/abs/ x>/d/e/abs x/a=1 y>x y/b=2", "d/ d/e/ up>d/e/../../../d up/e/c=3"},
	     "d/ d/e/ d/e/up>../.. d/e/abs/ d/e/abs/a=1 d/e/abs/b=2 d/e/c=3 abs>/d/./e//abs a>b b>/c c>d/../d/e x>/d/e/abs y>x up>d/e/../../../d"},
	    {"one to the root", {"r>/ r/a=1 s>.. s/r/b=2"}, "r>/ a=1 s>.. b=2"},
	    {"one that is below one", {"d/ d/e/ l>d l/m>e l/m/a=1"}, "d/ d/e/ d/e/a=1 d/m>e l>d"},
	    {"the last name is not followed", {"d/ l>d l=1"}, "d/ l=1"},
	    {"a folder there takes its place", {"d/ l>d l/:1 l/a=1"}, "d/ l/:1 l/a=1"},
	    {"only from then on", {"d/ l/a=1 l>d l/b=2"}, "d/ d/b=2 l>d"},
	    {"it may become a folder again", {"d/ l>d l/a=1 l/ l/b=2"}, "d/ d/a=1 l/ l/b=2"},
	    {"or lead elsewhere", {"d/ e/ l>d l/a=1 l>e l/b=2"}, "d/ d/a=1 e/ e/b=2 l>e"},
	    {"a hard link to it leads there as well", {"d/ l>d m@l m/a=1"}, "d/ d/a=1 l>d m@l"},
	    {"a hard link's target below one",
	     {"d/ d/a=1 l>d b@l/a c@/l/../l/a"},
	     "d/ d/a=1 l>d b@d/a c@d/a"},
	    {"whose parent folder is by name",
	     {"d/ d/e/ a=1 d/a=2 l>d/e b@l/../a"},
	     "d/ d/e/ d/a=2 a=1 l>d/e b@a"},
	    {"a whiteout below one", {"d/ d/a=1 d/b=1", "d/ l>d l/.wh.a"}, "d/ d/b=1 l>d"},
	    {"an opaque folder below one", {"d/ d/a=1 d/b=1", "d/ l>d l/.wh..wh..opq l/c=2"}, "d/ d/c=2 l>d"},
	    {"one to a lower layer's folder", {"d/ d/a=1", "l>d l/b=2 l/.wh.a"}, "d/ d/b=2 l>d"},
	    {"a lower layer's link is not followed", {"d/ l>d", "l/a=2"}, "d/ l/ l/a=2"},
	    {"nor by a whiteout", {"d/ d/a=1 l>d", "l/.wh.a"}, "d/ d/a=1 l>d"},

	    {"the last of one name in one layer", {"a=1 a=2 a>b a=3"}, "a=3"},
	    {"folder, file, folder in one layer", {"a/ a/b=1 a=2 a/"}, "a/"},

	    {"a hard link", {"a=1 b@a"}, "a=1 b@a"},
	    {"hard links go out after what they link to", {"d/ z=1 d/a@z"}, "d/ d/a=1 z@d/a"},
	    {"a hard link to a hard link", {"a=1 b@a c@b"}, "a=1 b@a c@a"},
	    {"a hard link to a symbolic link", {"a>x b@a"}, "a>x b@a"},
	    {"a hard link to a lower layer", {"a=1:5", "b@a:6"}, "a=1:5 b@a:5"},
	    {"whose name was removed", {"a=1:5", "b@a", ".wh.a"}, "b=1:5"},
	    {"whose name was removed in this layer", {"a=1", "b@a .wh.a"}, "b=1"},
	    {"whose name got another content", {"a=1", "b@a", "a=3"}, "a=3 b=1"},
	    {"whose name got it in this layer", {"a=1", "b@a a=2"}, "a=2 b=1"},
	    {"whose name has it already", {"a=1", "a=2 b@a"}, "a=2 b@a"},
	    {"whose folder is gone", {"d/ d/a=1", "b@d/a", "d>x"}, "d>x b=1"},
	    {"two of them", {"a=1", "b@a c@a", ".wh.a"}, "b=1 c@b"},
	    {"a hard link is overwritten", {"a=1 b@a", "b=2"}, "a=1 b=2"},
	    {"a hard link to itself", {"a=1", "a@a"}, "a=1"},
	    {"a hard link in the place of a folder above its target", {"d/ d/a=1", "d@d/a"}, "d=1"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		size_t layers = 1;

		while (layers < 3 && cases[i].layer[layers] != NULL)
			layers++;
		flattens(cases[i].what, cases[i].layer, layers, cases[i].want);
	}
}

static uint32_t seed = 1;

/* The same numbers in each run: 0 to most - 1. */
static unsigned
pick(unsigned most)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % most;
}

/* Words of this language, in which everything may happen. */
static char *
random_layer(bool lower)
{
	static const char *const name[] = {"a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "e", "e/a", "l/a"};
	char *line = xstrdup("");

	for (int i = (int)pick(8); i >= 0; i--) {
		const char *n = name[pick(LENGTH(name))], *base = strrchr(n, '/'),
			   *to = name[pick(LENGTH(name))];
		int folder = base != NULL ? (int)(base - n) + 1 : 0;
		char *word, *longer;

		switch (pick(lower ? 8 : 10)) {
		case 0:
		case 1:
		case 2:
			word = format("%s/:%u", n, pick(3));
			break;
		case 3:
		case 4:
			word = format("%s=%u", n, pick(100));
			break;
		case 5:
			word = format("%s@%s", n, to);
			break;
		case 6:
			word = format("%s>%s", n, to);
			break;
		case 7:
			word = format("%s:%u", n, pick(3));
			break;
		case 8:
			word = format("%.*s.wh.%s", folder, n, n + folder);
			break;
		default:
			word = format("%.*s.wh..wh..opq", folder, n);
		}
		longer = format("%s %s", line, word);
		free(word);
		free(line);
		line = longer;
	}
	return line;
}

/* Whatever layers there are: both mean the same, or refuse them for the same reason. */
static void
any_layers(void **state)
{
	size_t whole = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		size_t layers = 1 + pick(3);
		char *line[3] = {NULL}, digest[DIGEST], *want, *what;
		const char *why;

		for (size_t k = 0; k < layers; k++)
			line[k] = random_layer(k == 0);
		what = format("%s |%s |%s", line[0], layers > 1 ? line[1] : "", layers > 2 ? line[2] : "");
		make_image((const char *const *)line, layers);
		why = flatten(digest);
		want = xstrdup(*digest ? list_file("flat") : why);
		whole += *digest != '\0';
		why = compose(digest);
		if (*digest)
			means(what, list_file("composed"), want);
		else
			same_text(what, why, want);
		free(want);
		free(what);
		for (size_t k = 0; k < layers; k++)
			free(line[k]);
	}
	assert_true(whole > 100);
}

/* Members of several frames, cut in all places. */
static void
large_members(void **state)
{
	static const struct {
		const char *lower, *upper[2];
	} cases[] = {
	    {"d/ d/a=%s b=1 c=%s", {"d/b=2"}},
	    {"d/ d/a=%s b=1 c=%s", {".wh.b"}},
	    {"d/ d/a=%s b=1 c=%s", {"d/.wh.a"}},
	    {"d/ d/a=%s b=1 c=%s", {".wh.c"}},
	    {"d/ d/a=%s b=1 c=%s", {"d/.wh..wh..opq c=1"}},
	    {"d/ d/a=%s b@d/a c=%s", {"d/.wh.a"}},
	    {"d/ d/a=%s b=1 c=%s", {"e@c", ".wh.c"}},
	    {"d/ l>d l/a=%s b=1 l/c=%s", {"d/b=2"}},
	};
	size_t size = (5 << 19) + 77;
	char *text = xmalloc(size + 1);

	(void)state;
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + pick(26));
	text[size] = '\0';
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *half = strchr(cases[i].lower, '%'), *rest = strchr(half + 1, '%');
		char *line = format("%.*s%s%.*s%s", (int)(half - cases[i].lower), cases[i].lower, text,
				    (int)(rest - half - 2), half + 2, text + size / 2 - 3),
		     digest[DIGEST], *want;
		const char *const layer[] = {line, cases[i].upper[0], cases[i].upper[1]};

		make_image(layer, cases[i].upper[1] != NULL ? 3 : 2);
		same_text(cases[i].upper[0], flatten(digest), "");
		want = xstrdup(list_file("flat"));
		same_text(cases[i].upper[0], compose(digest), "");
		means(cases[i].upper[0], list_file("composed"), want);
		free(want);
		free(line);
	}
	free(text);
}

/* A kept layer in which any byte is another, or that is cut short, is told from a whole one; reading it does no harm. */
static void
kept_frames(void **state)
{
	struct bytes layer = make_layer("d/ d/a=12345 b=1 l>b m@b");
	int plain = open("layer.tar", O_RDONLY | O_CLOEXEC), fd = unlinked_file("."), copy;
	char digest[DIGEST], why[WHY], *bytes;
	struct framed f;
	uint64_t size;

	(void)state;
	assert_true(frames_make(plain, 0, (off_t)layer.size, fd, ".", digest, &size, why));
	assert_true(size > 0 && frames_whole(fd, digest));
	bytes = xmalloc(size);
	assert_true(read_at(fd, bytes, size, 0));
	for (size_t i = 0; i < 2 * size; i++) {
		size_t length = i < size ? size : i - size;

		copy = unlinked_file(".");
		bytes[i % size] ^= i < size ? 1 : 0;
		assert_true(write_all(copy, bytes, length));
		bytes[i % size] ^= i < size ? 1 : 0;
		assert_false(frames_whole(copy, digest));
		if (frames_open(&f, copy, ".", why))
			frames_close(&f);
	}
	close(fd);
	close(plain);
	free(bytes);
	free(layer.at);
}

/* One beginning that is remembered. */
static size_t kept_layers, found_layers;
static unsigned char kept_state[HASH_STATE];

static bool
find_kept(void *arg, size_t layers, unsigned char state[HASH_STATE])
{
	(void)arg;
	if (layers != kept_layers)
		return false;
	found_layers = layers;
	memcpy(state, kept_state, HASH_STATE);
	return true;
}

static void
keep_it(void *arg, size_t layers, const unsigned char state[HASH_STATE])
{
	(void)arg;
	kept_layers = layers;
	memcpy(kept_state, state, HASH_STATE);
}

/* Two layers, put together. */
struct together {
	struct framed framed[4];
	size_t layers;
	struct export e;
	struct compose *c;
};

static void
put_together(struct together *t, const char *lower, const char *upper)
{
	const char *const layer[] = {lower, upper};
	char why[WHY] = "";
	int in;

	t->layers = 0;
	make_image(layer, 2);
	in = open_saved();
	assert_true(read_export(in, ".", NULL, &t->e, why));
	close(in);
	assert_true(frame_layers(&t->e, t->framed, &t->layers, why));
	t->c = compose_open(t->framed, t->layers, t->e.image[0].id, ".", why);
	assert_non_null(t->c);
}

static void
take_apart(struct together *t)
{
	compose_free(t->c);
	for (size_t i = 0; i < t->layers; i++)
		frames_close(&t->framed[i]);
	free_export(&t->e);
}

/* One of which the beginning is worth keeping. The caller frees it. */
static char *
large_layer(void)
{
	const size_t size = BEGINNING_ENOUGH + (1 << 20);
	char *layer = xmalloc(size + 1);

	memset(layer, 'x', size);
	memcpy(layer, "d/ d/x=1 a=", 11);
	layer[size] = '\0';
	return layer;
}

/* What is known of the lower layers counts where nothing of them is cut, and nowhere else. */
static void
beginnings(void **state)
{
	static const struct {
		const char *upper;
		size_t kept, found;
	} cases[] = {
	    {"b=1", 1, 0}, {"b=2", 1, 1},     {"b=3 d/ d/c=1", 1, 1},
	    {"a=1", 0, 0}, {"d/.wh.x", 0, 0}, {"e/f=1", 0, 0},
	};
	const struct beginnings known = {find_kept, keep_it, NULL};
	char *lower = large_layer(), digest[DIGEST], plain[DIGEST], why[WHY];

	(void)state;
	kept_layers = 0;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct together t;

		put_together(&t, lower, cases[i].upper);
		assert_true(compose_digest(t.c, &(struct beginnings){NULL, NULL, NULL}, plain, why));
		found_layers = 0;
		assert_true(compose_digest(t.c, &known, digest, why));
		same_text(cases[i].upper, digest, plain);
		assert_int_equal(found_layers, cases[i].found);
		if (cases[i].kept > 0)
			assert_int_equal(kept_layers, cases[i].kept);
		take_apart(&t);
	}
	free(lower);
}

/* Another image's packer, which holds the lowest layer at first. */
struct first {
	pid_t pid;
	int said;     /* a byte when it has hold of the layer, another one before it lets go */
	bool kept;    /* its beginning is known then; else never */
	size_t early; /* questions that are asked before anybody waits */
};

static bool
find_late(void *arg, size_t layers, unsigned char state[HASH_STATE])
{
	struct first *f = arg;
	struct pollfd done = {.fd = f->said, .events = POLLIN};

	if (f->early > 0) {
		f->early--;
		return false;
	}
	assert_int_equal(poll(&done, 1, 0), 1);
	return f->kept && find_kept(NULL, layers, state);
}

static void
hold(struct first *f, int fd)
{
	char path[64], said;
	int ready[2];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(pipe(ready), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		int own = open(path, O_RDONLY);

		if (own < 0 || flock(own, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		poll(NULL, 0, 200);
		_exit(write(ready[1], "x", 1) == 1 ? 0 : 1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &said, 1), 1);
	f->said = ready[0];
}

/* Who shares a layer waits while another hashes it, and hashes it itself where nothing came of that. */
static void
one_hashes(void **state)
{
	struct beginnings known = {find_late, keep_it, NULL}, kept = {find_kept, keep_it, NULL};
	char *lower = large_layer(), digest[DIGEST], plain[DIGEST], why[WHY];
	struct together t;

	(void)state;
	put_together(&t, lower, "b=1");
	kept_layers = 0;
	assert_true(compose_digest(t.c, &kept, plain, why));
	assert_int_equal(kept_layers, 1);
	for (int i = 0; i < 2; i++) {
		struct first first = {.kept = i == 0, .early = compose_uncut(t.c)};

		hold(&first, t.framed[0].fd);
		known.arg = &first;
		found_layers = 0;
		assert_true(compose_digest(t.c, &known, digest, why));
		same_text("the digest", digest, plain);
		assert_int_equal(waitpid(first.pid, NULL, 0), first.pid);
		close(first.said);
		assert_int_equal(found_layers, i == 0 ? 1 : 0);
	}
	take_apart(&t);
	free(lower);
}

/* Nobody reads the machine again: what a disk has made of a kept frame is seen while that is copied. */
static void
damaged_frame(void **state)
{
	struct composed out;
	char why[WHY] = "", byte;
	struct together t;

	(void)state;
	put_together(&t, "a=1", "b=1");
	out.fd = open("packed", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(compose_write(t.c, put_composed, &out, why));
	assert_int_equal(pread(t.framed[1].fd, &byte, 1, 8), 1);
	byte ^= 1;
	assert_int_equal(pwrite(t.framed[1].fd, &byte, 1, 8), 1);
	assert_false(compose_write(t.c, put_composed, &out, why));
	same_text("the reason", why, FRAMES_DAMAGED);
	close(out.fd);
	take_apart(&t);
}

static void
refused(void **state)
{
	static const struct {
		const char *layer[2], *want;
	} cases[] = {
	    {{"a@b"}, "'a' is a hard link to 'b', which is no file"},
	    {{"b/ a@b"}, "'a' is a hard link to 'b', which is no file"},
	    {{"b=1", ".wh.b a@b"}, "layer 2 of"},
	    {{"a@../b"}, "'a' is a hard link to '../b', which is no file"},
	    {{"../a=1"}, "the unusable name '../a'"},
	    {{"a/../../b=1"}, "the unusable name 'a/../../b'"},
	    {{".wh."}, "'.wh.' removes nothing that can be"},
	    {{".wh.."}, "'.wh..' removes nothing that can be"},
	    {{"d/.wh..."}, "'d/.wh...' removes nothing that can be"},
	    {{"l>m m>l l/a=1"}, "too many levels of links at '"},
	    {{"l>l/x l/a=1"}, "too many levels of links at 'l'"},
	    {{"l>nowhere l/a=1"}, "'l/a' is below a link that leads nowhere"},
	    {{"l>nowhere l/a/b=1"}, "'l/a/b' is below a link that leads nowhere"},
	    {{"d/ l>d/e l/.wh.a"}, "'l/.wh.a' is below a link that leads nowhere"},
	    {{"a=1 l>nowhere b@l/a"}, "'b' is a hard link to 'l/a', which is no file"},
	    {{"f=1 l>f l/a=1"}, "'l/a' is below 'f', which is no folder"},
	    {{"f=1 f/a=1"}, "'f/a' is below 'f', which is no folder"},
	    {{"f=1 l>f l/.wh..wh..opq"}, "'l/.wh..wh..opq' is below 'f', which is no folder"},
	    {{"d/ l>d", "m>l m/a=1"}, "'m/a' is below 'l', which is no folder"},
	    {{".=1"}, "its root is no folder"},
	    {{".>x"}, "its root is no folder"},
	};
	char digest[DIGEST];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		make_image(cases[i].layer, cases[i].layer[1] != NULL ? 2 : 1);
		has_text(cases[i].layer[0], flatten(digest), cases[i].want);
		same_text(cases[i].layer[0], digest, "");
		has_text(cases[i].layer[0], compose(digest), cases[i].want);
		same_text(cases[i].layer[0], digest, "");
	}
}

/* A layer that has the right digest and is no archive, or half of one. */
static void
broken_layers(void **state)
{
	static const char *const line[] = {"a=1 b=2"};
	struct bytes whole = make_layer(line[0]), b;
	const char *ids[2] = {NULL};
	char digest[DIGEST];

	(void)state;
	for (size_t size = 1; size < whole.size - 1024; size += 37) {
		b = (struct bytes){whole.at, size};
		ids[0] = digest_of(b.at, b.size);
		save_image(&b, ids);
		if (size % 1024 != 0) {
			has_text("cut", flatten(digest), "layer 1 of");
			has_text("cut", compose(digest), "layer 1 of");
		}
	}
	ids[0] = digest_of("another", 7);
	save_image(&whole, ids);
	has_text("other digest", flatten(digest), "layer 1 of");
	same_text("other digest", digest, "");
	free(whole.at);
}

/*
 * A layer with one entry, as these PAX records say (NULL behind the last), and 512 bytes of map or content.
 */
static void
save_extended(const char *const *record, const char *content)
{
	char pax[8192], block[512] = "";
	const char *ids[2] = {NULL};
	size_t used = 0;
	struct bytes b;

	begin_archive("layer.tar");
	for (size_t i = 0; record[i] != NULL; i++) {
		size_t rest = strlen(record[i]) + 2, length = rest + (rest > 997  ? 4
								      : rest > 98 ? 3
								      : rest > 8  ? 2
										  : 1);

		used += (size_t)snprintf(pax + used, sizeof(pax) - used, "%zu %s\n", length, record[i]);
	}
	put_member('x', "pax", "", pax, used);
	snprintf(block, sizeof(block), "%s", content);
	put_member('0', "a", "", block, sizeof(block));
	end_archive();
	b = read_bytes("layer.tar");
	ids[0] = digest_of(b.at, b.size);
	save_image(&b, ids);
	free(b.at);
}

/* What a map of holes says is an error or makes a file, but never harm. */
static void
maps_of_holes(void **state)
{
	static const struct {
		const char *size, *map, *want;
	} cases[] = {
	    {"GNU.sparse.realsize=9000000000000000", "1\n9000000000000000\n0\n",
	     "claims to have 9000000000000000 bytes"},
	    {"GNU.sparse.realsize=1099511627777", "1\n1099511627777\n0\n",
	     "claims to have 1099511627777 bytes"},
	    {"GNU.sparse.realsize=-9223372036854775808", "1\n0\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=-1", "0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=1x", "0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n0\n512\n", "a damaged map of holes"}, /* as archive/tar has it */
	    {"GNU.sparse.realsize=10", "1\n2\n9\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n5\n9223372036854775807\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "2\n5\n0\n1\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n11\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n-1\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n1\n-1\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "1\n1\n1\n", "a damaged map of holes"}, /* which is not there */
	    {"GNU.sparse.realsize=10", "-1\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "99999999999999\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "2\n1\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "2 \n1\n0\n5\n0\n", "a damaged map of holes"},
	    {"GNU.sparse.realsize=10", "2\n1\n0\n5\n0\n", ""},
	    {"GNU.sparse.realsize=10", "1\n10\n0\n", ""},
	    {"GNU.sparse.realsize=0", "0\n", ""},
	};
	char digest[DIGEST];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *record[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=a",
					cases[i].size, NULL};
		const char *why;

		save_extended(record, cases[i].map);
		why = flatten(digest);
		if (*cases[i].want != '\0')
			has_text(cases[i].map, why, cases[i].want);
		else
			same_number(cases[i].map, *digest != '\0', true);
	}
}

static void
holes_together(void **state)
{
	const char *record[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=a",
				"GNU.sparse.realsize=700000000000", NULL};
	const char *ids[3] = {NULL};
	struct bytes layer[2];
	char digest[DIGEST];

	(void)state;
	save_extended(record, "1\n700000000000\n0\n");
	layer[0] = layer[1] = read_bytes("layer.tar");
	ids[0] = ids[1] = digest_of(layer[0].at, layer[0].size);
	save_image(layer, ids);
	has_text("two", flatten(digest), "1 TiB together");
	free(layer[0].at);
}

static void
owners(void **state)
{
	static const char *const largest[] = {"uid=4294967294", "gid=4294967294", NULL},
				 *const uid[] = {"uid=-5", NULL}, *const gid[] = {"gid=-1", NULL};
	char digest[DIGEST];

	(void)state;
	save_extended(largest, "");
	flatten(digest);
	assert_string_equal(list_file("flat"), "a=:4294967294");
	save_extended(uid, "");
	has_text("uid", flatten(digest), "'a' claims to be of -5:0");
	save_extended(gid, "");
	has_text("gid", flatten(digest), "'a' claims to be of 0:-1");
}

static void
long_names(void **state)
{
	char record[5100] = "path=", digest[DIGEST];
	const char *records[] = {record, NULL};

	(void)state;
	memset(record + 5, 'x', 4095);
	save_extended(records, "");
	has_text("4095 bytes of name", flatten(digest), "the unusable name 'xxx");
	record[5 + 4094] = '\0';
	save_extended(records, "");
	flatten(digest);
	assert_string_not_equal(digest, "");
	memset(record + 5, '/', 2000);
	save_extended(records, "");
	flatten(digest);
	assert_string_not_equal(digest, "");
}

/* More names than the table of them begins with, made and removed and made again. */
static void
many_names(void **state)
{
	char *line = xmalloc(1 << 17), digest[DIGEST];
	size_t used = 0, count = 0;
	const char *layer[3];

	(void)state;
	for (int i = 0; i < 3000; i++)
		used += (size_t)snprintf(line + used, (1 << 17) - used, "d%d/f%d=1 ", i % 7, i);
	layer[0] = layer[2] = line;
	layer[1] = ".wh.d0 .wh.d1 .wh.d2 .wh.d3 .wh.d4 .wh.d5 .wh.d6";
	flattens("all removed", layer, 2, "");
	make_image(layer, 3);
	flatten(digest);
	list_file("flat");
	for (const char *p = listing; (p = strchr(p, '=')) != NULL; p++)
		count++;
	assert_int_equal(count, 3000);
	free(line);
}

/* An image of nothing but a config is an empty layer, which a registry can have. */
static void
no_layers(void **state)
{
	(void)state;
	flattens("no layers", NULL, 0, "");
}

/* Byte by byte the same, every time; and the digest is that of the file. */
static void
repeatable(void **state)
{
	static const char *const layers[] = {"d/ d/a=1 b@d/a", "c=2 .wh.b"};
	char first[DIGEST], second[DIGEST];
	struct bytes b;

	(void)state;
	make_image(layers, 2);
	flatten(first);
	flatten(second);
	b = read_bytes("flat");
	assert_string_equal(first, second);
	assert_string_equal(first, digest_of(b.at, b.size));
	free(b.at);
}

/* A disk that is full, or a reader that is gone, is an error and not a short layer. */
static void
nowhere_to_write(void **state)
{
	static const char *const layers[] = {"a=1"};
	char why[WHY], digest[DIGEST];
	struct export e;
	struct flat *f;
	uint64_t size;
	int in, full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	make_image(layers, 1);
	in = open_saved();
	assert_true(read_export(in, ".", NULL, &e, why));
	f = flat_open(&e, &e.image[0], ".", why);
	assert_non_null(f);
	if (full >= 0) {
		assert_false(flat_write(f, full, digest, &size, why));
		has_text("full", why, "No space left");
		close(full);
	}
	flat_free(f);
	free_export(&e);
	close(in);
}

static void
configs(void **state)
{
	static const char *const id = "sha256:00";
	static const struct {
		const char *config, *want;
	} cases[] = {
	    {"{\"b\":1,\"a\":{\"x\":[1,2.5,\"\\u00e9\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"history\":[{},{}],\"created\":\"then\",\"z\":null}",
	     "{\"b\":1,\"a\":{\"x\":[1,2.5,\"\xc3\xa9\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:00\"]},\"history\":[{\"created_by\":\"smolmake flatten-image\",\"created\":\"then\"}],\"created\":\"then\",\"z\":null}"},
	    {"{}",
	     "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:00\"]},\"history\":[{\"created_by\":\"smolmake flatten-image\"}]}"},
	    /* what the engines read as this */
	    {"{\"a\":\"\xe9\\ud800\",\"b\":1180591620717411303424}",
	     "{\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\",\"b\":1.1805916207174113e21,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:00\"]},\"history\":[{\"created_by\":\"smolmake flatten-image\"}]}"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct image m = {.config_json = (char *)cases[i].config};
		char *config = flat_config(&m, id);

		same_text(cases[i].config, config, cases[i].want);
		free(config);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules),
	    cmocka_unit_test(any_layers),
	    cmocka_unit_test(large_members),
	    cmocka_unit_test(kept_frames),
	    cmocka_unit_test(beginnings),
	    cmocka_unit_test(one_hashes),
	    cmocka_unit_test(damaged_frame),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(broken_layers),
	    cmocka_unit_test(maps_of_holes),
	    cmocka_unit_test(holes_together),
	    cmocka_unit_test(owners),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(many_names),
	    cmocka_unit_test(no_layers),
	    cmocka_unit_test(repeatable),
	    cmocka_unit_test(nowhere_to_write),
	    cmocka_unit_test(configs),
	};

	return RUN_TESTS(tests);
}
