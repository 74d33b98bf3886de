/*
 * make-layers - layers of an image, entry by entry as a description says, good and bad ones alike.
 *
 * For the tests of what reads layers, so it shares no code with that and asks no library what a tar is. From
 *stdin, one entry a line, words separated by one blank, %XX for a byte in any of them:
 *
 *	layer                                       what follows goes into FOLDER/1.tar, the next time
 *FOLDER/2.tar, ... KIND NAME [KEY=VALUE]...                    KIND: dir file link symlink char block fifo
 *
 *	mode=OCTAL uid=N gid=N time=SECONDS[.NANOSECONDS] to=TARGET dev=MAJOR,MINOR xattr.user.x=VALUE
 *	pax.KEY=VALUE (a record of the extended header as it is)
 *	text=CONTENT, or size=BYTES of noise from the seed seed=N; claim=BYTES puts another size in the header
 *
 * Exit: 0 written; 100 usage, or a line that is none of these; 111 cannot be written.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE "usage: make-layers FOLDER < description\n"

enum { BLOCK = 512, WORDS = 64, PAX = 1 << 18, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

struct entry {
	char type; /* tar's typeflag */
	const char *name, *target;
	unsigned long mode, uid, gid, major, minor;
	const char *time;
	const char *text; /* or NULL: noise */
	unsigned long long size, claim, seed;
	size_t xattrs;
	const char *xattr[WORDS]; /* xattr.NAME=VALUE or pax.KEY=VALUE, with lengths: values hold any byte */
	size_t xattr_size[WORDS];
};

static FILE *out;
static unsigned line_number, layer;

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

static void
put_header(const struct entry *e, char type, const char *name, unsigned long long size)
{
	static const char magic[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
	char h[BLOCK] = {0};
	unsigned sum = 0;
	long long seconds = e->time[0] == '-' ? 0 : strtoll(e->time, NULL, 10);

	strncpy(h, name, 100);
	put_number(h + 100, 7, e->mode);
	put_number(h + 108, 7, e->uid);
	put_number(h + 116, 7, e->gid);
	put_number(h + 124, 11, size);
	put_number(h + 136, 11, (unsigned long long)seconds);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (type != 'x')
		strncpy(h + 157, e->target, 100);
	memcpy(h + 257, magic, sizeof(magic));
	put_number(h + 329, 7, e->major);
	put_number(h + 337, 7, e->minor);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	put(h, BLOCK);
}

static void
add_number(char *pax, size_t *used, const char *key, unsigned long value)
{
	char text[32];

	if (value > 07777777)
		add_record(pax, used, key, text, (size_t)snprintf(text, sizeof(text), "%lu", value));
}

/* What a plain header cannot say. */
static size_t
extended_header(const struct entry *e, char *pax)
{
	size_t used = 0;

	if (strlen(e->name) > 100)
		add_record(pax, &used, "path", e->name, strlen(e->name));
	if (strlen(e->target) > 100)
		add_record(pax, &used, "linkpath", e->target, strlen(e->target));
	if (e->time[0] == '-' || strchr(e->time, '.') != NULL)
		add_record(pax, &used, "mtime", e->time, strlen(e->time));
	add_number(pax, &used, "uid", e->uid);
	add_number(pax, &used, "gid", e->gid);
	for (size_t i = 0; i < e->xattrs; i++) {
		const char *equals = memchr(e->xattr[i], '=', e->xattr_size[i]);
		bool pax_key = strncmp(e->xattr[i], "pax.", 4) == 0;
		const char *name = e->xattr[i] + (pax_key ? 4 : 0);
		char key[300];

		if (equals == NULL)
			bad("xattr without a value");
		snprintf(key, sizeof(key), "%s%.*s", pax_key ? "" : "SCHILY.", (int)(equals - name), name);
		add_record(pax, &used, key, equals + 1,
			   e->xattr_size[i] - (size_t)(equals + 1 - e->xattr[i]));
	}
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
put_entry(const struct entry *e)
{
	static char pax[PAX];
	size_t used = extended_header(e, pax);

	if (used > 0) {
		put_header(e, 'x', "PaxHeader", used);
		put(pax, used);
		pad(used);
	}
	put_header(e, e->type, e->name, e->claim);
	if (e->text != NULL)
		put(e->text, (size_t)e->size);
	else
		put_noise(e->seed, e->size);
	pad(e->size);
}

/* --- The description. */

static void
end_layer(void)
{
	static const char end[2 * BLOCK];

	if (out == NULL)
		return;
	put(end, sizeof(end));
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

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return (char)('0' + i);
	bad("unknown kind of entry");
}

static void
set_option(struct entry *e, const char *key, char *value, size_t size)
{
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
	else
		bad("unknown key");
}

static void
read_option(struct entry *e, char *word)
{
	char *equals = strchr(word, '=');

	if (equals == NULL)
		bad("expected KEY=VALUE");
	if (strncmp(word, "xattr.", 6) == 0 || strncmp(word, "pax.", 4) == 0) {
		e->xattr[e->xattrs] = word;
		e->xattr_size[e->xattrs++] = unescape(word);
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
	e.type = type_of(word);
	e.mode = e.type == '5' ? 0755 : 0644;
	e.name = strsep(&line, " ");
	if (e.name == NULL || out == NULL)
		bad("an entry needs a name, and a layer");
	unescape((char *)e.name);
	while ((word = strsep(&line, " ")) != NULL && e.xattrs < WORDS)
		read_option(&e, word);
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
