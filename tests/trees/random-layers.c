/*
 * random-layers - the description of an image's layers, at random but the same for the same seed: see
 * make-layers, and README.md beside this for what is in it and what is not.
 *
 * Few names and shallow folders, so that layers keep meeting. A small model of the tree says what may come
 * next: what engines disagree on, or take for damage, is not made, but for the one line of an image that is
 * meant to be refused. Comments at the end tell the caller:
 *
 *	# coding plain|gzip|zstd    how the layers are stored in an export
 *	# padding BYTES             of zeros behind each compressed layer
 *	# truth engine|umoci        who extracts what is right: umoci where the engine cannot
 *	# refused REASON            nobody may take this image
 *
 * The arithmetic is in uint64_t and there is no locale, no time and no address in it, so a seed is the same
 * image on every machine. Exit: 0; 100 usage.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE "usage: random-layers [-w KIND=WEIGHT]... SEED\n"

enum { PATHS = 2000, LONGEST = 1600, SPELLING = 2 * LONGEST, METADATA = 900, EXIT_USAGE = 100 };

/* How often, of a hundred: entries first, then what an entry or an image is besides. -w changes one. */
static struct {
	const char *name;
	unsigned weight;
} weights[] = {
    {"file", 30},   {"dir", 16},    {"symlink", 14},  {"link", 16},      {"device", 5},   {"fifo", 3},
    {"sparse", 5},  {"empty", 3},   {"whiteout", 15}, {"opaque", 8},     {"through", 35}, {"cross", 12},
    {"refused", 5}, {"many", 2},    {"pax", 12},      {"gnu", 12},       {"go", 15},      {"ustar", 6},
    {"records", 8}, {"global", 12}, {"xattr", 20},    {"odd-xattr", 15}, {"id", 50},      {"name", 8},
    {"long", 3},    {"coding", 60}, {"zeros", 30},    {"typeflag", 5},
};

enum what { NOTHING, FOLDER, PLAIN_FILE, SYMLINK, DEVICE, FIFO };

struct path {
	enum what what;
	int layer;     /* the last that set it, or something below it */
	int described; /* the last that has an entry for it */
	int held;      /* the layer in which another symlink goes through this one */
	bool usual;    /* a folder as one that no layer describes */
	bool marked;   /* a folder with extended attributes: another entry of the layer might leave them */
	char metadata[METADATA]; /* as the entry says it, for those that link to it */
	char name[LONGEST];
	char target[LONGEST]; /* of a symlink: the folder that it comes to, or "" */
};

static struct path tree[PATHS];
static char gone[PATHS][LONGEST];       /* by whiteouts of this layer */
static char spellings[PATHS][SPELLING]; /* of this layer's entries */
static size_t paths, gones, spelled;
static uint64_t state;
static int layer;
static bool removing; /* this layer removes things */
static bool crossing; /* links may go to lower layers: then umoci is asked, and no name goes through a link */
static bool bottomless; /* no layer has an entry for the root */
static bool holes;      /* there are sparse files: Docker 20.10 cannot save those again */
static bool passing;    /* names go through links: nor these, where a link is absolute */

static unsigned
below(unsigned limit)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ z >> 31) >> 33) % limit;
}

static bool
chance(unsigned percent)
{
	return below(100) < percent;
}

static unsigned *
weight(const char *name)
{
	for (size_t i = 0; i < sizeof(weights) / sizeof(*weights); i++)
		if (strcmp(weights[i].name, name) == 0)
			return &weights[i].weight;
	fprintf(stderr, "random-layers: no kind '%s'\n", name);
	exit(EXIT_USAGE);
}

static bool
likely(const char *name)
{
	return chance(*weight(name));
}

/* --- The model. */

static bool
is_below(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	return n == 0 || (strncmp(name, folder, n) == 0 && name[n] == '/');
}

static struct path *
find(const char *name)
{
	for (size_t i = 0; i < paths; i++)
		if (strcmp(tree[i].name, name) == 0)
			return &tree[i];
	return NULL;
}

/* Forgets what is below a name, and the name itself; but not what this layer has set, where that counts. */
static void
forget(const char *name, bool itself, int since)
{
	size_t kept = 0;

	for (size_t i = 0; i < paths; i++) {
		bool hit = is_below(tree[i].name, name) || (itself && strcmp(tree[i].name, name) == 0);

		if (!hit || tree[i].layer >= since) {
			if (kept != i)
				tree[kept] = tree[i];
			kept++;
		}
	}
	paths = kept;
}

static struct path *
set(const char *name, enum what what)
{
	struct path *p = find(name);

	if (p != NULL && (what != FOLDER || p->what != FOLDER)) {
		forget(name, true, INT32_MAX);
		p = NULL;
	}
	if (p == NULL) {
		p = &tree[paths < PATHS - 1 ? paths++ : paths];
		memset(p, 0, sizeof(*p));
		snprintf(p->name, LONGEST, "%s", name);
	}
	p->what = what;
	p->layer = p->described = layer;
	for (size_t i = 0; i < paths; i++)
		if (is_below(name, tree[i].name))
			tree[i].layer = layer;
	return find(name);
}

/* An entry whose name says a folder that this layer has removed: some engines let lower content through. */
static bool
is_gone(const char *name, bool folder)
{
	for (size_t i = 0; i < gones; i++)
		if (is_below(name, gone[i]) || (folder && strcmp(name, gone[i]) == 0))
			return true;
	return false;
}

/*
 * In this layer a folder cannot give way: its times are set when the layer ends, on whatever is there then.
 */
static bool
is_taken(const struct path *p)
{
	return p != NULL && ((p->what == FOLDER && p->layer == layer) || p->held == layer);
}

/* --- Names as bytes of a line. */

static void
put_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 127 || *text == '%')
			printf("%%%02x", (unsigned char)*text);
		else
			putchar(*text);
}

static void
put_prefixed(const char *name)
{
	static const char *const prefixes[] = {"", "", "", "", "", "./", ".//", "/"};

	printf("%s", prefixes[below(8)]);
	put_text(name);
}

/* The name as it is, or by way of a symlink of this layer. */
static void
spell(const char *name, char spelling[SPELLING])
{
	snprintf(spelling, SPELLING, "%s", name);
	if (crossing || !passing || !likely("through"))
		return;
	for (size_t i = below((unsigned)paths + 1), n = 0; n < paths; n++, i++) {
		const struct path *link = &tree[i % paths], *folder;

		if (link->what != SYMLINK || link->layer != layer || link->target[0] == '\0' ||
		    !is_below(name, link->target) || is_below(name, link->name) ||
		    strcmp(name, link->name) == 0)
			continue;
		folder = find(link->target);
		if (folder != NULL && folder->what == FOLDER && folder->layer == layer) {
			snprintf(spelling, SPELLING, "%s%s", link->name, name + strlen(link->target));
			return;
		}
	}
}

/* Docker takes no layer that has a name twice, as it is spelled; others do. */
static bool
is_spelled(const char *spelling)
{
	for (size_t i = 0; i < spelled; i++)
		if (strcmp(spellings[i], spelling) == 0)
			return true;
	return false;
}

/* The name of the next entry, by a spelling that is free: false where there is none. */
static bool
claim(const char *name, char spelling[SPELLING])
{
	spell(name, spelling);
	if (!crossing && is_spelled(spelling))
		snprintf(spelling, SPELLING, "%s", name);
	if ((!crossing && is_spelled(spelling)) || spelled == PATHS)
		return false;
	snprintf(spellings[spelled++], SPELLING, "%s", spelling);
	return true;
}

static const char *
random_name(char name[LONGEST])
{
	static const char *const rare[] = {
	    "e\xcc\x81", "\xff\xfe", "a b",          "new\nline",    "-dash",     "back\\slash", "...",
	    ".wh",       "%41",      "\xe3\x82\xa2", "\xe3\x82\xa4", "\xc3\xa9x", "a=b",         "\x01",
	    "*",         "~",        "a\"b"};
	unsigned depth = 1 + below(3), used = 0;

	for (unsigned i = 0; i < depth; i++) {
		if (i > 0)
			name[used++] = '/';
		if (likely("name"))
			used += (unsigned)snprintf(name + used, LONGEST - used, "%s", rare[below(17)]);
		else if (likely("long"))
			used += (unsigned)snprintf(name + used, LONGEST - used, "%s%0*u",
						   chance(20) ? "\xe3\x82\xa2" : "long", 60 + (int)below(185),
						   below(3));
		else
			name[used++] = "abcde"[below(5)];
	}
	name[used] = '\0';
	return name;
}

/* --- What stands behind the name. */

static void
add(char *text, const char *what)
{
	size_t used = strlen(text);

	snprintf(text + used, METADATA - used, "%s", what);
}

static void
add_xattrs(char *m, bool folder, bool link)
{
	static const char *const values[] = {"x", "%00%01%ff", "plain", "a%3db%0a", "", "%e3%82%a2", "%25"};
	static const char *const odd[] = {"a%20b", "%25",   "100%25%20", "%c3%a9",
					  "%ff",   "a%0ab", "UPPER",     "a%2541"};
	char text[200];

	if (!link && likely("xattr")) {
		snprintf(text, sizeof(text), " xattr.user.%c=%s", 'a' + (char)below(3), values[below(7)]);
		add(m, text);
	}
	if (!crossing && !link && likely("xattr") && likely("odd-xattr")) {
		snprintf(text, sizeof(text), " xattr.user.%s=%s", odd[below(8)], values[below(7)]);
		add(m, text);
	}
	if (likely("xattr") && chance(50)) {
		snprintf(text, sizeof(text), " xattr.trusted.%s=%s",
			 !crossing && likely("odd-xattr") ? odd[below(8)] : "t", values[below(7)]);
		add(m, text);
	}
	if (!folder && !link && likely("xattr") && chance(50))
		add(m,
		    " xattr.security.capability=%01%00%00%02%00%20%00%00%00%00%00%00%00%00%00%00%00%00%00%00");
}

/* Records that no engine heeds, or that say once more what is said already. */
static void
add_records(char *m)
{
	static const char *const records[] = {
	    " pax.comment=x",
	    " pax.LIBARCHIVE.xattr.user.z=eg",
	    " pax.LIBARCHIVE.creationtime=5",
	    " pax.SCHILY.acl.access=user::rwx,group::rwx,other::rwx",
	    " pax.SCHILY.acl.default=user::rwx,group::rwx,other::rwx",
	    " pax.SCHILY.dev=5",
	    " pax.SCHILY.ino=77",
	    " pax.SCHILY.nlink=3",
	    " pax.SCHILY.devmajor=9",
	    " pax.SCHILY.devminor=9",
	    " pax.SCHILY.fflags=nodump",
	    " pax.SCHILY.filetype=dir",
	    " pax.SCHILY.realsize=3",
	    " pax.RHT.security.selinux=a:b:c:d",
	    " pax.ctime=5.5",
	    " pax.atime=7.25",
	    " pax.uname=r%c3%b6t",
	    " pax.gname=%e3%82%a2",
	    " pax.hdrcharset=BINARY",
	    " pax.charset=ISO-IR%2010646%202000%20UTF-8",
	    " pax.VENDOR.x=%01",
	    " pax.SUN.devmajor=3",
	    " pax.LIBARCHIVE.symlinktype=dir",
	    " pax.GNU.volume.label=x",
	    " pax.uid=",
	    " pax.path=",
	    " pax.linkpath=",
	};

	for (unsigned n = 1 + below(3); n > 0; n--)
		add(m, records[below(sizeof(records) / sizeof(*records))]);
}

/* How the header says what it has to. */
static void
add_form(char *m, bool plain)
{
	bool extended = strstr(m, " xattr.") != NULL || strchr(m, '.') != NULL;

	if (likely("go"))
		add(m, " form=go");
	else if (!crossing && likely("pax"))
		add(m, " form=pax");
	else if (!extended && likely("gnu"))
		add(m, " form=gnu");
	else if (!extended && plain && likely("ustar"))
		add(m, " form=ustar");
	if (!crossing && strstr(m, "form=gnu") == NULL && likely("records"))
		add_records(m);
}

static const char *
random_metadata(char m[METADATA], bool folder, bool link)
{
	static const char *const modes[] = {"644", "755", "4755", "2755", "1777", "600", "0", "6711", "7777"};
	static const unsigned ids[] = {0, 1, 1000, 65534, 2097151, 2097152, 3000000, 4294967294};
	char text[100];

	m[0] = '\0';
	snprintf(text, sizeof(text), " mode=%s", modes[below(9)]);
	add(m, text);
	if (likely("id")) {
		snprintf(text, sizeof(text), " uid=%u gid=%u", ids[below(8)], ids[below(8)]);
		add(m, text);
	}
	snprintf(text, sizeof(text), " time=%d", (int)below(chance(5) ? 2 : 2000000000));
	add(m, text);
	if (chance(40)) {
		snprintf(text, sizeof(text), ".%0*u", 1 + (int)below(9), below(10));
		add(m, text);
	}
	add_xattrs(m, folder, link);
	add_form(m, strstr(m, "uid=") == NULL);
	return m;
}

/* --- Entries. Each is false where it would be what engines disagree on. */

static bool
put_folder(const char *name)
{
	char m[METADATA], spelling[SPELLING];
	struct path *p = find(name);

	if ((p != NULL && p->what == FOLDER && p->described == layer && p->marked) || !claim(name, spelling))
		return false;
	printf("dir ");
	put_prefixed(spelling);
	if (chance(30))
		putchar('/');
	printf("%s\n", random_metadata(m, true, false));
	p = set(name, FOLDER);
	p->usual = false;
	p->marked = strstr(m, " xattr.") != NULL;
	return true;
}

/* What stands above a name must be a folder; whether it has an entry is seen where it is not as usual. */
static bool
put_parents(const char *name)
{
	char parent[LONGEST];
	struct path *p;

	if (is_gone(name, false))
		return false;
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		bool here, must;

		snprintf(parent, LONGEST, "%.*s", (int)(slash - name), name);
		if (is_gone(parent, true))
			return false;
		p = find(parent);
		here = p != NULL && p->what == FOLDER;
		if (!here && p != NULL && p->layer == layer)
			return false;
		must = crossing ? !here : here && p->layer < layer && !p->usual;
		/*
		 * umoci, which is asked about crossing ones, keeps a lower file in the way, and another owner
		 */
		if ((must || (removing && (p == NULL || p->described < layer)) || chance(30)) &&
		    put_folder(parent))
			continue;
		if (must)
			return false;
		if (!here) {
			p = set(parent, FOLDER);
			p->usual = true;
			p->described = 0;
		}
	}
	return true;
}

static bool
fits(const char *name, bool folder)
{
	const struct path *p = find(name);

	return !is_gone(name, folder) && (!is_taken(p) || (folder && p->what == FOLDER)) &&
	       !(folder && p != NULL && p->what != FOLDER && p->layer == layer && chance(50));
}

static const struct path *
random_path(bool folders, bool here)
{
	for (int tries = 0; paths > 0 && tries < 20; tries++) {
		const struct path *p = &tree[below((unsigned)paths)];

		if ((p->what == FOLDER) == folders && (!here || p->layer == layer) &&
		    (!here || folders || p->described == layer))
			return p;
	}
	return NULL;
}

/* To make the name must not unmake the target. */
static bool
put_link(const char *name)
{
	const struct path *p = random_path(false, !crossing);
	static struct path target;
	char spelling[SPELLING];

	if (p == NULL || strcmp(p->name, name) == 0 || is_below(p->name, name) || is_below(name, p->name))
		return false;
	target = *p;
	if (!put_parents(name) || find(target.name) == NULL || !claim(name, spelling))
		return true;
	printf("link ");
	put_prefixed(spelling);
	spell(target.name, spelling);
	printf(" to=");
	put_prefixed(spelling);
	printf("%s\n", target.metadata);
	memcpy(set(name, target.what)->metadata, target.metadata, METADATA);
	return true;
}

/* A symlink's text for a folder: absolute, or relative, with more ".." than needed, or by another symlink. */
static void
put_way(const char *name, const struct path *folder)
{
	const char *to = folder->name;

	for (unsigned tries = 10; tries > 0; tries--) {
		struct path *other = &tree[below((unsigned)paths)];

		if (other->what == SYMLINK && other->layer == layer && strcmp(other->target, to) == 0 &&
		    strcmp(other->name, name) != 0) {
			to = other->name;
			other->held = layer;
			break;
		}
	}
	if (chance(50)) {
		printf("%s", chance(20) ? "/../" : chance(20) ? "//" : "/");
	} else {
		for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
			printf("../");
		if (chance(20))
			printf("../../");
		if (chance(20))
			printf("./");
	}
	put_text(to);
	if (chance(20))
		putchar('/');
}

static void
put_symlink(const char *name)
{
	static const char *const anywhere[] = {"a/b",     "/a", "\xff/\n", "\xe3\x82\xa2",
					       "../../x", ".",  "..",      "a b"};
	const struct path *folder;
	char m[METADATA], target[LONGEST] = "", spelling[SPELLING];
	struct path *p;

	if (!claim(name, spelling))
		return;
	forget(name, true, INT32_MAX);
	folder = random_path(true, chance(80));
	printf("symlink ");
	put_prefixed(spelling);
	random_metadata(m, false, true);
	printf("%s to=", m);
	if (folder != NULL && !is_below(folder->name, name) && strcmp(folder->name, name) != 0 &&
	    chance(70)) {
		memcpy(target, folder->name, LONGEST);
		put_way(name, folder);
	} else if (likely("long")) {
		for (unsigned n = 60 + below(200); n > 0; n--)
			printf("%%e3%%82%%a2/");
		putchar('x');
	} else {
		put_text(anywhere[below(8)]);
	}
	putchar('\n');
	p = set(name, SYMLINK);
	memcpy(p->metadata, m, METADATA);
	memcpy(p->target, target, LONGEST);
}

static void
put_map(void)
{
	static const char *const forms[] = {"0.0", "0.1", "1.0"};
	unsigned at = below(3) * 512 * below(40), count = below(12);

	printf(" sparse=%s map=", forms[below(3)]);
	for (unsigned i = 0; i < count; i++) {
		unsigned length = 1 + below(3000);

		printf("%u,%u;", at, length);
		at += length + 512 * below(20) + below(600);
	}
	printf(" size=%u seed=%u", at + below(100000), below(1000));
}

static void
put_file(const char *name, bool sparse, bool empty)
{
	char m[METADATA], spelling[SPELLING];

	if (!claim(name, spelling))
		return;
	printf("file ");
	put_prefixed(spelling);
	random_metadata(m, false, false);
	memcpy(set(name, PLAIN_FILE)->metadata, m, METADATA);
	if (sparse) { /* which has its own way to be said */
		char *form = strstr(m, " form=");

		printf("%.*s", form != NULL ? (int)(form - m) : METADATA, m);
		put_map();
	} else {
		printf("%s size=%u seed=%u", m,
		       empty       ? 0
		       : chance(3) ? 300000
				   : 1 + below(3000),
		       below(1000));
		if (likely("typeflag") && !crossing)
			printf(" typeflag=%%00");
	}
	putchar('\n');
}

static void
put_node(const char *name, const char *kind, enum what what)
{
	char m[METADATA], spelling[SPELLING];

	if (!claim(name, spelling))
		return;
	printf("%s ", kind);
	put_prefixed(spelling);
	printf("%s dev=%u,%u\n", random_metadata(m, false, true), 1 + below(300), below(70000));
	memcpy(set(name, what)->metadata, m, METADATA);
}

static void
put_something(void)
{
	static const char *const kinds[] = {"link",   "dir",  "file",   "symlink",
					    "device", "fifo", "sparse", "empty"};
	unsigned total = 0, at, kind = 0;
	char name[LONGEST];
	struct path *p;

	for (unsigned i = 0; i < 8; i++)
		total += *weight(kinds[i]);
	at = below(total > 0 ? total : 1);
	while (kind < 7 && at >= *weight(kinds[kind]))
		at -= *weight(kinds[kind++]);
	p = find(random_name(name));
	if (kind != 1 && p != NULL && p->what == FOLDER && (is_taken(p) || chance(60)))
		kind = 1;
	if (!fits(name, kind == 1) || (kind == 0 && put_link(name)) || !put_parents(name) ||
	    !fits(name, kind == 1))
		return;
	switch (kind) {
	case 1:
		put_folder(name);
		break;
	case 3:
		put_symlink(name);
		break;
	case 4:
		put_node(name, chance(50) ? "char" : "block", DEVICE);
		break;
	case 5:
		put_node(name, "fifo", FIFO);
		break;
	default:
		put_file(name, kind == 6 && holes && !crossing, kind == 7);
	}
}

static void
put_whiteout(void)
{
	char name[LONGEST], marker[LONGEST + 8], spelling[SPELLING], *slash;
	struct path *p;

	if (paths > 0 && chance(90))
		snprintf(name, LONGEST, "%s", tree[below((unsigned)paths)].name);
	else
		random_name(name);
	p = find(name);
	slash = strrchr(name, '/');
	if ((p != NULL && p->layer == layer) || is_gone(name, true) || gones == PATHS ||
	    strlen(slash ? slash : name) > 245 || !put_parents(name))
		return;
	p = find(name);
	snprintf(marker, sizeof(marker), "%.*s.wh.%s", slash ? (int)(slash + 1 - name) : 0, name,
		 slash ? slash + 1 : name);
	if ((p != NULL && p->layer == layer) || !claim(marker, spelling))
		return;
	printf("file ");
	put_prefixed(spelling);
	putchar('\n');
	snprintf(gone[gones++], LONGEST, "%s", name);
	forget(name, true, layer);
}

static void
put_opaque(void)
{
	const struct path *p = random_path(true, false);
	char name[LONGEST], marker[LONGEST + 16], spelling[SPELLING];

	if (p == NULL)
		return;
	snprintf(name, sizeof(name), "%s", p->name);
	snprintf(marker, sizeof(marker), "%s/.wh..wh..opq", name);
	if (is_gone(name, true) || !put_parents(marker) || !claim(marker, spelling))
		return;
	printf("file ");
	put_prefixed(spelling);
	putchar('\n');
	forget(name, false, layer);
}

/* --- Images. */

/* Records for all that follows, which say nothing for a single entry. */
static void
put_global(void)
{
	static const char *const records[] = {
	    "comment=x",  "path=g", "uid=77", "mtime=5", "SCHILY.xattr.user.g=g",
	    "linkpath=g", "size=3", "gname=g"};

	printf("global pax_global_header pax.%s\n", records[below(8)]);
}

/* One thing that no engine takes; at the end of the last layer. */
static void
put_refused(void)
{
	static const char *const bad[][2] = {
	    {"link to=none", "link zz/one to=zz/none"},
	    {"link without a target", "link zz-link to="},
	    {"symlink without a target", "symlink zz-link to="},
	    {"link to a folder", "dir zz-folder\nlink zz-link to=zz-folder"},
	    {"file below a file", "file zz-file text=1\nfile zz-file/below text=2"},
	    {"file below a dangling link", "symlink zz-link to=zz/none\nfile zz-link/below text=2"},
	    {"file below a circle", "symlink zz-1 to=zz-2\nsymlink zz-2 to=zz-1\nfile zz-1/below text=2"},
	    {"link by a dangling link", "symlink zz-link to=zz/none\nlink zz-2 to=zz-link/below"},
	    {"longer than the layer", "file zz-file size=10 claim=100000000"},
	    {"link to what it is", "link zz-link to=zz-link"},
	};
	unsigned n = below(10);

	printf("%s\n# refused %s\n", bad[n][1], bad[n][0]);
}

static void
put_layer(unsigned entries)
{
	char m[METADATA];

	removing = layer > 1 && chance(70);
	gones = spelled = 0;
	printf("layer\n");
	if (!crossing && likely("global"))
		put_global();
	if (!bottomless && (layer == 1 || chance(30)))
		printf("dir ./%s\n", random_metadata(m, true, false));
	for (; entries > 0; entries--)
		if (removing && likely("whiteout"))
			put_whiteout();
		else if (removing && likely("opaque"))
			put_opaque();
		else
			put_something();
}

static void
put_image(void)
{
	static const char *const codings[] = {"gzip", "gzip", "zstd"};
	bool many = likely("many"), refused = likely("refused");
	int layers = many ? 60 + (int)below(68) : 1 + (int)below(6);
	const char *coding = likely("coding") ? codings[below(3)] : "plain";

	crossing = layers > 125 || (!refused && likely("cross"));
	bottomless = chance(20);
	holes = chance(25);
	passing = chance(50);
	for (layer = 1; layer <= layers; layer++) {
		put_layer(many ? below(4) : 1 + below(25));
		if (refused && layer == layers)
			put_refused();
		if (likely("zeros"))
			printf("zeros %u\n", 512 * (1 + below(40)));
	}
	printf("# coding %s\n# padding %u\n# truth %s\n", coding,
	       *coding == 'g' && likely("zeros") ? 512 * (1 + below(40)) : 0, crossing ? "umoci" : "engine");
}

int
main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "w:")) != -1) {
		char *equals = opt == 'w' ? strchr(optarg, '=') : NULL;

		if (equals == NULL) {
			fputs(USAGE, stderr);
			return EXIT_USAGE;
		}
		*equals = '\0';
		*weight(optarg) = (unsigned)strtoul(equals + 1, NULL, 10);
	}
	if (optind + 1 != argc) {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	state = strtoull(argv[optind], NULL, 10) * 0x2545f4914f6cdd1du;
	put_image();
	return 0;
}
