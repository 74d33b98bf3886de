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

bool push_takes(const char *method);
struct push *push_begin(struct intake *in, connection *c, const char *method, const struct target *target);
void push_add(struct push *p, const void *bytes, size_t size);
result push_answer(struct push *p, connection *c);
void push_end(struct push *p);

result push_look(struct intake *in, connection *c, bool body, const struct target *target);

#endif
