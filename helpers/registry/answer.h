/* answer.h - how a registry answers: the one place where statuses, headers and errors are put together. */
#ifndef ANSWER_H
#define ANSWER_H

#include <microhttpd.h>

#include "registry/catalog.h"
#include "registry/problem.h"

typedef enum MHD_Result result;
typedef struct MHD_Connection connection;
typedef struct MHD_Response response;

/* A header of the request; NULL. */
const char *asked(connection *c, const char *header);

/* Of the query: as it came, escaped; NULL. */
const char *argument(connection *c, const char *name);

/* Adds a header; the value is copied. */
void set_header(response *r, const char *name, const char *value);

/* text becomes libmicrohttpd's to free. */
response *json_response(char *text);

/* A response without a body; answer() takes it. */
response *empty_response(void);

/* Queues a response, which is destroyed then. */
result answer(connection *c, unsigned status, response *r);

/* An error of the registry's, as the specification has it, with our message. */
result answer_problem(connection *c, const struct problem *p);

/*
 * why: more than the problem itself says; what it quotes of a request has no quotes and control bytes any
 * more.
 */
result answer_because(connection *c, const struct problem *p, const char *why);

/* range: what of it is sent; where nothing is, nothing of it is sent but headers. */
result answer_content(connection *c, bool body, const char *type, const struct content *content,
		      struct range *sent);

/* To a HEAD: that there is such a blob, of so many bytes. */
result answer_head(connection *c, const char *digest, uint64_t size);

#endif
