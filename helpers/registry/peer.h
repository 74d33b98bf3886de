/* peer.h - whose process is at the other end of a connection over loopback. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

bool peer_is_own(int fd);

#endif
