/*
 * door.c - the listening socket of a server on 127.0.0.1.
 *
 * Clients of registries try TLS first, and go on to plain HTTP only if the answer
 * to their hello begins with "HTTP/"; anything else costs them seconds or ends them.
 * So each connection waits here until its first byte tells what it is. Those that
 * say no word cost a descriptor, and go after a while, or when there are too many:
 * strangers first, of whom there are never more than half.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/door.h"
#include "registry/peer.h"

enum {
	STOP,
	LISTENER,
	FIRST, /* of those that wait */
	BACKLOG = 512,
	TLS_HELLO = 0x16,
	PAUSE_MS = 50,
	TICK_MS = 1000,
	SILENT_MS = 15000, /* who says nothing for so long is no client */
};

struct waiter {
	bool own;
	int64_t since;
};

/*
 * Listens on a port that nobody has, 0: on any; -1 where that cannot be. Both the connections of an earlier
 * server, which linger, and this one must allow it to be taken again; set before, any free port could be one
 * that another is about to take. Who listens first has it, whoever else has bound it.
 */
static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, saved;

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	    (port == 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
door_open(struct door *d, int port)
{
	struct sockaddr_in address = {0};
	socklen_t size = sizeof(address);

	d->table = peer_table();
	if (d->own_only && !peer_can_tell())
		refuse(
		    "ROUTE: without /proc/net/tcp (%s) a push cannot be told from a stranger's; give ROUTE=direct",
		    error_text(errno));
	d->listener = port == 0 ? -1 : listen_on(port);
	if (d->listener < 0)
		d->listener = listen_on(0);
	if (d->listener < 0 || getsockname(d->listener, (struct sockaddr *)&address, &size) != 0)
		die_errno(EXIT_SYSTEM, "cannot listen on 127.0.0.1");
	return ntohs(address.sin_port);
}

static void
forget(struct door *d, size_t i)
{
	size_t behind = FIRST + d->waiting - i - 1;

	memmove(&d->fd[i], &d->fd[i + 1], behind * sizeof(*d->fd));
	memmove(&d->waiter[i - FIRST], &d->waiter[i - FIRST + 1], behind * sizeof(*d->waiter));
	d->waiting--;
}

/* The hello is read first: what is unread when a socket is closed resets it, and the answer is lost. */
static void
answer_tls(int fd)
{
	static const char answer[] = "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nplain HTTP only\n";
	char hello[16384];

	if (recv(fd, hello, sizeof(hello), 0) > 0 && send(fd, answer, sizeof(answer) - 1, 0) > 0)
		shutdown(fd, SHUT_WR);
	close(fd);
}

/* False where it has not said anything yet. */
static bool
let_in(struct door *d, int fd, bool own)
{
	unsigned char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		close(fd);
	else if (byte == TLS_HELLO)
		answer_tls(fd);
	else
		d->enter(d->arg, fd, own);
	return true;
}

static int
take_connection(int listener)
{
#ifdef SOCK_CLOEXEC
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
	int fd = accept(listener, NULL, NULL);

	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
#endif
}

static void
turn_away(struct door *d, size_t i)
{
	close(d->fd[FIRST + i].fd);
	forget(d, FIRST + i);
}

/*
 * The stranger that has come first goes first; where there is none, the first. False: whoever comes has to
 * go.
 */
static bool
make_room(struct door *d, bool own)
{
	size_t strangers = 0, first = 0;

	for (size_t i = d->waiting; i-- > 0;)
		if (!d->waiter[i].own) {
			strangers++;
			first = i;
		}
	if (own ? d->waiting < d->waiting_max : strangers < d->waiting_max / 2 && d->waiting < d->waiting_max)
		return true;
	if (!own && strangers == 0)
		return false;
	turn_away(d, first);
	return true;
}

/* False where there is no place for it. */
static bool
let_wait(struct door *d, int fd, bool own)
{
	if (!make_room(d, own))
		return false;
	d->waiter[d->waiting] = (struct waiter){.own = own, .since = now_ms()};
	d->fd[FIRST + d->waiting++] = (struct pollfd){.fd = fd, .events = POLLIN};
	return true;
}

/* Most have spoken by the time they are taken, and need not wait. */
static void
take_connections(struct door *d)
{
	int fd;

	while ((fd = take_connection(d->listener)) >= 0) {
		bool own = peer_is_own(d->table, fd);

		if ((d->own_only && !own) || !(let_in(d, fd, own) || let_wait(d, fd, own)))
			close(fd);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		poll(NULL, 0, PAUSE_MS); /* nothing to be had right now: do not spin */
}

static void *
watch(void *arg)
{
	struct door *d = arg;
	int64_t tick = now_ms() + TICK_MS;

	while (poll(d->fd, FIRST + d->waiting, TICK_MS) < 0 || d->fd[STOP].revents == 0) {
		for (size_t i = FIRST + d->waiting; i-- > FIRST;)
			if (d->fd[i].revents && let_in(d, d->fd[i].fd, d->waiter[i - FIRST].own))
				forget(d, i);
		if (d->fd[LISTENER].revents)
			take_connections(d);
		if (now_ms() < tick)
			continue;
		tick = now_ms() + TICK_MS;
		while (d->waiting > 0 && now_ms() - d->waiter[0].since > SILENT_MS)
			turn_away(d, 0);
		d->tick(d->arg);
	}
	return NULL;
}

void
door_watch(struct door *d)
{
	if (pipe(d->stop) != 0 || fcntl(d->stop[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(d->stop[1], F_SETFD, FD_CLOEXEC) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	d->fd = xmalloc((FIRST + d->waiting_max) * sizeof(*d->fd));
	d->waiter = xmalloc(d->waiting_max * sizeof(*d->waiter));
	d->fd[STOP] = (struct pollfd){.fd = d->stop[0], .events = POLLIN};
	d->fd[LISTENER] = (struct pollfd){.fd = d->listener, .events = POLLIN};
	d->waiting = 0;
	if (pthread_create(&d->thread, NULL, watch, d) != 0)
		die(EXIT_SYSTEM, "cannot start a thread");
}

void
door_close(struct door *d)
{
	close(d->stop[1]); /* a hang-up to the thread */
	pthread_join(d->thread, NULL);
	close(d->stop[0]);
	close(d->listener);
	for (size_t i = 0; i < d->waiting; i++)
		close(d->fd[FIRST + i].fd);
	free(d->fd);
	free(d->waiter);
	if (d->table != NULL)
		fclose(d->table);
}
