/*
 * random-layers - the description of an image's layers, at random but the same for the same seed: see
 * make-layers.
 *
 * Few names and shallow folders, so that layers keep meeting: files become folders and the other way round,
 * links are made to what is overwritten or removed by the next entry. What the images never are is ambiguous:
 * they hold no entry below a file or link, no link to what is not there, and, in a layer that removes things,
 * each folder that it touches has an entry. So there is one right tree, and any two readers have to agree on
 * it. Exit: 0; 100 usage.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE "usage: random-layers SEED\n"

enum { PATHS = 2000, LONGEST = 1024, EXIT_USAGE = 100 };

/* What is there, as far as it takes to know what may come next. */
struct path {
	char name[LONGEST];
	bool folder;
	int layer;     /* the last that set it, or something below it */
	int described; /* the last that has an entry for it */
};

static struct path tree[PATHS];
static size_t paths;
static uint64_t state;
static int layer;
static bool removing; /* this layer removes things */

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

static bool
is_below(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(name, folder, n) == 0 && name[n] == '/';
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

		if (!hit || tree[i].layer >= since)
			tree[kept++] = tree[i];
	}
	paths = kept;
}

static void
set(const char *name, bool folder)
{
	struct path *p;

	if (!folder)
		forget(name, false, INT32_MAX);
	p = find(name);
	if (p == NULL && paths < PATHS) {
		p = &tree[paths++];
		snprintf(p->name, LONGEST, "%s", name);
	}
	if (p == NULL)
		return;
	p->folder = folder;
	p->layer = p->described = layer;
	for (size_t i = 0; i < paths; i++)
		if (is_below(name, tree[i].name))
			tree[i].layer = layer;
}

static void
put_name(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name >= 127 || *name == '%')
			printf("%%%02x", (unsigned char)*name);
		else
			putchar(*name);
}

static void
put_start(const char *kind, const char *name)
{
	static const char *const prefixes[] = {"", "", "", "", "", "./", ".//", "/"};

	printf("%s %s", kind, prefixes[below(8)]);
	put_name(name);
}

static void
put_metadata(bool folder, bool link)
{
	static const char *const modes[] = {"644", "755", "4755", "2755", "1777", "600", "0", "6711"};
	static const unsigned ids[] = {0, 0, 1, 1000, 65534, 3000000, 4294967294};
	static const char *const xattrs[] = {"x", "%00%01%ff", "plain", "a%3db%0a"};

	printf(" mode=%s uid=%u gid=%u time=%d", modes[below(8)], ids[below(7)], ids[below(7)],
	       (int)below(2000000000));
	if (chance(50))
		printf(".%09u", below(1000000000));
	if (!link && chance(20))
		printf(" xattr.user.%c=%s", 'a' + (char)below(3), xattrs[below(4)]);
	if (chance(10))
		printf(" xattr.trusted.t=%s", xattrs[below(4)]);
	if (!folder && !link && chance(10))
		printf(" xattr.security.capability=%%01%%00%%00%%02%%00%%20%%00%%00%%00%%00%%00%%00%%"
		       "00%%00%%00"
		       "%%00%%00%%00%%00%%00");
}

static void
put_folder(const char *name)
{
	put_start("dir", name);
	put_metadata(true, false);
	putchar('\n');
	set(name, true);
}

static const char *
random_name(char name[LONGEST])
{
	static const char *const rare[] = {"e\xcc\x81",   "\xff\xfe", "a b", "new\nline", "-dash",
					   "back\\slash", "...",      ".wh", "%41"};
	unsigned depth = 1 + below(3), used = 0;

	for (unsigned i = 0; i < depth; i++) {
		if (i > 0)
			name[used++] = '/';
		if (chance(4))
			used += (unsigned)snprintf(name + used, LONGEST - used, "%s", rare[below(9)]);
		else if (chance(2))
			used += (unsigned)snprintf(name + used, LONGEST - used, "long%0*u",
						   60 + (int)below(150), below(3));
		else
			name[used++] = "abcde"[below(5)];
	}
	name[used] = '\0';
	return name;
}

/* Whatever stands above a name must be a folder, and have an entry where this layer removes things. */
static void
put_parents(const char *name)
{
	char parent[LONGEST];
	struct path *p;

	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(parent, LONGEST, "%.*s", (int)(slash - name), name);
		p = find(parent);
		if (p == NULL || !p->folder || (removing && p->described < layer) || chance(30))
			put_folder(parent);
	}
}

static const struct path *
random_file(void)
{
	for (int tries = 0; paths > 0 && tries < 20; tries++) {
		const struct path *p = &tree[below((unsigned)paths)];

		if (!p->folder)
			return p;
	}
	return NULL;
}

/* To make the name must not unmake the target. */
static bool
put_link(const char *name)
{
	const struct path *p = random_file();
	char target[LONGEST];

	if (p == NULL || strcmp(p->name, name) == 0 || is_below(p->name, name) || is_below(name, p->name))
		return false;
	snprintf(target, LONGEST, "%s", p->name);
	put_parents(name);
	if (find(target) == NULL)
		return true;
	put_start("link", name);
	printf(" to=%s", chance(20) ? "./" : "");
	put_name(target);
	putchar('\n');
	set(name, false);
	return true;
}

static void
put_something(void)
{
	char name[LONGEST];
	unsigned kind = below(100);
	const struct path *p = find(random_name(name));

	if (kind < 20 && put_link(name))
		return;
	put_parents(name);
	if (kind < 40 || (p != NULL && p->folder && chance(60))) {
		put_folder(name);
		return;
	}
	put_start(kind < 75   ? "file"
		  : kind < 90 ? "symlink"
		  : kind < 94 ? "fifo"
		  : kind < 97 ? "char"
			      : "block",
		  name);
	put_metadata(false, kind >= 75);
	if (kind < 75)
		printf(" size=%u seed=%u", chance(3) ? 300000 : below(3000), below(1000));
	else if (kind < 90)
		printf(" to=%s%s", chance(30) ? "/" : "", chance(5) ? "%ff/%0a" : "a/b");
	else if (kind >= 94)
		printf(" dev=%u,%u", 1 + below(300), below(70000));
	putchar('\n');
	set(name, false);
}

/* The parent of a whiteout is touched as any other. */
static void
put_whiteout(void)
{
	char name[LONGEST], *slash;

	if (paths > 0 && chance(90))
		snprintf(name, LONGEST, "%s", tree[below((unsigned)paths)].name);
	else
		random_name(name);
	put_parents(name);
	slash = strrchr(name, '/');
	printf("file ");
	if (slash != NULL) {
		*slash = '\0';
		put_name(name);
		*slash = '/';
		putchar('/');
	}
	printf(".wh.");
	put_name(slash != NULL ? slash + 1 : name);
	putchar('\n');
	forget(name, true, layer);
}

static void
put_opaque(void)
{
	const struct path *p = paths > 0 ? &tree[below((unsigned)paths)] : NULL;
	char name[LONGEST];

	if (p == NULL || !p->folder)
		return;
	snprintf(name, LONGEST, "%s", p->name);
	put_parents(name);
	put_folder(name);
	printf("file ");
	put_name(name);
	printf("/.wh..wh..opq\n");
	forget(name, false, layer);
}

int
main(int argc, char **argv)
{
	int layers;

	if (argc != 2 || argv[1][0] == '-') {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	state = strtoull(argv[1], NULL, 10) * 0x2545f4914f6cdd1du;
	layers = 1 + (int)below(6);
	for (layer = 1; layer <= layers; layer++) {
		removing = layer > 1 && chance(70);
		printf("layer\n");
		if (layer == 1 || chance(30)) {
			printf("dir ./");
			put_metadata(true, false);
			putchar('\n');
		}
		for (unsigned left = 1 + below(25); left > 0; left--)
			if (removing && chance(15))
				put_whiteout();
			else if (removing && chance(10))
				put_opaque();
			else
				put_something();
	}
	return 0;
}
