/* peer.h - whose process is at the other end of a connection over loopback. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stdio.h>

FILE *peer_table(void);

/* Whether pushes can be taken from our own alone. */
bool peer_can_tell(void);

/* Root's or our own; not, where that cannot be known. */
bool peer_is_own(FILE *table, int fd);

#endif
