/* endpoint.h - where docker's client would connect to: "unix:///path", "tcp://host:port", "ssh://...", ... */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "lib/lib.h"

char *complete_host(const char *text);
char *find_endpoint(const char *docker, unsigned timeout, char **why);
const char *socket_of(const char *host);
bool is_loopback(const char *host);
bool is_remote(const char *host);
bool socket_answers(const char *path);

#endif
