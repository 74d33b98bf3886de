/*
 * socket.c - the engine's Unix socket, where it is proved to be that of the engine which DOCKER asks.
 *
 * Apart from engine.c, since libcurl takes longer to load than all of what only looks at an image.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/endpoint.h"
#include "engine/kind.h"
#include "engine/socket.h"
#include "lib/json.h"

enum { ANSWER_MAX = 4 << 20 };

/* Who an engine is. 20.10 keeps the ID in /etc, where two engines may share it. */
#define IDENTITY_FORMAT "{{.ID}} {{.Name}} {{.DockerRootDir}}"

struct answer {
	char *at;
	size_t size;
};

static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t n = size * count;

	if (n > ANSWER_MAX - a->size)
		return 0;
	a->at = xrealloc(a->at, a->size + n);
	memcpy(a->at + a->size, bytes, n);
	a->size += n;
	return n;
}

static bool
ask(const char *socket, const char *url, unsigned timeout, struct answer *a)
{
	CURL *curl = curl_easy_init();
	long status = 0;
	bool good;

	if (curl == NULL)
		return false;
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)timeout);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	good = curl_easy_perform(curl) == CURLE_OK;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return good && status == 200;
}

/* Who answers at the socket, in IDENTITY_FORMAT; NULL where it does not say. The caller frees it. */
static char *
engine_identity(const char *socket, unsigned timeout)
{
	struct answer a = {0};
	char ignored[WHY], *identity = NULL;
	const char *id, *name, *root;
	json_t *info =
	    ask(socket, "http://engine/info", timeout, &a) ? read_json(a.at, a.size, ignored) : NULL;

	id = json_string_value(json_object_get(info, "ID"));
	name = json_string_value(json_object_get(info, "Name"));
	root = json_string_value(json_object_get(info, "DockerRootDir"));
	if (id && *id && name && root)
		identity = format("%s %s %s", id, name, root);
	json_decref(info);
	free(a.at);
	return identity;
}

char *
engine_socket(const char *docker, unsigned timeout)
{
	char *argv[] = {(char *)docker, "info", "--format", IDENTITY_FORMAT, NULL};
	char *host, *why, *out, *err, *own = NULL, *path = NULL;
	struct capture asked;
	bool same = false;

	if (is_named_podman(docker))
		return NULL;
	host = find_endpoint(docker, timeout, &why);
	free(why);
	if (host != NULL && socket_of(host) != NULL && socket_answers(socket_of(host))) {
		path = xstrdup(socket_of(host));
		capture_start(&asked, argv, NULL, timeout);
		if (engine_kind(docker, timeout)->has_socket)
			own = engine_identity(path, timeout);
		same = capture_end(&asked, &out, &err).code == 0 && own != NULL && strcmp(own, out) == 0;
		free(out);
		free(err);
		free(own);
	}
	if (!same) {
		free(path);
		path = NULL;
	}
	free(host);
	return path;
}
