/* answer.h - how a registry answers: the one place where statuses, headers and errors are put together. */
#ifndef ANSWER_H
#define ANSWER_H

#include <microhttpd.h>

#include "registry/catalog.h"

typedef enum MHD_Result result;
typedef struct MHD_Connection connection;
typedef struct MHD_Response response;

struct problem {
	unsigned status;
	const char *code, *message; /* the spec's, and ours */
};

extern const struct problem no_page, no_name, no_manifest, no_blob, no_method, no_push, no_room;

const char *asked(connection *c, const char *header);
const char *argument(connection *c, const char *name);

void set_header(response *r, const char *name, const char *value);
response *json_response(char *text);
response *empty_response(void);
result answer(connection *c, unsigned status, response *r);
result answer_problem(connection *c, const struct problem *p);
result answer_because(connection *c, const struct problem *p, const char *why);
result answer_content(connection *c, bool body, const char *type, const struct content *content,
		      struct range *sent);
result answer_head(connection *c, const char *digest, uint64_t size);

#endif
