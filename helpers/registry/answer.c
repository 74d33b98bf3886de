/*
 * answer.c - how a registry answers.
 *
 * What is asked for is sent out of its file by sendfile, whole or in pieces; an
 * error is the spec's JSON.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/answer.h"

void
set_header(response *r, const char *name, const char *value)
{
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		die(EXIT_SYSTEM, "cannot make the header '%s'", name);
}

result
answer(connection *c, unsigned status, response *r)
{
	result queued;

	set_header(r, "Docker-Distribution-Api-Version", "registry/2.0");
	queued = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return queued;
}

response *
json_response(char *text)
{
	response *r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

	if (r == NULL)
		die(EXIT_SYSTEM, "out of memory");
	set_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	return r;
}

response *
empty_response(void)
{
	response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (r == NULL)
		die(EXIT_SYSTEM, "out of memory");
	return r;
}

/* text is ours, with nothing in it that JSON would escape. */
static response *
problem_response(const struct problem *p, const char *text)
{
	return json_response(format("{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}\n", p->code, text));
}

static const char *
allowed(const struct problem *p)
{
	return p == &no_method ? "GET, HEAD" : p == &no_push ? "GET, HEAD, POST, PATCH, PUT" : NULL;
}

result
answer_because(connection *c, const struct problem *p, const char *why)
{
	char *text = *why ? format("%s: %s", p->message, why) : xstrdup(p->message);
	response *r;

	for (char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\' || *s == 127)
			*s = '?';
	r = problem_response(p, text);
	free(text);
	if (allowed(p) != NULL)
		set_header(r, MHD_HTTP_HEADER_ALLOW, allowed(p));
	return answer(c, p->status, r);
}

result
answer_problem(connection *c, const struct problem *p)
{
	return answer_because(c, p, "");
}

const char *
asked(connection *c, const char *header)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, header);
}

const char *
argument(connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
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
	if (range->kind == RANGE_PART) {
		text = format("bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
			      range->first + range->count - 1, content->size);
		set_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
		free(text);
	}
	return r;
}

static response *
unsatisfiable_response(const struct content *content)
{
	response *r = problem_response(&no_range, no_range.message);
	char *text = format("bytes */%" PRIu64, content->size);

	set_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	free(text);
	return r;
}

static void
set_identity(response *r, const char *digest)
{
	char *etag = format("\"%s\"", digest);

	set_header(r, MHD_HTTP_HEADER_ETAG, etag);
	set_header(r, "Docker-Content-Digest", digest);
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
	if (range->kind == RANGE_UNSATISFIABLE)
		return MHD_HTTP_RANGE_NOT_SATISFIABLE;
	return range->kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
}

result
answer_content(connection *c, bool body, const char *type, const struct content *content, struct range *sent)
{
	unsigned status = status_of(c, body, content, sent);
	response *r;

	if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
		return answer(c, status, unsatisfiable_response(content));
	r = content_response(content, sent);
	if (r == NULL)
		return answer_problem(c, &no_room);
	set_identity(r, content->digest);
	set_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	set_header(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (!body || status == MHD_HTTP_NOT_MODIFIED)
		sent->kind = RANGE_UNSATISFIABLE;
	return answer(c, status, r);
}

static ssize_t
no_bytes(void *arg, uint64_t at, char *buffer, size_t size)
{
	(void)arg;
	(void)at;
	(void)buffer;
	(void)size;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

result
answer_head(connection *c, const char *digest, uint64_t size)
{
	response *r = MHD_create_response_from_callback(size, 1024, no_bytes, NULL, NULL);

	if (r == NULL)
		die(EXIT_SYSTEM, "out of memory");
	set_identity(r, digest);
	set_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
	return answer(c, MHD_HTTP_OK, r);
}
