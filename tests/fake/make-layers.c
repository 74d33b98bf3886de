/*
 * make-layers - layers of an image, entry by entry as a description says, good and bad ones alike.
 *
 * For the tests of what reads layers, so it shares no code with that and asks no library what a tar is. One
 * entry a line comes from stdin, words separated by one blank, %XX for a byte in any of them; # is a comment:
 *
 *	layer                    the entries below go into FOLDER/1.tar, after the next such line FOLDER/2.tar
 *	zeros BYTES              so many behind the end of the layer
 *	KIND NAME [KEY=VALUE]... KIND: dir file link symlink char block fifo; global: a header for all of them
 *
 *	mode=OCTAL uid=N gid=N time=SECONDS[.NANOSECONDS] to=TARGET dev=MAJOR,MINOR xattr.user.x=VALUE
 *	text=CONTENT, or size=BYTES of noise from the seed seed=N; claim=BYTES puts another size in the header
 *	sparse=old|0.0|0.1|1.0 map=OFFSET,LENGTH;...  noise at these places of the size bytes, else holes
 *	pax.KEY=VALUE            a record of the extended header, before those that are needed
 *	typeflag=BYTE            another one than that of the kind
 *	form=FORM                how the header says what it says:
 *		go     as Go's archive/tar, so Docker: the ASCII of name and target, all of them in records
 *		pax    everything in records, and nothing that is true in the fields
 *		gnu    long names in entries of their own, large numbers in base 256
 *		ustar  a long name in two fields, where it can be split
 *	       without it: what a plain header cannot say in records, the rest in the fields
 *
 * Exit: 0 written; 100 usage, or a line that is none of these; 111 cannot be written.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE "usage: make-layers FOLDER < description\n"

enum { BLOCK = 512, WORDS = 64, PAX = 1 << 18, SEGMENTS = 64, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };
enum form { LEAST, GO, ALL, GNU, USTAR };
enum sparse { DENSE, OLD, V00, V01, V10 };

struct entry {
	char type; /* tar's typeflag */
	enum form form;
	enum sparse sparse;
	const char *name, *target;
	unsigned long mode, uid, gid, major, minor;
	const char *time;
	const char *text; /* or NULL: noise */
	unsigned long long size, claim, seed;
	size_t xattrs;
	const char *xattr[WORDS]; /* NAME=VALUE, with lengths: values hold any byte */
	size_t xattr_size[WORDS];
	size_t records;
	const char *record[WORDS];
	size_t record_size[WORDS];
	size_t segments;
	unsigned long long offset[SEGMENTS], length[SEGMENTS];
};

static FILE *out;
static unsigned line_number, layer;
static unsigned long long zeros_behind;

static _Noreturn void
bad(const char *what)
{
	fprintf(stderr, "make-layers: line %u: %s\n", line_number, what);
	exit(EXIT_USAGE);
}

static _Noreturn void
cannot(const char *what)
{
	fprintf(stderr, "make-layers: cannot write '%s': %s\n", what, strerror(errno));
	exit(EXIT_SYSTEM);
}

static void
put(const void *bytes, size_t size)
{
	if (size > 0 && fwrite(bytes, size, 1, out) != 1)
		cannot("the layer");
}

static void
pad(unsigned long long size)
{
	static const char zeros[BLOCK];

	put(zeros, (size_t)(-size % BLOCK));
}

/* %XX in place; the new length. */
static size_t
unescape(char *text)
{
	char *to = text, hex[3] = "";

	for (char *from = text; *from; from++)
		if (*from == '%' && from[1] && from[2]) {
			memcpy(hex, from + 1, 2);
			*to++ = (char)strtoul(hex, NULL, 16);
			from += 2;
		} else {
			*to++ = *from;
		}
	*to = '\0';
	return (size_t)(to - text);
}

/* --- The tar. */

/* One PAX record: its length counts its own digits. */
static void
add_record(char *pax, size_t *used, const char *key, const char *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, digits = 1, room = PAX - *used;
	int n;

	while (snprintf(NULL, 0, "%zu", rest + digits) != (int)digits)
		digits++;
	if (rest + digits + 1 > room)
		bad("too much for one header");
	n = snprintf(pax + *used, room, "%zu %s=", rest + digits, key);
	memcpy(pax + *used + n, value, size);
	pax[*used + (size_t)n + size] = '\n';
	*used += rest + digits;
}

static void
put_number(char *field, int digits, unsigned long long value)
{
	snprintf(field, (size_t)digits + 1, "%0*llo", digits, value & ((1ull << 3 * digits) - 1));
}

/* GNU's: what octal digits cannot hold is binary, marked by the first bit. */
static void
put_large(char *field, int digits, unsigned long long value)
{
	if (value >> 3 * digits == 0) {
		put_number(field, digits, value);
		return;
	}
	for (int i = digits; i > 0; i--, value >>= 8)
		field[i] = (char)(value & 0xff);
	field[0] = (char)0x80;
}

/* What a field of text holds: Go leaves out what is no ASCII, with form=pax it is nothing of use. */
static void
put_field(char *field, size_t room, const struct entry *e, const char *text, const char *useless)
{
	size_t used = 0;

	if (e->form == ALL)
		text = *text ? useless : "";
	for (; *text && used < room; text++)
		if (e->form != GO || (unsigned char)*text < 128)
			field[used++] = *text;
}

static void
put_ustar_name(char *h, const char *name)
{
	size_t length = strlen(name), at = length > 101 ? length - 101 : 0;
	const char *slash = strchr(name + at, '/');

	if (length <= 100 || slash == NULL || slash[1] == '\0' || slash - name > 155)
		bad("form=ustar: this name cannot be split");
	memcpy(h + 345, name, (size_t)(slash - name));
	memcpy(h, slash + 1, strlen(slash + 1));
}

static bool
splits(const char *name)
{
	size_t length = strlen(name);
	const char *slash = length > 100 ? strchr(name + (length - 101), '/') : NULL;

	return slash != NULL && slash[1] != '\0' && slash > name && slash - name <= 155;
}

static void
seal(char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	put(h, BLOCK);
}

static void
put_old_map(char *map, const struct entry *e, size_t from, size_t count)
{
	for (size_t i = from; i < from + count && i < e->segments; i++, map += 24) {
		put_large(map, 11, e->offset[i]);
		put_large(map + 12, 11, e->length[i]);
	}
}

/* The header itself; with GNU's older sparse files their map, as much as has room in it. */
static void
put_header(const struct entry *e, char type, const char *name, unsigned long long size)
{
	static const char magic[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'}, gnu[8] = "ustar  ";
	void (*number)(char *, int, unsigned long long) =
	    e->form == GNU || e->sparse == OLD ? put_large : put_number;
	char h[BLOCK] = {0};
	long long seconds = e->time[0] == '-' ? 0 : strtoll(e->time, NULL, 10);
	bool own = type != 'x' && type != 'g' && type != 'L' && type != 'K', useless = own && e->form == ALL;

	if (own && e->form == USTAR && splits(name))
		put_ustar_name(h, name);
	else
		put_field(h, 100, own ? e : &(struct entry){.form = LEAST}, name, "none");
	number(h + 100, 7, e->mode);
	number(h + 108, 7, useless ? 7 : e->uid);
	number(h + 116, 7, useless ? 7 : e->gid);
	number(h + 124, 11, useless ? 0 : size);
	number(h + 136, 11, useless ? 7 : (unsigned long long)seconds);
	h[156] = type;
	if (own)
		put_field(h + 157, 100, e, e->target, "nowhere");
	memcpy(h + 257, number == put_large ? gnu : magic, sizeof(magic));
	number(h + 329, 7, e->major);
	number(h + 337, 7, e->minor);
	if (own && e->sparse == OLD) {
		put_old_map(h + 386, e, 0, 4);
		h[482] = e->segments > 4 ? 1 : 0;
		put_large(h + 483, 11, e->claim);
	}
	seal(h);
}

static void
put_more_map(const struct entry *e)
{
	for (size_t done = 4; done < e->segments; done += 21) {
		char h[BLOCK] = {0};

		put_old_map(h, e, done, 21);
		h[504] = e->segments > done + 21 ? 1 : 0;
		put(h, BLOCK);
	}
}

static void
add_text(char *pax, size_t *used, const char *key, const char *text)
{
	add_record(pax, used, key, text, strlen(text));
}

static void
add_number(char *pax, size_t *used, const char *key, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	add_text(pax, used, key, text);
}

static bool
is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 128)
		text++;
	return *text == '\0';
}

/* The map of a sparse file, where it is in records; 1.0 has it before the content. */
static void
add_map(const struct entry *e, char *pax, size_t *used)
{
	char *map = NULL;
	size_t size;
	FILE *text = e->sparse == V01 ? open_memstream(&map, &size) : NULL;

	if (e->sparse == V10) {
		add_text(pax, used, "GNU.sparse.major", "1");
		add_text(pax, used, "GNU.sparse.minor", "0");
		add_text(pax, used, "GNU.sparse.name", e->name);
		add_number(pax, used, "GNU.sparse.realsize", e->claim);
		return;
	}
	add_number(pax, used, "GNU.sparse.size", e->claim);
	add_number(pax, used, "GNU.sparse.numblocks", e->segments);
	for (size_t i = 0; i < e->segments; i++)
		if (text != NULL) {
			fprintf(text, "%s%llu,%llu", i > 0 ? "," : "", e->offset[i], e->length[i]);
		} else {
			add_number(pax, used, "GNU.sparse.offset", e->offset[i]);
			add_number(pax, used, "GNU.sparse.numbytes", e->length[i]);
		}
	if (text == NULL)
		return;
	fclose(text);
	add_text(pax, used, "GNU.sparse.name", e->name);
	add_record(pax, used, "GNU.sparse.map", map, size);
	free(map);
}

static void
add_words(char *pax, size_t *used, const char *prefix, const char *const *word, const size_t *size,
	  size_t skip, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *equals = memchr(word[i], '=', size[i]);
		char key[300];

		if (equals == NULL)
			bad("expected KEY=VALUE");
		snprintf(key, sizeof(key), "%s%.*s", prefix, (int)(equals - word[i] - (ptrdiff_t)skip),
			 word[i] + skip);
		add_record(pax, used, key, equals + 1, size[i] - (size_t)(equals + 1 - word[i]));
	}
}

/* What the form has no field for. */
static size_t
extended_header(const struct entry *e, unsigned long long size, char *pax)
{
	bool all = e->form == ALL, go = e->form == GO, gnu = e->form == GNU;
	size_t used = 0;

	add_words(pax, &used, "", e->record, e->record_size, strlen("pax."), e->records);
	if (all || (go && !is_ascii(e->name)) ||
	    (strlen(e->name) > 100 && !gnu && !(e->form == USTAR && splits(e->name))))
		add_text(pax, &used, "path", e->name);
	if (*e->target && (all || (go && !is_ascii(e->target)) || (strlen(e->target) > 100 && !gnu)))
		add_text(pax, &used, "linkpath", e->target);
	if (all || e->time[0] == '-' || strchr(e->time, '.') != NULL)
		add_text(pax, &used, "mtime", e->time);
	if (all || (e->uid > 07777777 && !gnu))
		add_number(pax, &used, "uid", e->uid);
	if (all || (e->gid > 07777777 && !gnu))
		add_number(pax, &used, "gid", e->gid);
	if (all && e->type != '1' && e->type != '2')
		add_number(pax, &used, "size", size);
	add_words(pax, &used, "SCHILY.", e->xattr, e->xattr_size, 0, e->xattrs);
	if (e->sparse > OLD)
		add_map(e, pax, &used);
	return used;
}

/* Noise that no compressor likes (splitmix64). */
static void
put_noise(unsigned long long seed, unsigned long long size)
{
	for (; size > 0; size -= size < 8 ? size : 8) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		z ^= z >> 31;
		put(&z, size < 8 ? (size_t)size : 8);
	}
}

static void
put_content(const struct entry *e)
{
	if (e->text != NULL)
		put(e->text, (size_t)e->size);
	else if (e->sparse == DENSE)
		put_noise(e->seed, e->size);
	else
		for (size_t i = 0; i < e->segments; i++)
			put_noise(e->seed + i, e->length[i]);
}

static void
put_long(char type, const char *text)
{
	size_t size = strlen(text) + 1;

	put_header(&(struct entry){.form = GNU, .target = "", .time = "0"}, type, "././@LongLink", size);
	put(text, size);
	pad(size);
}

/* The map in front of the content, as 1.0 has it: lines of numbers, filled up to a block. */
static char *
map_before(const struct entry *e, size_t *size)
{
	char *map = NULL;
	FILE *text;

	*size = 0;
	if (e->sparse != V10)
		return NULL;
	text = open_memstream(&map, size);
	fprintf(text, "%zu\n", e->segments);
	for (size_t i = 0; i < e->segments; i++)
		fprintf(text, "%llu\n%llu\n", e->offset[i], e->length[i]);
	while (ftell(text) % BLOCK != 0)
		fputc(0, text);
	fclose(text);
	return map;
}

static void
put_entry(const struct entry *e)
{
	static char pax[PAX];
	unsigned long long size = e->sparse == DENSE ? e->claim : 0, stored = e->size;
	size_t used, map_size;
	char *map = map_before(e, &map_size);

	if (e->sparse != DENSE) {
		stored = map_size;
		for (size_t i = 0; i < e->segments; i++)
			stored += e->length[i];
		size = stored;
	}
	used = extended_header(e, size, pax);
	if (e->type == 'g') {
		put_header(e, 'g', e->name, used);
		put(pax, used);
		pad(used);
		return;
	}
	if (used > 0) {
		put_header(e, 'x', "PaxHeader", used);
		put(pax, used);
		pad(used);
	}
	if (e->form == GNU && strlen(e->target) > 100)
		put_long('K', e->target);
	if (e->form == GNU && strlen(e->name) > 100)
		put_long('L', e->name);
	put_header(e, e->type, e->name, size);
	if (e->sparse == OLD)
		put_more_map(e);
	if (map != NULL)
		put(map, map_size);
	put_content(e);
	pad(stored);
	free(map);
}

/* --- The description. */

static void
end_layer(void)
{
	static const char end[2 * BLOCK];

	if (out == NULL)
		return;
	put(end, sizeof(end));
	for (; zeros_behind > 0; zeros_behind -= zeros_behind < BLOCK ? zeros_behind : BLOCK)
		put(end, zeros_behind < BLOCK ? (size_t)zeros_behind : BLOCK);
	if (fclose(out) != 0)
		cannot("the layer");
}

static void
begin_layer(const char *folder)
{
	char path[4096];

	end_layer();
	snprintf(path, sizeof(path), "%s/%u.tar", folder, ++layer);
	out = fopen(path, "w");
	if (out == NULL)
		cannot(path);
}

static char
type_of(const char *kind)
{
	static const char *const kinds[] = {"file", "link", "symlink", "char", "block", "dir", "fifo"};

	if (strcmp(kind, "global") == 0)
		return 'g';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return (char)('0' + i);
	bad("unknown kind of entry");
}

static int
one_of(const char *value, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(value, names[i]) == 0)
			return i + 1;
	bad("unknown value");
}

static void
read_map(struct entry *e, char *value)
{
	char *pair, *comma;

	while ((pair = strsep(&value, ";")) != NULL && *pair) {
		comma = strchr(pair, ',');
		if (comma == NULL || e->segments == SEGMENTS)
			bad("expected OFFSET,LENGTH");
		e->offset[e->segments] = strtoull(pair, NULL, 10);
		e->length[e->segments++] = strtoull(comma + 1, NULL, 10);
	}
}

static void
set_option(struct entry *e, const char *key, char *value, size_t size)
{
	static const char *const forms[] = {"go", "pax", "gnu", "ustar", NULL};
	static const char *const sparse[] = {"old", "0.0", "0.1", "1.0", NULL};

	if (strcmp(key, "mode") == 0)
		e->mode = strtoul(value, NULL, 8);
	else if (strcmp(key, "uid") == 0)
		e->uid = strtoul(value, NULL, 10);
	else if (strcmp(key, "gid") == 0)
		e->gid = strtoul(value, NULL, 10);
	else if (strcmp(key, "time") == 0)
		e->time = value;
	else if (strcmp(key, "to") == 0)
		e->target = value;
	else if (strcmp(key, "dev") == 0 && strchr(value, ','))
		e->major = strtoul(value, NULL, 10), e->minor = strtoul(strchr(value, ',') + 1, NULL, 10);
	else if (strcmp(key, "text") == 0)
		e->text = value, e->size = e->claim = size;
	else if (strcmp(key, "size") == 0)
		e->size = e->claim = strtoull(value, NULL, 10);
	else if (strcmp(key, "claim") == 0)
		e->claim = strtoull(value, NULL, 10);
	else if (strcmp(key, "seed") == 0)
		e->seed = strtoull(value, NULL, 10);
	else if (strcmp(key, "typeflag") == 0)
		e->type = *value;
	else if (strcmp(key, "form") == 0)
		e->form = (enum form)one_of(value, forms);
	else if (strcmp(key, "sparse") == 0)
		e->sparse = (enum sparse)one_of(value, sparse);
	else if (strcmp(key, "map") == 0)
		read_map(e, value);
	else
		bad("unknown key");
}

static void
read_option(struct entry *e, char *word)
{
	char *equals = strchr(word, '=');

	if (equals == NULL)
		bad("expected KEY=VALUE");
	if (strncmp(word, "xattr.", 6) == 0) {
		e->xattr[e->xattrs] = word;
		e->xattr_size[e->xattrs++] = unescape(word);
		return;
	}
	if (strncmp(word, "pax.", 4) == 0) {
		e->record[e->records] = word;
		e->record_size[e->records++] = unescape(word);
		return;
	}
	*equals = '\0';
	set_option(e, word, equals + 1, unescape(equals + 1));
}

static void
read_line(char *line, const char *folder)
{
	struct entry e = {.target = "", .time = "1000000000", .mode = 0644};
	char *word = strsep(&line, " ");

	if (strcmp(word, "layer") == 0) {
		begin_layer(folder);
		return;
	}
	if (strcmp(word, "zeros") == 0 && line != NULL) {
		zeros_behind = strtoull(line, NULL, 10);
		return;
	}
	e.type = type_of(word);
	e.mode = e.type == '5' ? 0755 : 0644;
	e.name = strsep(&line, " ");
	if (e.name == NULL || out == NULL)
		bad("an entry needs a name, and a layer");
	unescape((char *)e.name);
	while ((word = strsep(&line, " ")) != NULL && e.xattrs < WORDS && e.records < WORDS)
		read_option(&e, word);
	if (e.sparse == OLD)
		e.type = 'S';
	put_entry(&e);
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (argc != 2 || argv[1][0] == '-') {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	while ((n = getline(&line, &room, stdin)) > 0) {
		line_number++;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			read_line(line, argv[1]);
	}
	end_layer();
	free(line);
	return 0;
}
