/*
 * clients.c - who is connected to a server on 127.0.0.1: never more than it can serve.
 *
 * Every user of the machine can connect, as often as he likes. The library's own limit is no help (its
 * workers come to a standstill at it), so nobody enters who would reach it. When there are too many,
 * strangers go before root and ourselves, who asks for nothing before who is being served, and who has not
 * moved a byte for longest before the others.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif

#include "registry/clients.h"

enum {
	STILL_MS = 5000, /* who is served and has moved nothing for so long may have to go */
	ASK_MS = 30000,  /* within which the first request must have come */
};

void
clients_start(struct clients *c, size_t most)
{
	*c = (struct clients){.most = most, .at = xmalloc(most * sizeof(*c->at))};
	pthread_mutex_init(&c->lock, NULL);
}

void
clients_end(struct clients *c)
{
	free(c->at);
	pthread_mutex_destroy(&c->lock);
}

/* Milliseconds since a byte went either way. */
static int64_t
still_ms(const struct client *k)
{
#ifdef __linux__
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(k->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return info.tcpi_last_data_sent < info.tcpi_last_data_recv ? info.tcpi_last_data_sent
									   : info.tcpi_last_data_recv;
#endif
	return now_ms() - k->since;
}

/* Of two that could go. */
static bool
goes_before(const struct client *a, int64_t a_still, const struct client *b, int64_t b_still)
{
	if (a->own != b->own)
		return !a->own;
	if (a->busy != b->busy)
		return !a->busy;
	return a_still > b_still;
}

/*
 * True where one has been told to go, for a client that is our own or not; its place is free a moment later.
 */
static bool
make_room(struct clients *c, bool own)
{
	struct client *first = NULL;
	int64_t first_still = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct client *k = &c->at[i];
		int64_t still;

		if (!k->entered || k->leaving || (k->own && !own))
			continue;
		still = still_ms(k);
		if (k->busy && still < STILL_MS && k->own == own)
			continue;
		if (first == NULL || goes_before(k, still, first, first_still)) {
			first = k;
			first_still = still;
		}
	}
	if (first == NULL)
		return false;
	first->leaving = true;
	shutdown(first->fd, SHUT_RDWR);
	return true;
}

static size_t
count_strangers(const struct clients *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += !c->at[i].own;
	return n;
}

bool
clients_add(struct clients *c, int fd, bool own)
{
	bool fits;

	pthread_mutex_lock(&c->lock);
	fits = own || count_strangers(c) < c->most / 2;
	if (!fits || c->count >= c->most - c->most / 4)
		make_room(c, own);
	fits = fits && c->count < c->most;
	if (fits)
		c->at[c->count++] = (struct client){.fd = fd, .own = own, .since = now_ms()};
	pthread_mutex_unlock(&c->lock);
	return fits;
}

static struct client *
find(struct clients *c, int fd)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->at[i].fd == fd)
			return &c->at[i];
	return NULL;
}

void
clients_entered(struct clients *c, int fd)
{
	struct client *k;

	pthread_mutex_lock(&c->lock);
	k = find(c, fd);
	if (k != NULL)
		k->entered = true;
	pthread_mutex_unlock(&c->lock);
}

void
clients_busy(struct clients *c, int fd, bool busy)
{
	struct client *k;

	pthread_mutex_lock(&c->lock);
	k = find(c, fd);
	if (k != NULL) {
		k->busy = busy;
		k->asked = true;
	}
	pthread_mutex_unlock(&c->lock);
}

void
clients_left(struct clients *c, int fd)
{
	struct client *k;

	pthread_mutex_lock(&c->lock);
	k = find(c, fd);
	if (k != NULL)
		*k = c->at[--c->count];
	pthread_mutex_unlock(&c->lock);
}

void
clients_hurry(struct clients *c)
{
	int64_t now = now_ms();

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->count; i++) {
		struct client *k = &c->at[i];

		if (k->entered && !k->leaving && !k->asked && now - k->since > ASK_MS) {
			k->leaving = true;
			shutdown(k->fd, SHUT_RDWR);
		}
	}
	pthread_mutex_unlock(&c->lock);
}
