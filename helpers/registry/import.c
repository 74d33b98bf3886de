/* import.c - images out of the engine, and what is said of those that cannot be had. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "lib/words.h"
#include "registry/import.h"
#include "run/failure.h"
#include "run/files.h"

/* Of the orders together, as the engine told it; 0 where it did not. */
static uint64_t
images_size(const struct load *l)
{
	struct list slugs = {0};
	uint64_t size = 0;

	for (size_t i = 0; i < l->orders; i++) {
		const char *slug = l->order[i].slug;

		if (slug != NULL && *slug && !list_has(&slugs, slug)) {
			json_t *image = kept_inspection(slug);

			size += (uint64_t)json_integer_value(json_object_get(image, "Size"));
			json_decref(image);
			list_add(&slugs, slug);
		}
	}
	list_free(&slugs);
	return size;
}

/* What a full disk needs: "" where the reason is another. The caller frees it. */
static char *
explain_room(const struct load *l, const char *why)
{
	long long left = free_bytes(l->folder),
		  copied = l->export.spool >= 0 ? used_bytes(l->export.spool) : 0;
	uint64_t size = images_size(l);
	bool cache = *setting("CACHE_DIR") && is_in_cache(l->folder);
	char *needed, *text;

	if (!tells_full_disk(why))
		return xstrdup("");
	needed = size > 0 ? format("%.1f MB are needed", (double)size / 1e6)
			  : xstrdup("as much as the image is needed");
	text = format(
	    "; a copy goes to '%s', where %s and %.1f MB were free: make room there, or give another %s",
	    l->folder, needed, (double)((left > 0 ? left : 0) + copied) / 1e6,
	    cache ? "CACHE_DIR" : "TMPDIR");
	free(needed);
	return text;
}

/* An order that cannot be had is a failure of its machines, which are named as the user typed them. */
static void
tell_failure(const struct load *l, const struct order *w, const char *why)
{
	char *name = w->keys ? typed_names(w->keys) : format("%s:%s", w->name.path, w->name.tag),
	     *room = explain_room(l, why), *reason = format("cannot be served: %s%s", why, room);

	complain("%s: %s", name, reason);
	failure_write(w->keys, "serve", EXIT_NO, reason);
	free(reason);
	free(room);
	free(name);
}

/* Of an export of several images each machine has its share, for its record. */
static void
note_seconds(const struct load *l)
{
	for (size_t i = 0; i < l->orders; i++) {
		char *keys = xstrdup(l->order[i].keys ? l->order[i].keys : ""), *rest = NULL,
		     *line = format("export %lld",
				    (long long)(l->export_ms + l->remainder_ms) / (long long)l->orders);

		for (char *key = strtok_r(keys, " ", &rest); key; key = strtok_r(NULL, " ", &rest)) {
			char *path = run_file(key, OF_SECONDS);

			append_line(path, line);
			free(path);
		}
		free(line);
		free(keys);
	}
}

static bool
goes_on(void)
{
	return *setting("KEEP_GOING") != '\0';
}

/*
 * Whether all orders of l are ready. What is wrong with those that are not is said, but where each is to be
 * tried alone.
 */
static bool
load_or_tell(struct load *l, struct catalog *c, size_t first)
{
	char(*why)[WHY] = xmalloc(l->orders * sizeof(*why));
	bool all = load_images(l, c, first, why);

	end_as_caught();
	if (all)
		note_seconds(l);
	if (!all && (l->exported || l->orders == 1 || !goes_on()))
		for (size_t i = 0; i < l->orders; i++)
			if (*why[i])
				tell_failure(l, &l->order[i], why[i]);
	free(why);
	return all;
}

/* Where the time went, for V=2 and the bench. */
static void
tell_load(const struct load *l, const struct catalog *c)
{
	size_t layers = 0, compressed = 0;

	if (strcmp(setting("V"), "2") != 0)
		return;
	for (size_t i = 0; i < c->images; i++)
		for (size_t k = 0; k < c->image[i].layers; k++) {
			layers++;
			compressed += strchr(c->image[i].layer[k].type, '+') != NULL;
		}
	step_line(
	    "EXPORT",
	    "%.1f MB in %lld ms, the first byte after %lld, served %lld ms later: %zu of %zu layers compressed",
	    (double)l->bytes / 1e6, (long long)l->export_ms, (long long)l->first_ms,
	    (long long)l->remainder_ms, compressed, layers);
}

/* An export of several may fail for one of them: under -k each has an export of its own then. */
static void
load_each(struct import *im, const struct load *like, struct catalog *c)
{
	for (size_t i = 0; i < like->orders; i++) {
		im->load[i] = *like;
		im->load[i].order = &like->order[i];
		im->load[i].orders = 1;
		load_or_tell(&im->load[i], c, i);
	}
	im->loads = like->orders;
}

void
import_images(struct import *im, const struct load *like, struct catalog *c)
{
	im->load = xmalloc(like->orders * sizeof(*im->load));
	im->load[0] = *like;
	if (like->orders == 1) /* several may share layers */
		im->load[0].expected = images_size(like);
	im->loads = 1;
	if (load_or_tell(&im->load[0], c, 0))
		tell_load(&im->load[0], c);
	else if (!goes_on())
		exit(EXIT_NO);
	else if (!im->load[0].exported && like->orders > 1)
		load_each(im, like, c);
}

void
import_free(struct import *im)
{
	for (size_t i = 0; i < im->loads; i++)
		load_free(&im->load[i]);
	free(im->load);
}
