/*
 * push.c - the requests of a push (OCI distribution spec).
 *
 *	POST  /v2/<name>/blobs/uploads/                        an upload, please
 *	      ...?mount=<digest>&from=<name>                   or is that blob here?
 *	      ...?digest=<digest>                              and here is all of it
 *	PATCH /v2/<name>/blobs/uploads/<upload>                more of it, or all; with Content-Range a piece
 *	PUT   /v2/<name>/blobs/uploads/<upload>?digest=<d>     the rest, which may be nothing
 *	PUT   /v2/<name>/manifests/<tag or digest>
 *
 * What is wrong is known at the headers, and said at the end of the body: engines
 * that are still sending take a closed connection for trouble, and try it all again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "registry/push.h"

struct push {
	struct intake *in;
	struct target target;
	enum { POST, PATCH, PUT } method;
	const struct problem *problem; /* how it will be answered; the body goes nowhere */
	struct slot *slot;             /* claimed, or NULL */
	char digest[DIGEST];           /* of the query; "" */
	bool mounted;
	bool spanned; /* Content-Range says that left bytes will come */
	uint64_t left;
	char *type; /* of a manifest */
	char *text;
	size_t size;
};

static const char *const method_name[] = {
    [POST] = MHD_HTTP_METHOD_POST, [PATCH] = MHD_HTTP_METHOD_PATCH, [PUT] = MHD_HTTP_METHOD_PUT};

bool
push_takes(const char *method)
{
	for (size_t i = 0; i < LENGTH(method_name); i++)
		if (strcmp(method, method_name[i]) == 0)
			return true;
	return false;
}

static const struct problem *
problem_of(enum taken how)
{
	switch (how) {
	case TAKEN:
		return NULL;
	case NOT_THERE:
		return &no_upload;
	case BUSY:
		return &busy_upload;
	case WRONG_DIGEST:
		return &bad_digest;
	case NOT_WANTED:
		return &not_wanted;
	case BLOB_MISSING:
		return &blob_missing;
	case WRONG_CONTENT:
		return &bad_upload;
	case NO_ROOM:
		break;
	}
	return &no_space;
}

/* False where there is such an argument, and it is no digest of ours. */
static bool
digest_argument(connection *c, const char *name, char digest[DIGEST])
{
	const char *text = argument(c, name);

	return text == NULL || digest_parameter(text, digest);
}

static void
begin_upload(struct push *p, connection *c)
{
	char digest[DIGEST] = "";
	struct kept k;

	/* a mount of what is not here, or is no digest, is an upload like any other */
	if (digest_argument(c, "mount", digest) && *digest && intake_blob(p->in, digest, &k)) {
		memcpy(p->digest, digest, DIGEST);
		p->mounted = true;
	} else if (!digest_argument(c, "digest", p->digest))
		p->problem = &bad_digest;
	else if ((p->slot = intake_upload(p->in, p->target.name,
					  parse_length(asked(c, MHD_HTTP_HEADER_CONTENT_LENGTH)))) == NULL)
		p->problem = &no_slot;
}

static void
go_on_with_upload(struct push *p, connection *c)
{
	const char *span = asked(c, MHD_HTTP_HEADER_CONTENT_RANGE);
	uint64_t first;

	p->problem = problem_of(intake_claim(p->in, p->target.name, p->target.reference, &p->slot));
	if (p->slot == NULL)
		return;
	if (p->method == PUT && (!digest_argument(c, "digest", p->digest) || !*p->digest))
		p->problem = &bad_digest;
	else if (span != NULL) {
		p->spanned = parse_span(span, &first, &p->left);
		if (!p->spanned || first != p->slot->upload->taken)
			p->problem = &bad_range;
	} else if (p->slot->upload->taken == 0)
		p->slot->upload->about = parse_length(asked(c, MHD_HTTP_HEADER_CONTENT_LENGTH));
}

struct push *
push_begin(struct intake *in, connection *c, const char *method, const struct target *target)
{
	struct push *p = xmalloc(sizeof(*p));
	const char *type = asked(c, MHD_HTTP_HEADER_CONTENT_TYPE);

	*p = (struct push){.in = in, .target = *target};
	for (size_t i = 0; i < LENGTH(method_name); i++)
		if (strcmp(method, method_name[i]) == 0)
			p->method = i;
	if (target->kind == NOWHERE || target->kind == ROOT)
		p->problem = &no_page;
	else if (!catalog_has(in->catalog, target->name))
		p->problem = &no_name;
	else if (target->kind == UPLOADS && p->method == POST)
		begin_upload(p, c);
	else if (target->kind == UPLOAD && p->method != POST)
		go_on_with_upload(p, c);
	else if (target->kind == MANIFEST && p->method == PUT)
		p->type = xstrdup(type ? type : "");
	else
		p->problem = &no_push;
	return p;
}

static void
add_text(struct push *p, const void *bytes, size_t size)
{
	if (size > MANIFEST_MAX - p->size) {
		p->problem = &too_large;
		return;
	}
	p->text = xrealloc(p->text, p->size + size + 1);
	memcpy(p->text + p->size, bytes, size);
	p->size += size;
	p->text[p->size] = '\0';
}

void
push_add(struct push *p, const void *bytes, size_t size)
{
	if (p->problem != NULL)
		return;
	if (p->spanned && size > p->left) {
		p->problem = &bad_size;
		return;
	}
	p->left -= p->spanned ? size : 0;
	if (p->slot != NULL) {
		upload_add(p->slot->upload, bytes, size);
		catalog_arrived(p->in->catalog, p->slot->repository, size);
	} else if (p->type != NULL)
		add_text(p, bytes, size);
}

/* The upload goes on; where, and how far it is. */
static result
answer_upload(connection *c, unsigned status, const struct slot *s)
{
	char *location = format("/v2/%s/blobs/uploads/%s", s->repository, s->name);
	char *range = format("0-%" PRIu64, s->upload->taken > 0 ? s->upload->taken - 1 : 0);
	response *r = empty_response();

	set_header(r, MHD_HTTP_HEADER_LOCATION, location);
	set_header(r, MHD_HTTP_HEADER_RANGE, range);
	set_header(r, "Docker-Upload-UUID", s->name);
	free(location);
	free(range);
	return answer(c, status, r);
}

static result
answer_created(connection *c, const char *repository, const char *kind, const char *reference,
	       const char *digest)
{
	char *location = format("/v2/%s/%s/%s", repository, kind, reference);
	response *r = empty_response();

	set_header(r, MHD_HTTP_HEADER_LOCATION, location);
	set_header(r, "Docker-Content-Digest", digest);
	free(location);
	return answer(c, MHD_HTTP_CREATED, r);
}

static result
answer_manifest(struct push *p, connection *c)
{
	char digest[DIGEST], why[WHY] = "";
	enum taken how =
	    intake_manifest(p->in, &p->target, p->type, p->text ? p->text : "", p->size, digest, why);

	if (how == TAKEN)
		return answer_created(c, p->target.name, "manifests", digest, digest);
	if (how != WRONG_DIGEST)
		say("a manifest for %s was refused: %s", p->target.name, why);
	return answer_because(c, how == WRONG_CONTENT ? &bad_manifest : problem_of(how), why);
}

static result
answer_blob(struct push *p, connection *c)
{
	char why[WHY] = "";
	enum taken how = intake_finish(p->in, p->slot, p->digest, why);

	p->slot = NULL;
	if (how == TAKEN)
		return answer_created(c, p->target.name, "blobs", p->digest, p->digest);
	say("a layer was refused: %s", why);
	return answer_because(c, problem_of(how), why);
}

result
push_answer(struct push *p, connection *c)
{
	result queued;

	if (p->spanned && p->left > 0 && p->problem == NULL)
		p->problem = &bad_size;
	if (p->problem == &bad_range)
		return answer_upload(c, p->problem->status, p->slot); /* which says where it should have */
	if (p->problem != NULL)
		return answer_problem(c, p->problem);
	if (p->type != NULL)
		return answer_manifest(p, c);
	if (p->mounted)
		return answer_created(c, p->target.name, "blobs", p->digest, p->digest);
	if (*p->digest)
		return answer_blob(p, c);
	queued = answer_upload(c, MHD_HTTP_ACCEPTED, p->slot);
	intake_release(p->in, p->slot);
	p->slot = NULL; /* it is not over */
	return queued;
}

void
push_end(struct push *p)
{
	if (p->slot != NULL && p->problem == &bad_range)
		intake_release(p->in, p->slot);
	else if (p->slot != NULL)
		intake_drop(p->in, p->slot);
	free(p->type);
	free(p->text);
	free(p);
}

result
push_look(struct intake *in, connection *c, bool body, const struct target *target)
{
	struct content content;
	struct range range;
	struct slot *s;
	struct kept k;
	result queued;

	if (target->kind == UPLOAD) {
		enum taken how = intake_claim(in, target->name, target->reference, &s);

		if (how != TAKEN)
			return answer_problem(c, problem_of(how));
		queued = answer_upload(c, MHD_HTTP_NO_CONTENT, s);
		intake_release(in, s);
		return queued;
	}
	if (target->kind == UPLOADS)
		return answer_problem(c, &no_upload);
	if (target->kind == MANIFEST)
		return intake_pushed(in, target, &content)
			   ? answer_content(c, body, content.type, &content, &range)
			   : answer_problem(c, &no_manifest);
	if (!intake_blob(in, target->reference, &k))
		return answer_problem(c, &no_blob);
	if (strcmp(k.digest, k.pushed) !=
	    0) /* it is here, in another form, and that is known by another name */
		return body ? answer_problem(c, &no_blob) : answer_head(c, k.pushed, k.sent);
	content = (struct content){.fd = k.fd, .size = k.size};
	memcpy(content.digest, k.digest, DIGEST);
	return answer_content(c, body, "application/octet-stream", &content, &range);
}
