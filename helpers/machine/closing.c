/* closing.c - what is said of each image when a run has ended. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/closing.h"
#include "machine/counts.h"
#include "machine/ends.h"
#include "machine/machine.h"
#include "machine/record.h"
#include "machine/used.h"
#include "run/failure.h"
#include "run/files.h"

/* A program that is killed writes nothing down. */
#define WORDLESS                                                                                             \
	"it ended and left no reason, as a program that is killed does, or one whose disk is full; see the lines above"

/* What is known of the end of each image, in the user's order. */
struct ends {
	struct list reasons;    /* NAME: STEP: REASON */
	struct list failed;     /* their names, as typed */
	struct list unfinished; /* slugs */
};

static void
add_failure(struct ends *e, const char *slug, const char *step, const char *reason)
{
	char *typed = typed_name(slug);

	list_addf(&e->reasons, "%s: %s: %s", typed, step, reason);
	list_add(&e->failed, typed);
	free(typed);
}

static void
add_end(struct ends *e, const char *slug, bool ids)
{
	struct failure f;

	switch (image_end(slug, ids, &f)) {
	case DONE:
		break;
	case FAILED:
		add_failure(e, slug, f.step, f.reason);
		failure_free(&f);
		break;
	case UNFINISHED:
		list_add(&e->unfinished, slug);
	}
}

/* Nothing stopped it, so it has failed itself, at the step that it was at. */
static void
add_wordless(struct ends *e, const char *slug)
{
	add_failure(e, slug, last_step(slug), WORDLESS);
}

static void
add_unfinished(struct list *lines, const struct list *slugs)
{
	struct list names = {0};
	char *all;

	for (size_t i = 0; i < slugs->count; i++) {
		char *typed = typed_name(slugs->at[i]);

		list_add(&names, typed);
		free(typed);
	}
	all = list_join(&names, ", ");
	list_addf(lines, "not finished, since make stops at a failure (make -k goes on): %s", all);
	free(all);
	list_free(&names);
}

/* A single failure is told in the last line itself. */
static void
add_failed(struct list *lines, const struct ends *e, size_t images)
{
	char *what = e->failed.count == 1 ? xstrdup(e->reasons.at[0]) : list_join(&e->failed, ", ");

	if (e->failed.count > 1)
		for (size_t i = 0; i < e->reasons.count; i++)
			list_addf(lines, "  FAILED  %s", e->reasons.at[i]);
	if (e->failed.count > 0)
		list_addf(lines, "%zu of %zu failed: %s", e->failed.count, images, what);
	free(what);
}

void
closing_lines(struct list *lines, bool ids, bool go_on)
{
	struct list slugs = {0};
	struct ends e = {0};

	read_slugs(&slugs);
	for (size_t i = 0; i < slugs.count; i++)
		add_end(&e, slugs.at[i], ids);
	if (e.unfinished.count > 0 && e.failed.count > 0 && !go_on)
		add_unfinished(lines, &e.unfinished);
	else
		for (size_t i = 0; i < e.unfinished.count; i++)
			add_wordless(&e, e.unfinished.at[i]);
	add_failed(lines, &e, slugs.count);
	list_free(&e.reasons);
	list_free(&e.failed);
	list_free(&e.unfinished);
	list_free(&slugs);
}

/* --- Machines that are there */

/* What its record says it took, in milliseconds; *bytes: of launcher and sidecar. */
static uint64_t
cost_of(const char *key, uint64_t *bytes)
{
	struct machine m = name_machine(key);
	json_t *record = read_record(m.record), *sizes = json_object_get(record, "sizes");
	double seconds = record_seconds(record);

	*bytes = (uint64_t)(json_integer_value(json_object_get(sizes, "launcher")) +
			    json_integer_value(json_object_get(sizes, "sidecar")));
	json_decref(record);
	free_machine(&m);
	return (uint64_t)(seconds * 1e3);
}

/* The commands that boot it: with any smolvm of whose kind that has been seen to (run: `make check-real`). */
static void
tell_boot(const char *key)
{
	struct machine m = name_machine(key);

	say_line("          boot it: '%s/%s' run", setting("CACHE_DIR"), m.launcher);
	say_line("          or keep it: %s machine create --name NAME --from '%s/%s'", setting("SMOLVM"),
		 setting("CACHE_DIR"), m.sidecar);
	free_machine(&m);
}

/* A machine that this run has made or found. */
struct closed {
	char *key, *typed, *size;
	bool made;
	uint64_t cost; /* ms */
};

static void
note_use(struct closed *m, struct counts *c)
{
	uint64_t bytes;

	m->cost = cost_of(m->key, &bytes);
	m->size = bytes_text(bytes);
	m->made = was_packed(m->key);
	use_machine(m->key, m->typed);
	if (m->made) {
		c->misses++;
		c->spent_ms += m->cost;
		c->bytes += bytes;
	} else {
		c->hits++;
		c->saved_ms += m->cost;
	}
}

/* A single one took as long as the run did. */
static void
tell_one(const struct closed *m, int64_t ms)
{
	if (!m->made) {
		step_line("CACHED", "%s %.*s", m->typed, ID16, m->key);
		return;
	}
	step_line("DONE", "%s %.*s, %s in %.1f s", m->typed, ID16, m->key, m->size, (double)ms / 1e3);
	if (*setting("SILENT") == '\0')
		tell_boot(m->key);
}

enum { NAME_COLUMN = 32 }; /* a longer name does not move those of the others */

static void
tell_table(const struct closed *m, size_t count)
{
	size_t widest = 0;

	for (size_t i = 0; i < count; i++)
		if (strlen(m[i].typed) > widest && strlen(m[i].typed) <= NAME_COLUMN)
			widest = strlen(m[i].typed);
	for (size_t i = 0; i < count; i++) {
		char *took = m[i].made ? format(" in %.1f s", (double)m[i].cost / 1e3) : xstrdup("");

		step_line(m[i].made ? "DONE" : "CACHED", "%-*s  %.*s  %7s%s", (int)widest, m[i].typed, ID16,
			  m[i].key, m[i].size, took);
		free(took);
	}
}

bool
close_machines(int64_t ms)
{
	struct list slugs = {0};
	struct counts c = {0};
	struct closed *m;
	size_t count = 0;

	read_slugs(&slugs);
	m = xmalloc((slugs.count + 1) * sizeof(*m));
	for (size_t i = 0; i < slugs.count; i++) {
		char *key = image_key(slugs.at[i]);

		if (key != NULL && has_machine(key)) {
			m[count] = (struct closed){.key = xstrdup(key), .typed = typed_name(slugs.at[i])};
			note_use(&m[count++], &c);
		}
		free(key);
	}
	if (slugs.count == 1 && count == 1)
		tell_one(m, ms);
	else
		tell_table(m, count);
	for (size_t i = 0; i < count; i++) {
		free(m[i].size);
		free(m[i].typed);
		free(m[i].key);
	}
	free(m);
	if (count > 0)
		counts_add(&c);
	list_free(&slugs);
	return c.misses > 0;
}
