/* container.c - what is said of a registry container that cannot be had. */
#include <stdarg.h>
#include <stdlib.h>

#include "engine/container.h"
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
