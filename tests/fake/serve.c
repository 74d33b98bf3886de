/*
 * serve - a small HTTP server with the faults of one that is starting, or of a stranger.
 *
 * Prints its port (127.0.0.1) on a line, then serves one connection after the other. When it has given its
 * first good answer it prints how many milliseconds after the first moment it could have that was, and goes
 * on.
 *   -b MS           the port is bound, but refuses connections for so long
 *   -f FAULT:COUNT  what the first COUNT connections get: hang (no answer, kept open), close, reset (RST),
 *                   stutter (half an answer, then closed), or a status (503); may be given several times
 *   -H LINE         a header of the good answer
 *   -p PORT         the port (default 0: any that is free)
 *   -s STATUS       its status line (default "200 OK")
 * Exit: 0 told to (SIGTERM); 100 usage; 111 trouble.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define USAGE "usage: serve [-b MS] [-p PORT] [-f FAULT:COUNT]... [-H HEADER] [-s STATUS]\n"

enum { EXIT_USAGE = 100, EXIT_SYSTEM = 111, MOST_FAULTS = 16 };

struct fault {
	const char *kind;
	long count;
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(EXIT_SYSTEM);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return; /* the client has gone: its affair */
}

/* Until the empty line behind the header, or the client's end. */
static bool
read_request(int fd)
{
	char text[8192];
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0) {
		used += (size_t)n;
		text[used] = '\0';
		if (strstr(text, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void
spoil(int fd, const char *kind)
{
	const struct linger at_once = {1, 0};
	char text[256];

	if (strcmp(kind, "hang") == 0)
		return; /* left open until we end */
	if (strcmp(kind, "reset") == 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	else if (strcmp(kind, "close") != 0 && read_request(fd)) {
		if (strcmp(kind, "stutter") == 0)
			put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
		else {
			snprintf(text, sizeof(text),
				 "HTTP/1.1 %s Not Now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
				 kind);
			put(fd, text);
		}
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct fault faults[MOST_FAULTS];
	const char *header = "Server: serve", *status = "200 OK";
	int64_t good_at;
	size_t count = 0, next = 0;
	bool told = false;
	long bound_ms = 0;
	char *colon;
	int opt, fd, yes = 1;

	while ((opt = getopt(argc, argv, "+b:f:H:p:s:")) != -1)
		switch (opt) {
		case 'b':
			bound_ms = strtol(optarg, NULL, 10);
			break;
		case 'f':
			colon = strchr(optarg, ':');
			if (colon == NULL || count == MOST_FAULTS) {
				fputs(USAGE, stderr);
				return EXIT_USAGE;
			}
			*colon = '\0';
			faults[count++] = (struct fault){optarg, strtol(colon + 1, NULL, 10)};
			break;
		case 'H':
			header = optarg;
			break;
		case 'p':
			address.sin_port = htons((uint16_t)strtol(optarg, NULL, 10));
			break;
		case 's':
			status = optarg;
			break;
		default:
			fputs(USAGE, stderr);
			return EXIT_USAGE;
		}
	signal(SIGPIPE, SIG_IGN);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		die("serve: cannot bind a port");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	usleep((useconds_t)bound_ms * 1000);
	if (listen(fd, 64) != 0)
		die("serve: cannot listen");
	for (good_at = now_us();;) {
		int client = accept(fd, NULL, NULL);
		char text[512];

		if (client < 0)
			die("serve: cannot accept");
		while (next < count && faults[next].count == 0)
			next++;
		if (next < count) {
			faults[next].count--;
			spoil(client, faults[next].kind);
			good_at = now_us();
			continue;
		}
		if (read_request(client)) {
			snprintf(text, sizeof(text),
				 "HTTP/1.1 %s\r\n%s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
				 status, header);
			put(client, text);
			if (!told) {
				printf("%.1f\n", (double)(now_us() - good_at) / 1000);
				fflush(stdout);
			}
			told = true;
		}
		close(client);
	}
}
