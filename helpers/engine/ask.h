/*
 * ask.h - calls of the engine's client that nobody's answer depends on, which share one TOOL_TIMEOUT: the
 * first that is not answered is the last.
 */
#ifndef ASK_H
#define ASK_H

#include "lib/lib.h"

/* The client's command, DOCKER or "docker". */
const char *client(void);

/* The time begins anew, for what comes now. */
void ask_anew(void);

/*
 * As capture(): *out and *err are the caller's. Without an answer in time, now or before, timed_out is set.
 */
struct outcome ask(char *const *argv, char **out, char **err);

/* Seconds that are left, 0 where there is no limit; false where there is no time left. */
bool ask_time(unsigned *seconds);

/* Nothing was answered in time since ask_anew(). */
bool ask_in_vain(void);

#endif
