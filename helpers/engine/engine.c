/*
 * engine.c - which engine DOCKER talks to, whether it is here, and what it says of an image.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/endpoint.h"
#include "engine/engine.h"
#include "engine/kind.h"
#include "engine/tags.h"
#include "lib/json.h"
#include "run/files.h"

/* Whether an engine answers the client. */
static bool
client_gets_answers(const char *docker, unsigned timeout)
{
	char *argv[] = {(char *)docker, "version", "--format", "{{.Server.Version}}", NULL}, *out, *err;
	bool answered = capture(argv, timeout, &out, &err).code == 0 && *out != '\0';

	free(out);
	free(err);
	return answered;
}

void
check_engine(const char *docker, unsigned timeout, bool remote)
{
	char *program = find_program(docker);
	char *host, *why;
	const char *path, *remedy;
	int error;

	if (program == NULL)
		refuse("DOCKER: '%s' is not installed; %s%s", docker,
		       strstr(base_name(docker), "podman") != NULL
			   ? "install podman, or leave DOCKER unset for docker"
			   : "run `make setup`",
		       strstr(base_name(docker), "podman") == NULL && find_program("podman")
			   ? ", or give DOCKER=podman"
			   : "");
	free(program);
	if (is_named_podman(docker))
		return;
	host = find_endpoint(docker, timeout, &why);
	if (host == NULL && is_podman(docker, timeout)) { /* which knows no contexts */
		free(why);
		return;
	}
	if (host == NULL)
		refuse("DOCKER: %s; see `docker context ls`", why);
	path = socket_of(host);
	if (path != NULL ? socket_answers(path) : is_loopback(host) || (remote && is_remote(host))) {
		free(host);
		return;
	}
	error = errno;
	if (path == NULL && is_remote(host) && !is_podman(docker, timeout))
		refuse(
		    "DOCKER: the engine at '%s' is remote, its loopback is not ours; give ROUTE=direct, or unset DOCKER_HOST, or `docker context use default`",
		    host);
	if (!is_podman(docker, timeout) && !client_gets_answers(docker, timeout)) {
		remedy = path == NULL ? "give DOCKER_HOST=unix:///path or tcp://host:port, or unset it"
			 : error == EACCES
			     ? "add yourself to the group docker, or use rootless Docker or DOCKER=podman"
			     : "start it (`make setup` as root, systemctl start docker, Docker Desktop)";
		refuse("DOCKER: no engine answers at '%s'%s%s%s; %s", host, path ? " (" : "",
		       path ? strerror(error) : "", path ? ")" : "", remedy);
	}
	free(host);
}

char *
pin_name(const char *slug)
{
	return format(PIN_PREFIX "%s.%s", slug, base_name(needed("RUN")));
}

/* podman's inspect leaves the prefix out, its iidfile does not. */
static bool
take_id(const char *text, char hex[SHA256_HEX + 1])
{
	char digest[DIGEST];

	if (text == NULL || !digest_of_hex(digest_digits(text), "", digest))
		return false;
	memcpy(hex, digest_digits(digest), SHA256_HEX + 1);
	return true;
}

json_t *
parse_image(const char *text, char why[WHY])
{
	json_t *root = read_json(text, strlen(text), why), *image = json_incref(json_array_get(root, 0));

	if (root != NULL && !json_is_object(image)) {
		fail(why, "no image is in it");
		json_decref(image);
		image = NULL;
	}
	json_decref(root);
	return image;
}

bool
read_inspection(json_t *image, struct inspection *i)
{
	json_t *descriptor = json_object_get(image, "Descriptor");
	const char *config, *id = json_string_value(json_object_get(image, "Id"));

	memset(i, 0, sizeof(*i));
	if (!take_id(id, i->id))
		return false;
	i->by_podman = strchr(id, ':') == NULL;
	i->layers = json_array_size(json_object_get(json_object_get(image, "RootFS"), "Layers"));
	i->containerd = json_is_object(descriptor);
	config =
	    json_string_value(json_object_get(json_object_get(descriptor, "annotations"), "config.digest"));
	if (!i->containerd)
		memcpy(i->config, i->id, sizeof(i->config));
	else if (!take_id(config, i->config))
		*i->config = '\0';
	return true;
}

void
read_image_command(json_t *image, struct list *out)
{
	static const char *const keys[] = {"Entrypoint", "Cmd"};
	json_t *config = json_object_get(image, "Config"), *word;
	size_t i;

	for (size_t k = 0; k < LENGTH(keys); k++)
		json_array_foreach(json_object_get(config, keys[k]), i, word)
		    list_add(out, json_string_value(word) ? json_string_value(word) : "");
}

json_t *
inspect_image(const char *docker, const char *name, unsigned timeout, char **err)
{
	char *argv[] = {(char *)docker, "image", "inspect", (char *)name, NULL}, *out, why[WHY];
	struct outcome o = capture(argv, timeout, &out, err);
	json_t *image = o.code == 0 ? parse_image(out, why) : NULL;

	if (o.code == 0 && image == NULL) {
		free(*err);
		*err = format("what '%s image inspect' printed cannot be read: %s", docker, why);
	}
	free(out);
	return image;
}

bool
is_no_such_image(const char *err)
{
	return strstr(err, "o such image") != NULL || strstr(err, "image not known") != NULL;
}

void
keep_inspection(const char *slug, json_t *image)
{
	char *file = run_file(slug, OF_INSPECT), *text = json_dumps(image, JSON_COMPACT);

	if (text == NULL)
		die(EXIT_SYSTEM, "out of memory");
	write_file(file, text, strlen(text), 0600);
	free(text);
	free(file);
}

json_t *
kept_inspection(const char *slug)
{
	char *file = run_file(slug, OF_INSPECT);
	json_t *image = json_load_file(file, 0, NULL);

	free(file);
	return image;
}
