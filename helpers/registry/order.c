/* order.c - what a registry is asked to have: by its command line, or by the run's folder. */
#include <stdlib.h>
#include <string.h>

#include "registry/order.h"
#include "run/files.h"

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
	if (n != DIGEST - 1)
		return false;
	memcpy(digest, text, n);
	digest[n] = '\0';
	return is_digest(digest);
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

static bool
have_one_name(const struct order *a, const struct order *b)
{
	return strcmp(a->name.path, b->name.path) == 0 && strcmp(a->name.tag, b->name.tag) == 0;
}

struct order *
parse_orders(char **words, size_t count)
{
	struct order *order = xmalloc(count * sizeof(*order));

	memset(order, 0, count * sizeof(*order));
	for (size_t i = 0; i < count; i++) {
		parse_order(words[i], &order[i]);
		for (size_t k = 0; k < i; k++)
			if (have_one_name(&order[i], &order[k]))
				die(EXIT_USAGE, "'%s': that NAME is given twice", words[i]);
	}
	return order;
}

/*
 * "<engine's ID> <repository> <config>", as find-machines wrote it; the tag is the key without its options.
 */
static void
read_order(const char *key, struct order *w)
{
	char *path = run_file(key, OF_IMAGE), *line = first_line(path), *rest = NULL, *word;
	const char *engine_id = line ? strtok_r(line, " ", &rest) : NULL,
		   *repository = engine_id ? strtok_r(NULL, " ", &rest) : NULL,
		   *id = repository ? strtok_r(NULL, " ", &rest) : NULL;
	struct list settings = {0};

	if (id == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	word = format("%s:%.*s=%s,%s", repository, (int)strcspn(key, "-"), key, id, engine_id);
	*w = (struct order){.keys = xstrdup(key)};
	parse_order(word, w);
	read_settings(key, &settings);
	w->slug = xstrdup(value_of(&settings, "SLUG"));
	w->layers = strtoul(value_of(&settings, "LAYERS"), NULL, 10);
	list_free(&settings);
	free(word);
	free(line);
	free(path);
}

struct order *
orders_of_keys(char **keys, size_t count, size_t *orders)
{
	struct order *order = xmalloc(count * sizeof(*order));

	*orders = 0;
	for (size_t i = 0; i < count; i++) {
		struct order *w = &order[*orders];
		size_t k = 0;
		char *all;

		read_order(keys[i], w);
		while (k < *orders && !have_one_name(&order[k], w))
			k++;
		if (k == *orders) {
			(*orders)++;
			continue;
		}
		all = format("%s %s", order[k].keys, keys[i]);
		free(order[k].keys);
		order[k].keys = all;
		free(w->keys);
		free(w->slug);
	}
	return order;
}

char *
orders_keys(const struct order *order, size_t orders)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < orders && order[i].keys != NULL; i++) {
		char *longer = format("%s%s%s", all, i > 0 ? " " : "", order[i].keys);

		free(all);
		all = longer;
	}
	return all;
}

void
order_served(const struct order *w, const char *config, const char *manifest)
{
	char *keys = xstrdup(w->keys ? w->keys : ""), *rest = NULL;
	char *text = format("%s %s\n", config, manifest);

	for (char *key = strtok_r(keys, " ", &rest); key; key = strtok_r(NULL, " ", &rest)) {
		char *path = run_file(key, OF_SERVED);

		write_file(path, text, strlen(text), 0600);
		free(path);
	}
	free(text);
	free(keys);
}

void
orders_free(struct order *order, size_t orders)
{
	for (size_t i = 0; i < orders; i++) {
		free(order[i].keys);
		free(order[i].slug);
	}
	free(order);
}
