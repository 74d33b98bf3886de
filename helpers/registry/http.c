/*
 * http.c - a registry (OCI distribution spec) of a catalog.
 *
 * libmicrohttpd speaks HTTP; its connections come from door.c. What is pulled is
 * answered here, what is pushed by push.c; answer.c puts the answers together.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "image/encode.h"
#include "registry/answer.h"
#include "registry/http.h"
#include "registry/push.h"

enum {
	THREADS_MAX = 4,
	CONNECTIONS_MAX = 1024,
	/* bytes a connection, of which libmicrohttpd touches half at the second request: */
	READING_MEMORY = 32 << 10,  /* enough for a request's headers */
	PUSHING_MEMORY = 128 << 10, /* a piece of an upload is at most as large */
	IDLE_SECONDS = 300,         /* a guest that was paused may come back */
	TAGS_MAX = 1000,
};

/* A request, from its headers to its end. */
struct exchange {
	struct transfer *transfer; /* of a layer, to a client */
	struct push *push;
};

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
answer_served(struct server *s, connection *c, bool body, const struct route *route,
	      const struct content *content, struct exchange *x)
{
	const char *type = route->kind == BLOB ? "application/octet-stream" : content->type;
	struct range sent;
	result queued = answer_content(c, body, type, content, &sent);

	if (queued == MHD_YES && sent.kind != UNSATISFIABLE && route->kind == BLOB && s->progress != NULL)
		x->transfer = progress_transfer(
		    s->progress, route->name, content, sent.first, sent.count,
		    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	return queued;
}

static result
answer_route(struct server *s, connection *c, bool body, const struct route *route, struct exchange *x)
{
	const struct content *content;

	if (s->awaited != NULL && strcmp(route->name, s->awaited) == 0)
		atomic_store(&s->met, true);
	if (route->kind == ROOT)
		return answer(c, MHD_HTTP_OK, json_response(xstrdup("{}")));
	if (route->kind == NOWHERE ||
	    (s->intake == NULL && (route->kind == UPLOAD || route->kind == UPLOADS)))
		return answer_problem(c, &no_page);
	if (!catalog_has(s->catalog, route->name))
		return answer_problem(c, &no_name);
	if (route->kind == TAGS)
		return answer_tags(s, c, route->name);
	content = catalog_find(s->catalog, route);
	if (content != NULL)
		return answer_served(s, c, body, route, content, x);
	if (s->intake != NULL)
		return push_look(s->intake, c, body, route);
	return answer_problem(c, route->kind == BLOB ? &no_blob : &no_manifest);
}

/* What is left of it when it has ended, however it has. */
static void
on_completed(void *arg, connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	struct server *s = arg;
	struct exchange *x = *state;

	(void)c;
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
	struct route route;

	(void)version;
	if (x == NULL) {
		if (!is_get(method) && !(s->intake != NULL && push_takes(method)))
			return answer_problem(c, s->intake != NULL ? &no_push : &no_method);
		x = xmalloc(sizeof(*x));
		*x = (struct exchange){0};
		*state = x;
		parse_route(path, &route);
		if (!is_get(method))
			x->push = push_begin(s->intake, c, method, &route);
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
	parse_route(path, &route);
	return answer_route(s, c, strcmp(method, MHD_HTTP_METHOD_GET) == 0, &route, x);
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
on_enter(void *arg, int fd)
{
	struct server *s = arg;
	struct sockaddr_in loopback = {.sin_family = AF_INET}; /* who it is matters to nobody here */

	MHD_add_connection(s->daemon, fd, (struct sockaddr *)&loopback, sizeof(loopback));
}

/* Serves from now on, on that port where it is free (0: on any); the port. */
int
server_start(struct server *s, int port)
{
	s->door = (struct door){.enter = on_enter, .arg = s, .own_only = s->own_only};
	port = door_open(&s->door, port);
	s->daemon = MHD_start_daemon(
	    MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL, on_request,
	    s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
	    NULL, MHD_OPTION_THREAD_POOL_SIZE, processors(THREADS_MAX), MHD_OPTION_CONNECTION_LIMIT,
	    CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)(s->intake != NULL ? PUSHING_MEMORY : READING_MEMORY), MHD_OPTION_END);
	if (s->daemon == NULL)
		die(EXIT_SYSTEM, "cannot start the HTTP server");
	door_watch(&s->door);
	return port;
}

void
server_stop(struct server *s)
{
	door_close(&s->door);
	MHD_stop_daemon(s->daemon);
}
