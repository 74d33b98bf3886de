/*
 * fetch.c - an image out of a registry, over HTTP on this machine.
 *
 * A server that sends nothing for STALL_SECONDS has failed; how long all of it may take is the caller's deadline. Blobs are as
 * in the OCI distribution specification 1.1, "Pulling manifests" and "Pulling blobs".
 */
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/transfer.h"
#include "registry/catalog.h"
#include "registry/fetch.h"

enum { DOCUMENT_MAX = 4 << 20, CONNECT_SECONDS = 10, STALL_SECONDS = 60, LAYERS_MAX = 1024 };

/* What any engine pushes, and we serve. */
#define ACCEPT "Accept: " TYPE_MANIFEST ", application/vnd.docker.distribution.manifest.v2+json"

struct transfer {
	decoder_sink sink;
	void *arg;
	struct hash *hash;
	uint64_t size, most;
	char *why;
	CURL *curl;
};

static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return n; /* the status says it all */
	if (n > t->most - t->size) {
		fail(t->why, "it is longer than %llu bytes", (unsigned long long)t->most);
		return 0;
	}
	t->size += n;
	hash_update(t->hash, bytes, n);
	return t->sink(t->arg, bytes, n, t->why) ? n : 0;
}

/* One GET: digest is that of what came, *size its length. */
static bool
get(struct fetched *f, const char *kind, const char *name, struct transfer *t, char digest[DIGEST])
{
	char error[CURL_ERROR_SIZE] = "", *url = format("%s/%s/%s", f->base, kind, name);
	struct curl_slist *headers = curl_slist_append(NULL, ACCEPT);
	CURL *curl = f->curl;
	long status = 0;
	CURLcode rc;

	t->curl = curl;
	t->hash = hash_new();
	*t->why = '\0';
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)CURL_MAX_READ_SIZE);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, end_if_caught);
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	hash_end(t->hash, digest);
	hash_free(t->hash);
	free(url);
	if (rc != CURLE_OK && *t->why == '\0')
		fail(t->why, "the registry at %.60s: %.120s", f->reference,
		     *error ? error : curl_easy_strerror(rc));
	else if (rc == CURLE_OK && status != 200)
		fail(t->why, "the registry has no %s %.80s of '%.60s' (status %ld)", kind, name, f->reference,
		     status);
	return rc == CURLE_OK && status == 200;
}

struct text {
	char *at;
	size_t size;
};

static bool
keep(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct text *t = arg;

	(void)why;
	t->at = xrealloc(t->at, t->size + size + 1);
	memcpy(t->at + t->size, bytes, size);
	t->size += size;
	t->at[t->size] = '\0';
	return true;
}

/* A document in memory, with a NUL behind it: the caller's to free. wanted: its digest, or NULL where only the tag is known. */
static char *
get_document(struct fetched *f, const char *kind, const char *name, char digest[DIGEST], size_t *size,
	     char why[WHY])
{
	struct text text = {0};
	struct transfer t = {.sink = keep, .arg = &text, .most = DOCUMENT_MAX, .why = why};

	if (!get(f, kind, name, &t, digest) || text.at == NULL) {
		if (text.at == NULL && *why == '\0')
			fail(why, "the registry sends an empty %s", kind);
		free(text.at);
		return NULL;
	}
	*size = text.size;
	return text.at;
}

static bool
parse_layer(json_t *item, struct fetched_layer *layer)
{
	const char *digest = json_string_value(json_object_get(item, "digest"));
	json_int_t size = json_integer_value(json_object_get(item, "size"));

	layer->size = (uint64_t)size;
	return parse_digest(digest, layer->digest) && size > 0;
}

static bool
parse_manifest(struct fetched *f, const char *text, size_t size, char why[WHY])
{
	json_t *manifest = read_json(text, size, why), *layers, *item;
	size_t i;
	bool good;

	if (manifest == NULL)
		return false;
	layers = json_object_get(manifest, "layers");
	good = parse_digest(json_string_value(json_object_get(json_object_get(manifest, "config"), "digest")),
			    f->config) &&
	       json_array_size(layers) <= LAYERS_MAX;
	f->layer = xmalloc((json_array_size(layers) + 1) * sizeof(*f->layer));
	json_array_foreach(layers, i, item) good = good && parse_layer(item, &f->layer[f->layers++]);
	json_decref(manifest);
	return good || fail(why, "the registry's manifest of '%.80s' is none of an image", f->reference);
}

static bool
get_config(struct fetched *f, char why[WHY])
{
	char digest[DIGEST];
	size_t size;

	f->config_json = get_document(f, "blobs", f->config, digest, &size, why);
	if (f->config_json == NULL)
		return false;
	return strcmp(digest, f->config) == 0 ||
	       fail(why, "the registry sends %.19s... for the config %.19s...", digest, f->config);
}

bool
fetch_image(struct fetched *f, const char *reference, char why[WHY])
{
	const char *slash = strchr(reference, '/'), *colon = strrchr(reference, ':');
	char *text;
	size_t size;
	bool good;

	*f = (struct fetched){.reference = xstrdup(reference), .curl = curl_easy_init()};
	if (f->curl == NULL)
		die(EXIT_SYSTEM, "libcurl cannot be initialised");
	if (slash == NULL || colon == NULL || colon < slash)
		die(EXIT_SYSTEM, "'%s' is no reference to an image of a registry", reference);
	f->base = format("http://%.*s/v2/%.*s", (int)(slash - reference), reference, (int)(colon - slash - 1),
			 slash + 1);
	text = get_document(f, "manifests", colon + 1, f->manifest, &size, why);
	good = text != NULL && parse_manifest(f, text, size, why) && get_config(f, why);
	free(text);
	if (!good)
		fetch_end(f);
	return good;
}

bool
fetch_layer(struct fetched *f, size_t layer, decoder_sink sink, void *arg, char why[WHY])
{
	const struct fetched_layer *l = &f->layer[layer];
	struct transfer t = {.sink = sink, .arg = arg, .most = l->size, .why = why};
	char digest[DIGEST];

	if (!get(f, "blobs", l->digest, &t, digest))
		return false;
	if (t.size != l->size || strcmp(digest, l->digest) != 0)
		return fail(why, "the registry sends %.19s... for the layer %.19s...", digest, l->digest);
	return true;
}

void
fetch_end(struct fetched *f)
{
	if (f->curl != NULL)
		curl_easy_cleanup(f->curl);
	free(f->base);
	free(f->reference);
	free(f->config_json);
	free(f->layer);
	*f = (struct fetched){0};
}
