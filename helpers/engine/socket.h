/* socket.h - the engine's Unix socket, where it is proved to be that of the engine which DOCKER asks. */
#ifndef SOCKET_H
#define SOCKET_H

char *engine_socket(const char *docker, unsigned timeout);

#endif
