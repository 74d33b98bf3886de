/* container.c - the image of a registry container, and what is said of one that cannot be had. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/container.h"
#include "engine/engine.h"
#include "engine/kind.h"
#include "engine/sweep.h"
#include "run/failure.h"

static const char *because;

void
container_because(const char *why)
{
	because = why;
}

/* The caller frees it. */
static char *
sentence(const char *image, const char *remedy, const char *what, va_list args)
{
	char is[600];

	vsnprintf(is, sizeof(is), what, args);
	if (because == NULL)
		return format("REGISTRY_IMAGE: '%s' %s; %s", image, is, remedy);
	return format(
	    "ROUTE: push takes a registry container where %s, and its image '%s' %s; leave ROUTE out, or give REGISTRY_IMAGE=<an image that is here>",
	    because, image, is);
}

void
refuse_container(const char *image, const char *remedy, const char *what, ...)
{
	va_list args;
	char *text;

	va_start(args, what);
	text = sentence(image, remedy, what, args);
	va_end(args);
	refuse("%s", text);
}

void
complain_container(const char *image, const char *remedy, const char *what, ...)
{
	va_list args;
	char *text;

	va_start(args, what);
	text = sentence(image, remedy, what, args);
	va_end(args);
	complain("%s", text);
	failure_note(EXIT_NO, text);
	free(text);
}

static unsigned
tool_timeout(void)
{
	return seconds_setting("TOOL_TIMEOUT", 30);
}

/* A field of CSV, quoted. The caller frees it. */
static char *
quoted(const char *field)
{
	char *text = xmalloc(2 * strlen(field) + 3), *p = text;

	*p++ = '"';
	for (; *field; field++) {
		if (*field == '"')
			*p++ = '"';
		*p++ = *field;
	}
	*p++ = '"';
	*p = '\0';
	return text;
}

/*
 * The volumes that the image declares, anonymous as they are without us, but labelled: an engine that is
 * started again takes the container away and forgets them.
 */
static void
add_volumes(const char *docker, const char *owner, json_t *declared, struct list *mounts)
{
	char *label = format("volume-label=" CACHE_LABEL "=%s", needed("CACHE_DIR")), *cache = quoted(label);
	const char *path;
	json_t *nothing;

	if (!engine_kind(docker, tool_timeout())->labels_volumes)
		declared = NULL;
	json_object_foreach(declared, path, nothing)
	{
		if (strpbrk(path, ",\"\n") == NULL)
			list_addf(mounts,
				  "--mount=type=volume,destination=%s,volume-label=" OWNER_LABEL "=%s,%s",
				  path, owner, cache);
	}
	free(cache);
	free(label);
}

void
container_image(const char *docker, const char *image_name, const char *owner, struct list *mounts,
		struct list *own)
{
	char *pull[] = {(char *)docker, "pull", "-q", (char *)image_name, NULL};
	char *out, *err = NULL;
	json_t *image = inspect_image(docker, image_name, tool_timeout(), &err);

	if (image == NULL && !caught_signal()) {
		step_line("PULL", "%s", image_name);
		struct outcome o = capture(pull, seconds_setting("PUSH_TIMEOUT", 900), &out, &err);

		if (o.code != 0)
			refuse_container(image_name, "give one that is, or `docker load` it",
					 "is not on the engine and cannot be pulled: %s", err);
		image = inspect_image(docker, image_name, tool_timeout(), &err);
	}
	if (image == NULL)
		refuse_container(image_name, "give another", "cannot be inspected: %s", err);
	read_image_command(image, own);
	add_volumes(docker, owner, json_object_get(json_object_get(image, "Config"), "Volumes"), mounts);
	if (own->count == 0)
		refuse_container(image_name, "give one that runs a registry",
				 "has neither entrypoint nor command");
	json_decref(image);
}
