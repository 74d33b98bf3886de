/*
 * answer-late - a web server that begins to listen late, to see how soon that is noticed.
 *
 * Takes a port of 127.0.0.1 and prints it, is deaf for so many milliseconds (connections are refused), prints
 * the time (milliseconds of the clock that measure uses) and listens, answers one request with 200, and ends.
 * Exit: 0 asked and answered; 1 nobody asked for ten seconds; 100 usage; 111 trouble.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define USAGE "usage: answer-late milliseconds\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

enum { EXIT_NO = 1, EXIT_USAGE = 100, EXIT_SYSTEM = 111, LONGEST = 60000, PATIENCE_MS = 10000 };

static _Noreturn void
die_errno(const char *what)
{
	fprintf(stderr, "answer-late: cannot %s: %s\n", what, strerror(errno));
	exit(EXIT_SYSTEM);
}

static _Noreturn void
bad_usage(void)
{
	fputs(USAGE, stderr);
	exit(EXIT_USAGE);
}

static int
bind_any(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		die_errno("get a port");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static void
answer(int listener)
{
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	char request[4096];
	int fd;

	if (poll(&waiting, 1, PATIENCE_MS) == 0)
		exit(EXIT_NO);
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || read(fd, request, sizeof(request)) < 0 ||
	    write(fd, ANSWER, sizeof(ANSWER) - 1) != (ssize_t)sizeof(ANSWER) - 1)
		die_errno("answer");
	close(fd);
}

int
main(int argc, char **argv)
{
	struct timespec pause, now;
	char *end;
	long ms;
	int fd;

	if (argc == 2 && strcmp(argv[1], "-h") == 0) {
		fputs(USAGE, stdout);
		return 0;
	}
	if (argc != 2)
		bad_usage();
	ms = strtol(argv[1], &end, 10);
	if (end == argv[1] || *end || ms < 0 || ms > LONGEST)
		bad_usage();
	fd = bind_any();
	pause = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (listen(fd, 16) != 0)
		die_errno("listen");
	printf("%.3f\n", (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
	fflush(stdout);
	answer(fd);
	close(fd);
	return 0;
}
