/* endpoint.h - where docker's client would connect to: "unix:///path", "tcp://host:port", "ssh://...", ... */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "lib/lib.h"

/*
 * A host as the client completes it: blanks around it are nothing, an empty one is the default socket,
 * unix:// too, and one without a scheme is TCP's, whose host is localhost where it is left out. The caller
 * frees it.
 */
char *complete_host(const char *text);

/* NULL: *why says why it cannot be told, and is the caller's to free. timeout: seconds, 0 is none. */
char *find_endpoint(const char *docker, unsigned timeout, char **why);

/* The path of a Unix socket; NULL for another kind of endpoint. */
const char *socket_of(const char *host);

/* Whether a complete host is TCP's on this machine's loopback: what listens there may be a tunnel's end. */
bool is_loopback(const char *host);

/* Whether a complete host is another machine's, or a tunnel to one: TCP's beyond loopback, or SSH's. */
bool is_remote(const char *host);

/* Whether somebody listens at a Unix socket; if not, errno says why. */
bool socket_answers(const char *path);

#endif
