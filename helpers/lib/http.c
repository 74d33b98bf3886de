/*
 * http.c - a read-only registry (OCI distribution spec) of a catalog.
 *
 * libmicrohttpd speaks HTTP; here are the answers. Its connections come from
 * door.c, and it sends what is asked for out of its file by sendfile.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "http.h"

enum {
	THREADS_MAX = 4,
	CONNECTIONS_MAX = 1024,
	IDLE_SECONDS = 300, /* a guest that was paused may come back */
	TAGS_MAX = 1000,
};

typedef enum MHD_Result result;
typedef struct MHD_Connection connection;
typedef struct MHD_Response response;

struct problem {
	unsigned status;
	const char *code, *message; /* the spec's, and ours */
};

static const struct problem no_page = {MHD_HTTP_NOT_FOUND, "UNSUPPORTED",
				       "manifests, blobs and tags are all there is"};
static const struct problem no_name = {MHD_HTTP_NOT_FOUND, "NAME_UNKNOWN", "no such repository"};
static const struct problem no_manifest = {MHD_HTTP_NOT_FOUND, "MANIFEST_UNKNOWN",
					   "no such manifest in this repository"};
static const struct problem no_blob = {MHD_HTTP_NOT_FOUND, "BLOB_UNKNOWN", "no such blob in this repository"};
static const struct problem no_method = {MHD_HTTP_METHOD_NOT_ALLOWED, "UNSUPPORTED",
					 "this registry is read-only"};
static const struct problem no_range = {MHD_HTTP_RANGE_NOT_SATISFIABLE, "RANGE_INVALID",
					"nothing lies there"};
static const struct problem no_room = {MHD_HTTP_SERVICE_UNAVAILABLE, "TOOMANYREQUESTS",
				       "too many clients at once"};

/* What a request's state points to between the two calls for it; then it is a transfer, or NULL. */
static char headers_read;

static void
set(response *r, const char *name, const char *value)
{
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		die(EXIT_SYSTEM, "cannot make the header '%s'", name);
}

static result
answer(connection *c, unsigned status, response *r)
{
	result queued;

	set(r, "Docker-Distribution-Api-Version", "registry/2.0");
	queued = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return queued;
}

/* text becomes libmicrohttpd's to free. */
static response *
json_response(char *text)
{
	response *r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

	if (r == NULL)
		die(EXIT_SYSTEM, "out of memory");
	set(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	return r;
}

static response *
problem_response(const struct problem *p)
{
	return json_response(
	    format("{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}\n", p->code, p->message));
}

static result
answer_problem(connection *c, const struct problem *p)
{
	response *r = problem_response(p);

	if (p == &no_method)
		set(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return answer(c, p->status, r);
}

static const char *
asked(connection *c, const char *header)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, header);
}

/* The whole of the content or the range of it; NULL where there are no more descriptors. */
static response *
content_response(const struct content *content, const struct range *range)
{
	int fd = fcntl(content->fd, F_DUPFD_CLOEXEC, 3);
	response *r;
	char *text;

	if (fd < 0)
		return NULL;
	r = MHD_create_response_from_fd_at_offset64(range->count, fd,
						    (uint64_t)content->offset + range->first);
	if (r == NULL)
		die(EXIT_SYSTEM, "out of memory");
	if (range->kind == PART) {
		text = format("bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
			      range->first + range->count - 1, content->size);
		set(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
		free(text);
	}
	return r;
}

static response *
unsatisfiable_response(const struct content *content)
{
	response *r = problem_response(&no_range);
	char *text = format("bytes */%" PRIu64, content->size);

	set(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	free(text);
	return r;
}

static void
set_identity(response *r, const char *digest)
{
	char *etag = format("\"%s\"", digest);

	set(r, MHD_HTTP_HEADER_ETAG, etag);
	set(r, "Docker-Content-Digest", digest);
	free(etag);
}

/* The status of an answer with this content, and the range of it that is meant. */
static unsigned
status_of(connection *c, bool body, const struct content *content, struct range *range)
{
	const char *known = asked(c, MHD_HTTP_HEADER_IF_NONE_MATCH),
		   *wanted = asked(c, MHD_HTTP_HEADER_RANGE);
	const char *condition = asked(c, MHD_HTTP_HEADER_IF_RANGE);
	bool unknown = known == NULL || !names_etag(known, content->digest);
	bool ranged = unknown && body && (condition == NULL || names_etag(condition, content->digest));

	parse_range(ranged ? wanted : NULL, content->size, range);
	if (!unknown)
		return MHD_HTTP_NOT_MODIFIED;
	if (range->kind == UNSATISFIABLE)
		return MHD_HTTP_RANGE_NOT_SATISFIABLE;
	return range->kind == PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
}

static result
answer_content(struct server *s, connection *c, bool body, const struct route *route,
	       const struct content *content, void **transfer)
{
	struct range range;
	unsigned status = status_of(c, body, content, &range);
	response *r;

	if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
		return answer(c, status, unsatisfiable_response(content));
	r = content_response(content, &range);
	if (r == NULL)
		return answer_problem(c, &no_room);
	set_identity(r, content->digest);
	set(r, MHD_HTTP_HEADER_CONTENT_TYPE,
	    route->kind == BLOB ? "application/octet-stream" : content->type);
	set(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (body && status != MHD_HTTP_NOT_MODIFIED && route->kind == BLOB)
		*transfer = progress_transfer(
		    s->progress, route->name, content, range.first, range.count,
		    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	return answer(c, status, r);
}

/* ?n=<how many>&last=<behind which>; a Link leads to the next page. */
static result
answer_tags(const struct server *s, connection *c, const char *repository)
{
	const char *n = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "n"), *more_after;
	const char *last = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "last");
	size_t most = TAGS_MAX;
	response *r;

	if (n != NULL && *n != '\0' && n[strspn(n, "0123456789")] == '\0' && strlen(n) < 4)
		most = strtoul(n, NULL, 10);
	r = json_response(catalog_tags(s->catalog, repository, last ? last : "", most, &more_after));
	if (more_after != NULL) {
		char *link =
		    format("</v2/%s/tags/list?n=%zu&last=%s>; rel=\"next\"", repository, most, more_after);

		set(r, MHD_HTTP_HEADER_LINK, link);
		free(link);
	}
	return answer(c, MHD_HTTP_OK, r);
}

static result
answer_route(struct server *s, connection *c, bool body, const struct route *route, void **transfer)
{
	const struct content *content;

	if (route->kind == NOWHERE)
		return answer_problem(c, &no_page);
	if (route->kind == ROOT)
		return answer(c, MHD_HTTP_OK, json_response(xstrdup("{}")));
	if (!catalog_has(s->catalog, route->name))
		return answer_problem(c, &no_name);
	if (route->kind == TAGS)
		return answer_tags(s, c, route->name);
	content = catalog_find(s->catalog, route);
	if (content == NULL)
		return answer_problem(c, route->kind == BLOB ? &no_blob : &no_manifest);
	return answer_content(s, c, body, route, content, transfer);
}

/*
 * Called twice: an answer to the first call ends the connection, which is right for
 * those who send a body that nobody will read, and for no one else.
 */
static result
on_request(void *arg, connection *c, const char *path, const char *method, const char *version,
	   const char *body, size_t *body_size, void **state)
{
	bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
	struct route route;

	(void)version;
	(void)body;
	(void)body_size;
	if (!get && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_problem(c, &no_method);
	if (*state == NULL) {
		*state = &headers_read;
		return MHD_YES;
	}
	*state = NULL;
	parse_route(path, &route);
	return answer_route(arg, c, get, &route, state);
}

static void
on_completed(void *arg, connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	struct server *s = arg;

	(void)c;
	if (*state != NULL && *state != &headers_read)
		progress_ended(s->progress, *state, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	*state = NULL;
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
	struct sockaddr_in loopback = {.sin_family = AF_INET}; /* who it is matters to nobody */

	MHD_add_connection(s->daemon, fd, (struct sockaddr *)&loopback, sizeof(loopback));
}

/* Serves from now on; the port. */
int
server_start(struct server *s, const struct catalog *c, struct progress *p)
{
	int port;

	*s = (struct server){.catalog = c, .progress = p, .door = {.enter = on_enter, .arg = s}};
	port = door_open(&s->door);
	s->daemon = MHD_start_daemon(
	    MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL, on_request,
	    s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
	    NULL, MHD_OPTION_THREAD_POOL_SIZE, processors(THREADS_MAX), MHD_OPTION_CONNECTION_LIMIT,
	    CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
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
