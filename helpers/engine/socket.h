/* socket.h - the engine's Unix socket, where it is proved to be that of the engine which DOCKER asks. */
#ifndef SOCKET_H
#define SOCKET_H

/*
 * The Unix socket of the engine that DOCKER asks; NULL where there is none, or where it is not proved to be
 * the same: DOCKER may be a script that asks another, or podman. Both are asked who they are, at once. The
 * caller frees it. timeout: seconds, 0 is none.
 */
char *engine_socket(const char *docker, unsigned timeout);

#endif
