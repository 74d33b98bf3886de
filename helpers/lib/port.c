/*
 * port.c - ports: the one published in what an engine printed, and one that is kept from others.
 *
 * Taken: "127.0.0.1:32770", "[::1]:32770", "0.0.0.0:N" and "[::]:N" on lines of
 * their own with the same N (docker port), with or without "5000/tcp -> " before
 * them, and the JSON of inspect's .NetworkSettings.Ports with "HostPort":"N"
 * (docker gives a HostIp, podman an empty one). Two different ports are refused:
 * Docker 20.10 can publish one per address family.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/lib.h"

/* The number at p, and what comes behind it; 0 where that is no port. */
static int
port_at(const char *p, const char **end)
{
	char *after;
	long n = isdigit((unsigned char)*p) ? strtol(p, &after, 10) : 0;

	if (n < 1 || n > 65535)
		return 0;
	*end = after;
	return (int)n;
}

/* A number that the text ends in may be torn: it counts only with what closes it. */
static int
port_of_json(const char *text)
{
	static const char key[] = "\"HostPort\":";
	const char *end;
	int port = 0;

	for (const char *p = text; (p = strstr(p, key)) != NULL;) {
		bool quoted;
		int n;

		p += sizeof(key) - 1;
		p += strspn(p, " \t");
		quoted = *p == '"';
		n = port_at(p + quoted, &end);
		if (n == 0 || *end == '\0' || strchr(quoted ? "\"" : ",} \n", *end) == NULL)
			return 0;
		if (port != 0 && n != port)
			return 0;
		port = n;
	}
	return port;
}

/* "ADDRESS:N" and nothing behind it; 0 otherwise. */
static int
port_of_line(const char *line, size_t length)
{
	const char *colon = line + length, *end;
	int n;

	while (colon > line && *colon != ':')
		colon--;
	n = *colon == ':' ? port_at(colon + 1, &end) : 0;
	return n != 0 && end + (*end == '\r') == line + length ? n : 0;
}

int
parse_port(const char *text)
{
	int port = 0;

	if (strchr(text, '{') != NULL)
		return port_of_json(text);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		int n;

		if (length > 0) {
			n = port_of_line(text, length);
			if (n == 0 || (port != 0 && n != port))
				return 0;
			port = n;
		}
		text += length + (text[length] == '\n');
	}
	return port;
}

char *
registry_address(int port)
{
	const char *host = setting("REGISTRY_HOST");

	return format("%s:%d", *host ? host : "127.0.0.1", port);
}

bool
port_hold(int port, int *fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)port)};
	int on = 1;
	bool held;

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	if (*fd < 0)
		return false;
	held = fcntl(*fd, F_SETFD, FD_CLOEXEC) == 0 &&
	       setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(*fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(*fd, 0) == 0;
	if (held)
		return true;
	held = errno == EACCES;
	close(*fd);
	*fd = -1;
	return held;
}
