/*
 * http.c - a registry (OCI distribution spec) of a catalog.
 *
 * libmicrohttpd speaks HTTP; its connections come from door.c. What is pulled is
 * answered here, what is pushed by push.c; answer.c puts the answers together.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/encode.h"
#include "registry/answer.h"
#include "registry/http.h"
#include "registry/push.h"

enum {
	THREADS_MAX = 4,
	CLIENTS_MAX = 512,
	CLIENTS_MIN = 8,      /* an engine pushes five layers at once */
	WAITING_MAX = 256,    /* those that have said nothing yet */
	FEW_DESCRIPTORS = 96, /* below, one thread has to do: each has descriptors of its own */
	OWN_DESCRIPTORS = 12, /* those, the listener's, the door's */
	STOP_MS = 10000,
	/* bytes a connection, of which libmicrohttpd touches half at the second request: */
	READING_MEMORY = 32 << 10,  /* enough for a request's headers */
	PUSHING_MEMORY = 128 << 10, /* a piece of an upload is at most as large */
	ASK_SECONDS = 10,           /* until the first request is there, from one byte to the next */
	IDLE_SECONDS = 300,         /* from then on: a guest that was paused may come back */
	TAGS_MAX = 1000,
};

/* A request, from its headers to its end. */
struct exchange {
	struct transfer *transfer; /* of a layer, to a client */
	struct push *push;
};

static int
socket_of(connection *c)
{
	return MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* ?n=<how many>&last=<behind which>; a Link leads to the next page. */
static result
answer_tags(const struct server *s, connection *c, const char *repository)
{
	const char *n = argument(c, "n"), *last = argument(c, "last"), *more_after;
	size_t most = TAGS_MAX;
	response *r;

	if (n != NULL && *n != '\0' && n[strspn(n, "0123456789")] == '\0' && strlen(n) < 4)
		most = strtoul(n, NULL, 10);
	r = json_response(catalog_tags(s->catalog, repository, last ? last : "", most, &more_after));
	if (more_after != NULL) {
		char *link =
		    format("</v2/%s/tags/list?n=%zu&last=%s>; rel=\"next\"", repository, most, more_after);

		set_header(r, MHD_HTTP_HEADER_LINK, link);
		free(link);
	}
	return answer(c, MHD_HTTP_OK, r);
}

static result
answer_served(struct server *s, connection *c, bool body, const struct target *target,
	      const struct content *content, struct exchange *x)
{
	const char *type = target->kind == BLOB ? "application/octet-stream" : content->type;
	struct range sent;
	result queued = answer_content(c, body, type, content, &sent);

	if (queued == MHD_YES && sent.kind != RANGE_UNSATISFIABLE && target->kind == BLOB &&
	    s->progress != NULL)
		x->transfer = progress_transfer(s->progress, target->name, content, sent.first, sent.count,
						socket_of(c));
	return queued;
}

static result
answer_target(struct server *s, connection *c, bool body, const struct target *target, struct exchange *x)
{
	const struct content *content;

	if (s->awaited != NULL && strcmp(target->name, s->awaited) == 0)
		atomic_store(&s->met, true);
	if (target->kind == ROOT)
		return answer(c, MHD_HTTP_OK, json_response(xstrdup("{}")));
	if (target->kind == NOWHERE ||
	    (s->intake == NULL && (target->kind == UPLOAD || target->kind == UPLOADS)))
		return answer_problem(c, &no_page);
	if (!catalog_has(s->catalog, target->name))
		return answer_problem(c, &no_name);
	if (target->kind == TAGS)
		return answer_tags(s, c, target->name);
	content = catalog_find(s->catalog, target);
	if (content != NULL)
		return answer_served(s, c, body, target, content, x);
	if (s->intake != NULL)
		return push_look(s->intake, c, body, target);
	return answer_problem(c, target->kind == BLOB ? &no_blob : &no_manifest);
}

static void
on_connection(void *arg, connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;

	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		clients_entered(&s->clients, socket_of(c));
	else
		clients_left(&s->clients, socket_of(c));
}

/* What is left of it when it has ended, however it has. */
static void
on_completed(void *arg, connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	struct server *s = arg;
	struct exchange *x = *state;

	clients_busy(&s->clients, socket_of(c), false);
	if (x == NULL)
		return;
	if (x->transfer != NULL)
		progress_ended(s->progress, x->transfer, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	if (x->push != NULL)
		push_end(x->push);
	free(x);
	*state = NULL;
}

static bool
is_get(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/*
 * Called with the headers, with each piece of the body, and at its end. An answer to the first call ends the
 * connection, which is right for those who send a body that nobody will read, and for no one else.
 */
static result
on_request(void *arg, connection *c, const char *path, const char *method, const char *version,
	   const char *body, size_t *body_size, void **state)
{
	struct server *s = arg;
	struct exchange *x = *state;
	struct target target;

	(void)version;
	if (x == NULL) {
		clients_busy(&s->clients, socket_of(c), true);
		MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)IDLE_SECONDS);
		if (!is_get(method) && !(s->intake != NULL && push_takes(method)))
			return answer_problem(c, s->intake != NULL ? &no_push : &no_method);
		x = xmalloc(sizeof(*x));
		*x = (struct exchange){0};
		*state = x;
		parse_target(path, &target);
		if (!is_get(method))
			x->push = push_begin(s->intake, c, method, &target);
		return MHD_YES;
	}
	if (*body_size > 0) { /* none of it is refused: who is still sending would not read why */
		if (x->push != NULL)
			push_add(x->push, body, *body_size);
		*body_size = 0;
		return MHD_YES;
	}
	if (x->push != NULL)
		return push_answer(x->push, c);
	parse_target(path, &target);
	return answer_target(s, c, strcmp(method, MHD_HTTP_METHOD_GET) == 0, &target, x);
}

/* Nothing that we have is written with a %, so a path stays as it came, %00 and all. */
static size_t
leave_escaped(void *arg, connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

static void
on_enter(void *arg, int fd, bool own)
{
	struct server *s = arg;
	struct sockaddr_in loopback = {.sin_family = AF_INET}; /* who it is matters to nobody there */

	if (!clients_add(&s->clients, fd, own))
		close(fd);
	else if (MHD_add_connection(s->daemon, fd, (struct sockaddr *)&loopback, sizeof(loopback)) != MHD_YES)
		clients_left(&s->clients, fd);
}

static void
on_tick(void *arg)
{
	struct server *s = arg;

	clients_hurry(&s->clients);
}

/*
 * How many clients there can be, of two descriptors each: what they ask for is a second one. Half of what
 * there is, so that a push can bring layers, each of which is one.
 */
static size_t
count_clients(unsigned *threads)
{
	long limit = allow_descriptors(), spare = spare_descriptors(limit), clients;

	*threads = spare < FEW_DESCRIPTORS ? 1 : processors(THREADS_MAX);
	clients = (spare - OWN_DESCRIPTORS) / 4;
	if (clients < CLIENTS_MIN)
		refuse(
		    "the limit of open files is %ld, and a registry needs %ld of them; raise it: ulimit -n %d",
		    limit, limit - spare + OWN_DESCRIPTORS + 4 * CLIENTS_MIN, 1024);
	return clients < CLIENTS_MAX ? (size_t)clients : CLIENTS_MAX;
}

int
server_start(struct server *s, int port)
{
	unsigned threads;
	size_t clients = count_clients(&threads);

	clients_start(&s->clients, clients);
	s->door = (struct door){.enter = on_enter,
				.tick = on_tick,
				.arg = s,
				.own_only = s->own_only,
				.waiting_max = clients < WAITING_MAX * 2 ? clients / 2 : WAITING_MAX};
	port = door_open(&s->door, port);
	s->daemon = MHD_start_daemon(
	    MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL, on_request,
	    s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_THREAD_POOL_SIZE, threads,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * clients) * threads, /* never reached, in no thread */
	    MHD_OPTION_CONNECTION_TIMEOUT, ASK_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)(s->intake != NULL ? PUSHING_MEMORY : READING_MEMORY), MHD_OPTION_END);
	if (s->daemon == NULL)
		die(EXIT_SYSTEM, "cannot start the HTTP server");
	door_watch(&s->door);
	return port;
}

static void *
stop(void *arg)
{
	struct server *s = arg;

	door_close(&s->door);
	MHD_stop_daemon(s->daemon);
	close(s->stopped[1]);
	return NULL;
}

bool
server_stop(struct server *s)
{
	pthread_t thread;
	struct pollfd over;

	if (pipe(s->stopped) != 0 || fcntl(s->stopped[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(s->stopped[1], F_SETFD, FD_CLOEXEC) != 0 || pthread_create(&thread, NULL, stop, s) != 0) {
		say("the HTTP server cannot be stopped in time");
		return false;
	}
	over = (struct pollfd){.fd = s->stopped[0], .events = POLLIN};
	for (int64_t end = now_ms() + STOP_MS; poll(&over, 1, 100) <= 0;)
		if (now_ms() >= end) {
			say("the HTTP server does not end; it is left behind");
			return false;
		}
	pthread_join(thread, NULL);
	close(s->stopped[0]);
	clients_end(&s->clients);
	return true;
}
