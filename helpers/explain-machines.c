/*
 * explain-machines - says of each image of $RUN/images, which is identified, whether its machine is there, and why or why not.
 *
 * Changes nothing. What is compared with is the machine that the name led to last (by-name), and its record.
 * Exit: 0; 1 another image's machine stands under a key; 100 called wrongly; 111 trouble.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lib/json.h"
#include "machine/entries.h"
#include "machine/machine.h"
#include "machine/options.h"
#include "machine/record.h"
#include "machine/used.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE "usage: explain-machines [-h]   (environment: CACHE_DIR RUN FORCE)\n"

static json_t *
record_of(const char *key)
{
	struct machine m = name_machine(key);
	json_t *record = read_record(m.record);

	free_machine(&m);
	return record;
}

/* ", and layer 3 of 5 is the first to differ"; "" where the record does not say which it had. The caller frees it. */
static char *
first_difference(json_t *record, const char *slug)
{
	json_t *was = json_object_get(record, "layers"), *image = kept_inspection(slug),
	       *is = json_object_get(json_object_get(image, "RootFS"), "Layers");
	size_t n = json_array_size(is), same = 0;
	char *text;

	while (same < n && same < json_array_size(was) &&
	       json_equal(json_array_get(is, same), json_array_get(was, same)))
		same++;
	if (n == 0 || json_array_size(was) == 0)
		text = xstrdup("");
	else if (same < n)
		text = format(", and layer %zu of %zu is the first to differ", same + 1, n);
	else
		text = format(", and its %zu layers are as they were: only its configuration differs", n);
	json_decref(image);
	return text;
}

/* "CPUS='2' (was '')" of each option that is another. The caller frees it. */
static char *
changed_options(json_t *record, const struct list *settings)
{
	json_t *packed = json_object_get(record, "options");
	struct list changed = {0};
	char *all;

	for (size_t i = 0; i < option_count; i++) {
		const char *was = json_text(packed, options[i].name),
			   *is = value_of(settings, options[i].name);

		if (options[i].pack_flag != NULL && strcmp(was, is) != 0)
			list_addf(&changed, "%s='%s' (was '%s')", options[i].name, is, was);
	}
	all = list_join(&changed, ", ");
	list_free(&changed);
	return all;
}

/* Why there is none, by the machine that the name led to last. The caller frees it. */
static char *
reason_of(const char *slug, const char *key, const struct list *settings)
{
	char *old = key_by_name(value_of(settings, "IMAGE")), *detail, *reason;
	json_t *record = old ? record_of(old) : NULL;

	if (old == NULL)
		reason = xstrdup("no image of that name was packed before");
	else if (strcmp(old, key) == 0)
		reason = xstrdup("its machine was removed");
	else if (strncmp(old, key, ID16) == 0) {
		detail = changed_options(record, settings);
		reason = format("it was packed with other options last: %s",
				*detail ? detail : "those are not known any more");
		free(detail);
	} else {
		detail = first_difference(record, slug);
		reason = format("the image has changed: it was %.*s%s", ID16, old, detail);
		free(detail);
	}
	json_decref(record);
	free(old);
	return reason;
}

static void
tell_cost(const char *key)
{
	json_t *record = record_of(key);
	double seconds = record_seconds(record);

	if (seconds > 0)
		printf("; the last pack took %.1f s", seconds);
	json_decref(record);
}

static void
tell_hit(const char *name, const char *key)
{
	json_t *record = record_of(key);

	printf("%s: a hit: %s is there", name, key);
	if (record != NULL)
		printf(", packed by %s for smolvm %s at %s, which took %.1f s",
		       *json_text(record, "packed_by") ? json_text(record, "packed_by") : "smolvm",
		       json_text(record, "smolvm_version"), json_text(record, "created"),
		       record_seconds(record));
	else
		printf("; it has no record of how it was packed");
	putchar('\n');
	json_decref(record);
}

static void
tell_miss(const char *name, const char *key, const char *reason)
{
	char *old = key_by_name(name);

	printf("%s: a miss: %s", name, reason);
	if (old != NULL)
		tell_cost(old);
	printf("; make smolmachine would pack %s by ROUTE=%s PACK=%s\n", key, setting("ROUTE"),
	       setting("PACK"));
	free(old);
}

static void
explain(const char *slug)
{
	char *id_file = run_file(slug, OF_ID), *id = first_line(id_file), hex[SHA256_HEX + 1];
	char *layers_file = run_file(slug, OF_LAYERS), *layers = first_line(layers_file);
	struct list settings = {0};
	char *key, *reason, *name = typed_name(slug);
	struct finding f;

	if (id != NULL && digest_hex(id, hex)) {
		read_settings(slug, &settings);
		key = format("%.*s%s", ID16, hex, value_of(&settings, "SUFFIX"));
		list_addf(&settings, "IMAGE_ID=%s", id);
		list_addf(&settings, "LAYERS=%s", layers ? layers : "0");
		switch (machine_state(key, &settings, &f)) {
		case WHOLE:
			if (strcmp(setting("FORCE"), "1") == 0)
				tell_miss(name, key, "FORCE=1 packs it anew");
			else
				tell_hit(name, key);
			break;
		case MISSING:
			reason = reason_of(slug, key, &settings);
			tell_miss(name, key, reason);
			free(reason);
			break;
		case DAMAGED:
		case UNFIT:
			reason = format("its machine is %s: %s",
					f.state == DAMAGED ? "not whole" : "of no use here", f.why);
			tell_miss(name, key, reason);
			free(reason);
		}
		free(key);
		list_free(&settings);
	}
	free(name);
	free(layers);
	free(layers_file);
	free(id);
	free(id_file);
}

int
main(int argc, char **argv)
{
	struct list slugs = {0};

	if (operands(argc, argv, USAGE) != argc)
		bad_usage(USAGE);
	enter_cache();
	supervise();
	read_slugs(&slugs);
	for (size_t i = 0; i < slugs.count; i++)
		explain(slugs.at[i]);
	list_free(&slugs);
	end_as_caught();
	return 0;
}
