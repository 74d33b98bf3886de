/*
 * engine.c - which engine DOCKER talks to, and whether it is here.
 *
 * Answers without a process where it can: DOCKER_HOST, DOCKER_CONTEXT and
 * config.json are read as docker's client reads them, and the Unix socket is
 * connected to. Only a chosen context costs one `docker context inspect`.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/tags.h"
#include "lib/json.h"

#define UNIX "unix://"
#define DEFAULT_HOST UNIX "/var/run/docker.sock"

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
find_program(const char *name)
{
	const char *path = setting("PATH");
	bool found = false;

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0;
	while (*path && !found) {
		size_t n = strcspn(path, ":");
		char *file = format("%.*s/%s", (int)n, path, name);
		struct stat st;

		found = stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0;
		free(file);
		path += n + (path[n] == ':');
	}
	return found;
}

/* The context that config.json names, or NULL. The caller frees it. */
static char *
configured_context(void)
{
	char *folder = *setting("DOCKER_CONFIG") ? xstrdup(setting("DOCKER_CONFIG"))
						 : format("%s/.docker", setting("HOME"));
	char *file = format("%s/config.json", folder), *name = NULL;
	json_t *root = json_load_file(file, 0, NULL);
	const char *text = json_string_value(json_object_get(root, "currentContext"));

	if (text && *text)
		name = xstrdup(text);
	json_decref(root);
	free(file);
	free(folder);
	return name;
}

/* podman, or a docker that is podman under another name. timeout: seconds, 0 is none. */
bool
is_podman(const char *docker, unsigned timeout)
{
	char *argv[] = {(char *)docker, "--version", NULL}, *out, *err;
	bool podman;

	if (strstr(base(docker), "podman") != NULL)
		return true;
	capture(argv, timeout, &out, &err);
	podman = strstr(out, "podman") != NULL;
	free(out);
	free(err);
	return podman;
}

/* Where docker's client would connect to. The caller frees it. */
static char *
endpoint(const char *docker, unsigned timeout)
{
	char *argv[] = {(char *)docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", NULL};
	char *context, *out, *err;
	struct outcome o;

	if (*setting("DOCKER_HOST"))
		return xstrdup(setting("DOCKER_HOST"));
	context = *setting("DOCKER_CONTEXT") ? xstrdup(setting("DOCKER_CONTEXT")) : configured_context();
	if (context == NULL || strcmp(context, "default") == 0) {
		free(context);
		return xstrdup(DEFAULT_HOST);
	}
	o = capture(argv, timeout, &out, &err);
	if (o.code != 0 || *out == '\0')
		refuse("DOCKER: context '%s' cannot be read: %s; see `docker context ls`", context, err);
	free(err);
	free(context);
	return out;
}

static bool
loopback(const char *host)
{
	return strncmp(host, "tcp://127.", 10) == 0 || strncmp(host, "tcp://localhost:", 16) == 0 ||
	       strncmp(host, "tcp://[::1]:", 12) == 0;
}

static int
try_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (rc != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	close(fd);
	return 0;
}

/*
 * The Unix socket that docker's client would ask, where somebody answers there; NULL where only the client
 * knows the way (podman, ssh, TCP and TLS). The caller frees it. timeout: seconds, 0 is none.
 */
char *
engine_socket(const char *docker, unsigned timeout)
{
	char *host, *path = NULL;

	if (strstr(base(docker), "podman") != NULL)
		return NULL;
	host = endpoint(docker, timeout);
	if (strncmp(host, UNIX, strlen(UNIX)) == 0 && try_socket(host + strlen(UNIX)) == 0)
		path = xstrdup(host + strlen(UNIX));
	free(host);
	return path;
}

/*
 * The kind of engine; refuses (exit 1) one that is not there, not reachable, or, unless remote ones serve as
 * well, not on this machine. timeout: seconds, 0 is none.
 */
enum engine
find_engine(const char *docker, unsigned timeout, bool remote)
{
	const char *remedy;
	char *host;
	int why;

	if (!find_program(docker))
		refuse("DOCKER: '%s' is not installed; run `make setup`, or give DOCKER=podman", docker);
	if (strstr(base(docker), "podman") != NULL)
		return PODMAN;
	host = endpoint(docker, timeout);
	if (strncmp(host, UNIX, strlen(UNIX)) == 0) {
		if (try_socket(host + strlen(UNIX)) == 0) {
			free(host);
			return DOCKER;
		}
		why = errno;
		remedy = why == EACCES
			     ? "add yourself to the group docker, or use rootless Docker or DOCKER=podman"
			     : "start it (`make setup` as root, systemctl start docker, Docker Desktop)";
		if (is_podman(docker, timeout)) {
			free(host);
			return PODMAN;
		}
		refuse("DOCKER: no engine answers at '%s' (%s); %s", host, strerror(why), remedy);
	}
	if (!remote && !loopback(host))
		refuse("DOCKER: the engine at '%s' is remote, its loopback is not ours; give ROUTE=direct, "
		       "or unset "
		       "DOCKER_HOST, or `docker context use default`",
		       host);
	free(host);
	return DOCKER;
}

/* The kind that plan-images found, in the cache's folder; DOCKER where that is not known. */
enum engine
engine_of_run(void)
{
	char *path = format("%s/engine", needed("RUN")), *text = first_line(path);
	enum engine kind = text && strcmp(text, "podman") == 0 ? PODMAN : DOCKER;

	free(text);
	free(path);
	return kind;
}

/* The name that keeps what this run built for a slug; close_runs removes it. The caller frees it. */
char *
pin_name(const char *slug)
{
	return format(PIN_PREFIX "%s.%s", slug, base(needed("RUN")));
}

/* podman's inspect leaves the prefix out, its iidfile does not. */
static bool
take_id(const char *text, char hex[SHA256_HEX + 1])
{
	char *full;
	bool good;

	if (text == NULL)
		return false;
	full = format("%s%s", strncmp(text, "sha256:", 7) == 0 ? "" : "sha256:", text);
	good = parse_image_id(full, hex);
	free(full);
	return good;
}

/* The first image of what inspect printed; NULL: why says what is wrong. The caller decrefs. */
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

/*
 * Docker's graph store and podman: the ID is the config digest. Its containerd
 * store: the descriptor of a plain image carries the config digest (seen in 28.5);
 * an attested one has an index there, which does not tell it: config is "" then.
 * False where the engine names no ID.
 */
bool
read_image(json_t *image, struct inspection *i)
{
	json_t *descriptor = json_object_get(image, "Descriptor");
	const char *config;

	memset(i, 0, sizeof(*i));
	if (!take_id(json_string_value(json_object_get(image, "Id")), i->id))
		return false;
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

/* Adds what the image runs: its entrypoint, then its command. */
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

/*
 * The image as inspect prints it, all of it: engines and their versions differ in the fields that a template
 * may name. NULL where there is none: *err says why, never nothing, and is the caller's to free either way.
 */
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

/* Whether an engine said, where an inspection failed, that it has no such image. */
bool
is_no_such_image(const char *err)
{
	return strstr(err, "o such image") != NULL || strstr(err, "image not known") != NULL;
}

/* What the engine says of the image of a slug, for the rest of the run: an ID always means the same. */
void
keep_inspection(const char *slug, json_t *image)
{
	char *file = run_file(slug, "inspect"), *text = json_dumps(image, JSON_COMPACT);

	if (text == NULL)
		die(EXIT_SYSTEM, "out of memory");
	write_file(file, text, strlen(text), 0600);
	free(text);
	free(file);
}

/* NULL where it was not asked in this run. */
json_t *
kept_inspection(const char *slug)
{
	char *file = run_file(slug, "inspect");
	json_t *image = json_load_file(file, 0, NULL);

	free(file);
	return image;
}
