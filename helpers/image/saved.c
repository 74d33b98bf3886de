/* saved.c - an archive as `docker save` writes it. */
#include <stdlib.h>
#include <string.h>

#include "image/header.h"
#include "image/saved.h"

static const char zeros[2 * TAR_BLOCK];

void
saved_begin(struct saved *s, decoder_sink sink, void *arg)
{
	*s = (struct saved){.sink = sink, .arg = arg, .manifest = json_array()};
}

static bool
put_header(struct saved *s, const char *name, uint64_t size, char why[WHY])
{
	char block[TAR_BLOCK];

	gnu_header(block, name, S_IFREG | 0644, size);
	return s->sink(s->arg, block, TAR_BLOCK, why);
}

static bool
put_text(struct saved *s, const char *name, const char *text, char why[WHY])
{
	size_t size = strlen(text);

	return put_header(s, name, size, why) && s->sink(s->arg, text, size, why) &&
	       s->sink(s->arg, zeros, -size % TAR_BLOCK, why);
}

bool
saved_layer(struct saved *s, const char *name, uint64_t size, char why[WHY])
{
	return put_header(s, name, size, why);
}

bool
saved_bytes(struct saved *s, const void *bytes, size_t size, char why[WHY])
{
	return s->sink(s->arg, bytes, size, why);
}

bool
saved_image(struct saved *s, const char *layer, const char *config, const char *reference, char why[WHY])
{
	char hex[SHA256_HEX + 1], *name;
	json_t *item;
	bool good;

	sha256_hex(config, strlen(config), hex);
	name = format("%s.json", hex);
	item = json_pack("{s:s, s:o, s:[s]}", "Config", name, "RepoTags",
			 reference ? json_pack("[s]", reference) : json_null(), "Layers", layer);
	json_array_append_new(s->manifest, item);
	good = put_text(s, name, config, why);
	free(name);
	return good;
}

bool
saved_end(struct saved *s, char why[WHY])
{
	char *text = json_dumps(s->manifest, JSON_COMPACT);
	bool good = put_text(s, "manifest.json", text, why) && s->sink(s->arg, zeros, sizeof(zeros), why);

	free(text);
	return good;
}

void
saved_free(struct saved *s)
{
	json_decref(s->manifest);
}
