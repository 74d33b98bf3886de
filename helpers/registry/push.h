/*
 * push.h - the requests of a push (OCI distribution spec), as far as HTTP goes; what they do is intake.c's.
 *
 * For http.c: a request that is not GET or HEAD is begun, added to, answered and ended, always by the same
 * thread.
 */
#ifndef PUSH_H
#define PUSH_H

#include "registry/answer.h"
#include "registry/intake.h"

struct push;

/* Whether a push has requests of this method. */
bool push_takes(const char *method);

/* With the headers. in: the registry's, which outlives it. */
struct push *push_begin(struct intake *in, connection *c, const char *method, const struct target *target);

/* With a piece of the body. */
void push_add(struct push *p, const void *bytes, size_t size);

/* At the end of the body. */
result push_answer(struct push *p, connection *c);

/* However it has ended: an upload that the request was still writing to is over with it. */
void push_end(struct push *p);

/* A GET or HEAD of what is in no catalog: an upload, a blob, a manifest as it was pushed. */
result push_look(struct intake *in, connection *c, bool body, const struct target *target);

#endif
