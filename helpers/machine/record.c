/*
 * record.c - writes records, and judges machines by theirs.
 *
 * A key holds 16 hex of the image's ID and 8 of its options: what the record says in full is compared with
 * what is asked. What older versions did not write down is not held against a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/json.h"
#include "machine/options.h"
#include "machine/record.h"
#include "run/files.h"

enum { RECORD_MAX = 1 << 20 };

json_t *
read_record(const char *path)
{
	char *text = read_private(AT_FDCWD, path, RECORD_MAX);
	json_t *record;

	if (text == NULL)
		return NULL;
	record = json_loads(text, 0, NULL);
	free(text);
	errno = EINVAL;
	return record;
}

bool
record_describes(json_t *record, const struct sidecar *s, long long launcher, long long sidecar)
{
	const char *digest = json_string_value(json_object_get(record, "digest"));
	json_t *sizes = json_object_get(record, "sizes");

	return json_integer_value(json_object_get(sizes, "sidecar")) == sidecar &&
	       json_integer_value(json_object_get(sizes, "launcher")) == launcher &&
	       (digest == NULL || strcmp(digest, s->digest) == 0);
}

const char *
record_launcher(json_t *record)
{
	return json_string_value(json_object_get(record, "launcher_sha256"));
}

const char *
record_reference(json_t *record)
{
	return json_string_value(json_object_get(record, "reference"));
}

double
record_seconds(json_t *record)
{
	double seconds = 0;
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(record, "seconds"), name, value) seconds +=
	    json_number_value(value);
	return seconds;
}

static _Noreturn void
refuse_options(const char *sidecar, const char *name, const char *is, const char *asked)
{
	refuse(
	    "'%s' was packed with %s='%s', and %s='%s' is asked for: the first 8 hex of their options' hashes are alike; move it away, then run make again",
	    sidecar, name, is, name, asked);
}

void
refuse_collision(json_t *record, const struct list *settings, const char *sidecar)
{
	const char *id = json_text(record, "image_id"), *asked = value_of(settings, "IMAGE_ID");
	const char *content = json_text(record, "smolfile_sha256");
	json_t *packed = json_object_get(record, "options");

	if (*id && *asked && strcmp(id, asked) != 0)
		refuse(
		    "'%s' is another image's machine (%s) whose ID begins alike; move it away, then run make again",
		    sidecar, id);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &options[i];
		const char *is = json_text(packed, o->name);

		if (o->pack_flag == NULL)
			continue;
		asked = value_of(settings, o->name);
		if (o->kind == OPTION_CONTENT ? !*is != !*asked : strcmp(is, asked) != 0)
			refuse_options(sidecar, o->name, is, asked);
	}
	asked = value_of(settings, "SMOLFILE_SHA256");
	if (*content && strcmp(content, asked) != 0)
		refuse_options(sidecar, "SMOLFILE", content, asked);
}

/* {"tag": 0.021, ...} of lines "tag 21" (milliseconds); of a repeated stage the last. */
static void
add_seconds(json_t *seconds, char *path)
{
	char *text = read_text(path, 65536, NULL), *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *blank = strchr(line, ' ');

		if (blank) {
			*blank = '\0';
			json_object_set_new(seconds, line,
					    json_real((double)strtoll(blank + 1, NULL, 10) / 1000));
		}
	}
	free(text);
	free(path);
}

void
write_record(const char *path, const struct packing *p)
{
	json_t *packed = json_object(), *seconds = json_object(), *root;
	const char *content = value_of(p->settings, "SMOLFILE_SHA256");
	char created[32] = "", *text;
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (size_t i = 0; i < option_count; i++)
		if (options[i].pack_flag && *value_of(p->settings, options[i].name))
			json_object_set_new(packed, options[i].name,
					    json_words(value_of(p->settings, options[i].name)));
	add_seconds(seconds, run_file(value_of(p->settings, "SLUG"), OF_SECONDS));
	add_seconds(seconds, run_path(RUN_REGISTRY));
	add_seconds(seconds, run_file(p->key, OF_SECONDS));
	root = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s*, s:O*, s:b, s:s, s:s, s:s, s:{s:I, s:I}, s:o}",
	    "image_id", value_of(p->settings, "IMAGE_ID"), "engine_id", value_of(p->settings, "ENGINE_ID"),
	    "image", value_of(p->settings, "IMAGE"), "reference", p->reference, "digest", p->sidecar->digest,
	    "smolvm_version", p->sidecar->version, "created", created, "options", packed, "smolfile_sha256",
	    *content ? content : NULL, "layers", p->layers, "one_layer", p->one_layer, "launcher_sha256",
	    p->launcher_sha256, "sidecar_sha256", p->sidecar_sha256, "packed_by",
	    p->native ? "smolmake" : "smolvm", "sizes", "launcher", (json_int_t)p->sizes[0], "sidecar",
	    (json_int_t)p->sizes[1], "seconds", seconds);
	text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
	if (text == NULL)
		die(EXIT_SYSTEM, "cannot write a record of '%s' (a value that is not UTF-8?)", p->key);
	write_file(path, text, strlen(text), 0600);
	free(text);
	json_decref(root);
}
