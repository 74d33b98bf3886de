/*
 * progress.c - how much of each layer has reached a client.
 *
 * The kernel is asked for it: of every connection that a layer is being sent on,
 * how many bytes the other side has acknowledged. So the blobs can go out by
 * sendfile, with nobody looking at each piece, and what is shown has truly arrived.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif

#include "registry/progress.h"
#include "run/status.h"

struct transfer {
	struct transfer *next;
	char repository[256];
	const struct content *content;
	uint64_t first, count; /* the piece that was asked for */
	int socket;
	uint64_t before; /* what the connection had carried then */
};

/* What the other side has acknowledged; 0 where the kernel does not tell. */
static uint64_t
acknowledged(int socket)
{
#ifdef __linux__
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return info.tcpi_bytes_acked;
#else
	(void)socket;
#endif
	return 0;
}

void
progress_start(struct progress *p, const struct catalog *c, const struct order *orders, int lines)
{
	*p = (struct progress){.catalog = c, .orders = orders, .started = now_ms(), .lines = lines};
	p->lines_shown = strcmp(setting("PROGRESS"), "json") == 0 && !*setting("SILENT");
	pthread_mutex_init(&p->lock, NULL);
	meter_start(&p->meter, "PULL");
}

static bool
is_tracked(const struct progress *p, const struct served *image)
{
	for (size_t i = 0; i < p->tracks; i++)
		if (p->track[i].image == image)
			return true;
	return false;
}

/* The layers of the images that have become ready. */
static void
adopt(struct progress *p)
{
	for (size_t i = 0; p->images < p->catalog->images && i < p->catalog->images; i++) {
		const struct served *image = &p->catalog->image[i];

		if (!atomic_load(&image->ready) || is_tracked(p, image))
			continue;
		p->track = xrealloc(p->track, (p->tracks + image->layers) * sizeof(*p->track));
		for (size_t k = 0; k < image->layers; k++)
			p->track[p->tracks++] = (struct track){.image = image, .layer = &image->layer[k]};
		p->images++;
	}
}

/* Every image of this repository that has the layer has it now, up to there. */
static void
reach(struct progress *p, const struct transfer *t, uint64_t sent)
{
	uint64_t end = t->first + (sent < t->count ? sent : t->count);

	for (size_t i = 0; i < p->tracks; i++) {
		struct track *track = &p->track[i];

		if (strcmp(track->layer->digest, t->content->digest) == 0 && end > track->bytes &&
		    strcmp(track->image->reference.path, t->repository) == 0)
			track->bytes = end;
	}
}

struct transfer *
progress_transfer(struct progress *p, const char *repository, const struct content *content, uint64_t first,
		  uint64_t count, int socket)
{
	struct transfer *t = xmalloc(sizeof(*t));

	*t = (struct transfer){.content = content,
			       .first = first,
			       .count = count,
			       .socket = socket,
			       .before = acknowledged(socket)};
	snprintf(t->repository, sizeof(t->repository), "%s", repository);
	pthread_mutex_lock(&p->lock);
	t->next = p->transfer;
	p->transfer = t;
	pthread_mutex_unlock(&p->lock);
	return t;
}

/* Of this piece; what the connection had carried before was others. */
static uint64_t
sent(const struct transfer *t)
{
	uint64_t all = acknowledged(t->socket);

	return all > t->before ? all - t->before : 0;
}

void
progress_ended(struct progress *p, struct transfer *t, bool whole)
{
	struct transfer **at = &p->transfer;

	pthread_mutex_lock(&p->lock);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	adopt(p); /* it may have come and gone since the last look */
	reach(p, t, whole ? t->count : sent(t));
	pthread_mutex_unlock(&p->lock);
	free(t);
}

/* A pipe that nobody empties must not hold us up: what it cannot take is left out. */
static bool
takes_more(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLOUT);
}

/* Names and digests have no character that JSON would escape. */
static void
tell(struct progress *p, struct track *t)
{
	char line[768];
	int n = snprintf(line, sizeof(line),
			 "{\"image\":\"%s\",\"layer\":\"%s\",\"bytes\":%llu,\"total\":%llu,\"ms\":%lld}\n",
			 t->image->name, t->layer->digest, (unsigned long long)t->bytes,
			 (unsigned long long)t->layer->size, (long long)(now_ms() - p->started));

	if (p->lines >= 0 && !takes_more(p->lines))
		return; /* another time */
	t->told = t->bytes;
	if (p->lines >= 0 && !write_all(p->lines, line, (size_t)n))
		p->lines = -1; /* nobody listens any more */
	if (p->lines_shown && !write_all(STDERR_FILENO, line, (size_t)n))
		p->lines_shown = false;
}

/* How things stand; the caller frees it. */
static struct track *
look(struct progress *p, size_t *tracks, bool *all)
{
	struct track *now;

	pthread_mutex_lock(&p->lock);
	adopt(p);
	for (struct transfer *t = p->transfer; t != NULL; t = t->next)
		reach(p, t, sent(t));
	*tracks = p->tracks;
	*all = p->images == p->catalog->images;
	now = xmalloc(p->tracks * sizeof(*now));
	if (p->tracks > 0)
		memcpy(now, p->track, p->tracks * sizeof(*now));
	pthread_mutex_unlock(&p->lock);
	return now;
}

/* What has been told; others have perhaps come behind these meanwhile. */
static void
note(struct progress *p, const struct track *now, size_t tracks)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < tracks; i++)
		p->track[i].told = now[i].told;
	pthread_mutex_unlock(&p->lock);
}

/* Each image's state, for who watches the run. */
static void
note_states(const struct progress *p, const struct track *now, size_t tracks)
{
	for (size_t i = 0; i < p->catalog->images; i++) {
		const struct served *image = &p->catalog->image[i];
		uint64_t bytes = 0, total = 0, arrived = atomic_load(&image->arrived);

		for (size_t k = 0; k < tracks; k++)
			if (now[k].image == image) {
				bytes += now[k].bytes;
				total += now[k].layer->size;
			}
		if (arrived > 0 && !atomic_load(&image->ready))
			status_bytes(p->orders[i].keys, "PUSH", arrived,
				     0); /* the engine compresses as it goes */
		if (bytes > 0)
			status_bytes(p->orders[i].keys, "PACK", bytes, total);
	}
}

void
progress_show(void *progress)
{
	struct progress *p = progress;
	uint64_t bytes = 0, total = 0;
	size_t tracks;
	bool all;
	struct track *now = look(p, &tracks, &all);

	for (size_t i = 0; i < tracks; i++) {
		bytes += now[i].bytes;
		total += now[i].layer->size;
		if (now[i].bytes != now[i].told)
			tell(p, &now[i]);
	}
	note(p, now, tracks);
	note_states(p, now, tracks);
	free(now);
	if (all || bytes < total) /* else what is still to come is not known yet */
		meter_show(&p->meter, bytes, total);
}

void
progress_end(struct progress *p)
{
	progress_show(p);
	free(p->track);
	pthread_mutex_destroy(&p->lock);
}
