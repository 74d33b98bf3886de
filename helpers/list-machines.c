/*
 * list-machines - the machines of CACHE_DIR, those that were used last first: a table, JSON, or what they have saved.
 *
 * With a machine (a name, 16 hex digits, a key, an image ID) only that one, and all that its manifest says; with the path of a
 * sidecar, anybody's, the same of that.
 * Exit: 0; 1 there is no such machine, or no such file; 100 called wrongly; 111 trouble.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"
#include "machine/counts.h"
#include "machine/entries.h"
#include "machine/room.h"
#include "machine/sidecar.h"

#define USAGE                                                                                                \
	"usage: list-machines [-hj]\n"                                                                       \
	"       list-machines [-j] -m MACHINE\n"                                                             \
	"       list-machines [-j] -f SIDECAR\n"                                                             \
	"       list-machines [-j] -s\n"                                                                     \
	"  -f  what a sidecar's manifest says\n"                                                             \
	"  -j  as JSON\n"                                                                                    \
	"  -m  one machine: a name that an image had, 16 hex digits, or an image ID\n"                       \
	"  -s  hits, misses, and what the hits have saved\n"                                                 \
	"  environment: CACHE_DIR\n"

enum { COLUMNS = 8 };

static bool json;

/* --- Words for people */

/* How long ago that was. */
static char *
ago(int64_t then)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	int64_t passed = (int64_t)time(NULL) - then;

	for (size_t i = 0; i < LENGTH(units); i++)
		if (passed >= 2 * units[i].seconds || (i == LENGTH(units) - 1 && passed >= 0))
			return format("%lld %s", (long long)(passed / units[i].seconds), units[i].unit);
	return xstrdup("0 s");
}

/* Control bytes become '?': what others have named ends up on terminals. */
static char *
printable(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	return text;
}

static void
put_line(const char *text)
{
	if (puts(text) == EOF)
		die_errno(EXIT_SYSTEM, "cannot print it");
}

static void
put_json(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;

	if (text == NULL)
		die(EXIT_SYSTEM, "cannot write JSON of it (a value that is not UTF-8?)");
	put_line(text);
	free(text);
	json_decref(value);
}

/* --- All machines */

static json_t *
time_json(int64_t when)
{
	time_t t = (time_t)when;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *
sidecar_path(const char *key)
{
	char *path = format("%s/%s.smolmachine.smolmachine", setting("CACHE_DIR"), key);
	json_t *text = json_words(path);

	free(path);
	return text;
}

static json_t *
entry_json(const struct entry_of_cache *e)
{
	json_t *names = json_array();

	for (size_t i = 0; i < e->names.count; i++)
		json_array_append_new(names, json_words(e->names.at[i]));
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:s, s:o, s:b, s:f, s:o}", "key", e->key,
			 "image_id", e->id, "names", names, "bytes", (json_int_t)e->bytes, "made",
			 time_json(e->made), "used", time_json(e->used), "smolvm_version",
			 json_words(e->smolvm), "packed_by", e->native ? "smolmake" : "smolvm", "options",
			 json_words(e->options), "pinned", e->pinned, "seconds", e->seconds, "sidecar",
			 sidecar_path(e->key));
}

static void
list_json(const struct entries *all)
{
	json_t *array = json_array();

	for (size_t i = 0; i < all->count; i++)
		json_array_append_new(array, entry_json(&all->at[i]));
	put_json(array);
}

static void
fill_row(const struct entry_of_cache *e, char *cell[COLUMNS])
{
	cell[0] = xstrdup(e->key);
	cell[1] = bytes_text(e->bytes);
	cell[2] = ago(e->made);
	cell[3] = ago(e->used);
	cell[4] = xstrdup(*e->smolvm ? e->smolvm : "?");
	cell[5] = xstrdup(e->native ? "smolmake" : "smolvm");
	cell[6] =
	    format("%s%s%s", e->options, e->pinned && *e->options ? " " : "", e->pinned ? "pinned" : "");
	cell[7] = list_join(&e->names, ", ");
}

static void
print_row(char *cell[COLUMNS], const size_t width[COLUMNS])
{
	char *line = xstrdup("");
	size_t end;

	for (size_t i = 0; i < COLUMNS; i++) {
		char *longer;

		if (width[i] == 0)
			continue;
		longer = format("%s%s%-*s", line, *line ? "  " : "", (int)width[i], cell[i]);
		free(line);
		line = longer;
	}
	for (end = strlen(line); end > 0 && line[end - 1] == ' '; end--)
		line[end - 1] = '\0';
	put_line(printable(line));
	free(line);
}

/* A column in which nobody has anything is left out; the names, which are last, are as long as they are. */
static void
list_table(const struct entries *all)
{
	char *head[COLUMNS] = {"ID", "SIZE", "MADE", "USED", "SMOLVM", "BY", "OPTIONS", "NAMES"},
	     *(*row)[COLUMNS];
	size_t width[COLUMNS] = {0};
	struct room *room = room_of(all);
	char *sum;

	row = xmalloc((all->count + 1) * sizeof(*row));
	for (size_t i = 0; i < all->count; i++) {
		fill_row(&all->at[i], row[i]);
		for (size_t k = 0; k < COLUMNS; k++)
			if (strlen(row[i][k]) > width[k])
				width[k] = strlen(row[i][k]);
	}
	for (size_t k = 0; k < COLUMNS; k++)
		if (width[k] > 0 && width[k] < strlen(head[k]))
			width[k] = strlen(head[k]);
	if (all->count > 0)
		print_row(head, width);
	for (size_t i = 0; i < all->count; i++) {
		print_row(row[i], width);
		for (size_t k = 0; k < COLUMNS; k++)
			free(row[i][k]);
	}
	free(row);
	sum = bytes_text(room_taken(room));
	room_free(room);
	printf("%zu machine%s, %s\n", all->count, all->count == 1 ? "" : "s", sum);
	free(sum);
}

/* --- One of them */

/* The names of variables may be told, their values not: they are where secrets are. */
static void
hide_values(json_t *manifest)
{
	json_t *env = json_object_get(manifest, "env"), *names = json_array(), *one;
	size_t i;

	json_array_foreach(env, i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL)
			json_array_append_new(names, json_stringn(text, strcspn(text, "=")));
	}
	if (env != NULL)
		json_object_set(manifest, "env", names);
	json_decref(names);
}

static void
put_field(const char *name, json_t *value)
{
	char *text = json_is_string(value) ? xstrdup(json_string_value(value))
					   : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	printf("%-16s %s\n", name, text ? printable(text) : "");
	free(text);
}

static void
describe(const char *path, const struct entry_of_cache *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	json_t *manifest, *all, *value;
	struct sidecar s;
	const char *name;
	char why[200];

	if (fd < 0)
		refuse("FILE: '%s' cannot be opened; give the path of a sidecar", path);
	if (!read_sidecar(fd, &s, why))
		refuse("'%s': %s", path, why);
	manifest = sidecar_manifest(fd, &s);
	close(fd);
	hide_values(manifest);
	all = e != NULL ? entry_json(e) : json_object();
	if (json) {
		json_object_set_new(all, "manifest", manifest);
		put_json(all);
		return;
	}
	json_object_foreach(all, name, value) put_field(name, value);
	json_object_foreach(manifest, name, value) put_field(name, value);
	json_decref(manifest);
	json_decref(all);
}

static void
describe_machine(const char *what)
{
	char *key = find_key(what), *path;
	struct entries all;

	if (key == NULL)
		refuse("IMAGE: no machine is called '%s'; `make list` tells which there are", what);
	path = format("%s.smolmachine.smolmachine", key);
	entries_read(&all);
	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.at[i].key, key) == 0)
			describe(path, &all.at[i]);
	entries_free(&all);
	free(path);
	free(key);
}

/* --- What they have saved */

static void
tell_counts(void)
{
	struct counts c;
	char *bytes;

	counts_read(&c);
	if (json) {
		put_json(json_pack("{s:I, s:I, s:I, s:f, s:f}", "hits", (json_int_t)c.hits, "misses",
				   (json_int_t)c.misses, "packed_bytes", (json_int_t)c.bytes,
				   "packed_seconds", (double)c.spent_ms / 1e3, "saved_seconds",
				   (double)c.saved_ms / 1e3));
		return;
	}
	bytes = bytes_text(c.bytes);
	printf("hits    %llu, which have saved %.1f s of packing\n", (unsigned long long)c.hits,
	       (double)c.saved_ms / 1e3);
	printf("misses  %llu, which have packed %s in %.1f s\n", (unsigned long long)c.misses, bytes,
	       (double)c.spent_ms / 1e3);
	free(bytes);
}

/* --- How it is called */

static void
enter(void)
{
	if (!cache_is_there()) {
		put_line(json ? "[]" : NO_CACHE);
		exit(0);
	}
	enter_cache();
}

int
main(int argc, char **argv)
{
	const char *machine = NULL, *file = NULL;
	struct entries all;
	bool counts = false;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hf:jm:s")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'f':
			file = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'm':
			machine = optarg;
			break;
		case 's':
			counts = true;
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind != argc || (machine != NULL) + (file != NULL) + counts > 1)
		bad_usage(USAGE);
	if (file != NULL) {
		describe(file, NULL);
		return 0;
	}
	enter();
	if (machine != NULL)
		describe_machine(machine);
	else if (counts)
		tell_counts();
	else {
		entries_read(&all);
		(json ? list_json : list_table)(&all);
		entries_free(&all);
	}
	if (fflush(stdout) != 0)
		die_errno(EXIT_SYSTEM, "cannot print it");
	return 0;
}
