/* order.c - what a registry is asked to have, read from its command line; what is wrong there ends the
 * program. */
#include <stdlib.h>
#include <string.h>

#include "registry/order.h"

/* The argument of -c. */
enum coding
parse_coding(const char *text)
{
	static const char *const name[] = {[PLAIN] = "none", [GZIP] = "gzip", [ZSTD] = "zstd"};

	for (size_t i = 0; i < LENGTH(name); i++)
		if (strcmp(text, name[i]) == 0)
			return (enum coding)i;
	die(EXIT_USAGE, "-c: '%s' is none of zstd, gzip and none", text);
}

static bool
take_digest(const char *text, size_t n, char digest[DIGEST])
{
	char hex[SHA256_HEX + 1];

	if (n != DIGEST - 1)
		return false;
	memcpy(digest, text, n);
	digest[n] = '\0';
	return parse_image_id(digest, hex);
}

/* NAME=ID[,ENGINE-ID] */
static void
parse_order(const char *text, struct order *w)
{
	size_t n = strcspn(text, "=");
	char *name = format("%.*s", (int)n, text), *path;
	const char *id = text + n + (text[n] == '='), *engine_id;

	if (!parse_reference(name, &w->name))
		die(EXIT_USAGE, "'%s': NAME is no <repository>:<tag>", text);
	path = format("%s:%s", w->name.path, w->name.tag);
	if (w->name.is_id || strcmp(name, path) != 0)
		die(EXIT_USAGE, "'%s': NAME must be <repository>:<tag>, without a host", text);
	n = strcspn(id, ",");
	engine_id = id[n] == ',' ? id + n + 1 : id;
	if (!take_digest(id, n, w->id) || !take_digest(engine_id, strlen(engine_id), w->engine_id))
		die(EXIT_USAGE, "'%s': an ID is sha256:<64 hex>", text);
	free(name);
	free(path);
}

/* The words of the command line, NAME=ID[,ENGINE-ID] each, no NAME twice; the array is the caller's. */
struct order *
parse_orders(char **words, size_t count)
{
	struct order *order = xmalloc(count * sizeof(*order));

	for (size_t i = 0; i < count; i++) {
		parse_order(words[i], &order[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(order[i].name.path, order[k].name.path) == 0 &&
			    strcmp(order[i].name.tag, order[k].name.tag) == 0)
				die(EXIT_USAGE, "'%s': that NAME is given twice", words[i]);
	}
	return order;
}
