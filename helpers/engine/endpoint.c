/*
 * endpoint.c - where docker's client would connect to, found without a process where that can be.
 *
 * DOCKER_HOST, DOCKER_CONTEXT and config.json are read as the client reads them (docker/cli, opts/hosts.go
 * and cli/command/cli.go); only a chosen context costs one `docker context inspect`. What DOCKER itself adds,
 * where it is a script with a -H or a --context of its own, cannot be seen from here: who uses an endpoint
 * for more than a look has to have it proved (engine_socket).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/endpoint.h"
#include "lib/json.h"

#define UNIX "unix://"
#define TCP "tcp://"
#define SSH "ssh://"
#define DEFAULT_SOCKET "/var/run/docker.sock"
#define DEFAULT_TCP_HOST "localhost"

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

char *
complete_host(const char *text)
{
	const char *rest;
	size_t n;
	char *host, *full;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	host = format("%.*s", (int)n, text);
	if (*host == '\0' || strcmp(host, UNIX) == 0)
		full = xstrdup(UNIX DEFAULT_SOCKET);
	else if (strstr(host, "://") != NULL && strncmp(host, TCP, strlen(TCP)) != 0)
		full = xstrdup(host);
	else {
		rest = strncmp(host, TCP, strlen(TCP)) == 0 ? host + strlen(TCP) : host;
		full = format(TCP "%s%s", *rest == '\0' || *rest == ':' ? DEFAULT_TCP_HOST : "", rest);
	}
	free(host);
	return full;
}

char *
find_endpoint(const char *docker, unsigned timeout, char **why)
{
	char *argv[] = {(char *)docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", NULL};
	char *context, *out = NULL, *err = NULL, *host = NULL;

	*why = NULL;
	if (*setting("DOCKER_HOST"))
		return complete_host(setting("DOCKER_HOST"));
	context = *setting("DOCKER_CONTEXT") ? xstrdup(setting("DOCKER_CONTEXT")) : configured_context();
	if (context == NULL || strcmp(context, "default") == 0)
		host = complete_host("");
	else if (capture(argv, timeout, &out, &err).code == 0 && *out != '\0')
		host = complete_host(out);
	else
		*why = format("context '%s' cannot be read: %s", context, *err ? err : "it names no host");
	free(out);
	free(err);
	free(context);
	return host;
}

const char *
socket_of(const char *host)
{
	return strncmp(host, UNIX, strlen(UNIX)) == 0 ? host + strlen(UNIX) : NULL;
}

static bool
is_loopback_address(const char *name)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, name, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127 || four.s_addr == 0;
	if (inet_pton(AF_INET6, name, &six) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) ||
	       (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

bool
is_loopback(const char *host)
{
	const char *start;
	char *name;
	bool so;

	if (strncmp(host, TCP, strlen(TCP)) != 0)
		return false;
	start = host + strlen(TCP);
	if (*start == '[')
		name = format("%.*s", (int)strcspn(start + 1, "]"), start + 1);
	else
		name = format("%.*s", (int)strcspn(start, ":/"), start);
	so = strcasecmp(name, "localhost") == 0 || is_loopback_address(name);
	free(name);
	return so;
}

bool
is_remote(const char *host)
{
	return (strncmp(host, TCP, strlen(TCP)) == 0 && !is_loopback(host)) ||
	       strncmp(host, SSH, strlen(SSH)) == 0;
}

bool
socket_answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc, saved;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return false;
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
	saved = errno;
	close(fd);
	errno = saved;
	return rc == 0;
}
