/*
 * peer.c - whose process is at the other end of a connection over loopback.
 *
 * Every user of the machine can connect to 127.0.0.1. On Linux the kernel's table
 * (proc(5), /proc/net/tcp) says whose each socket is: the engine's, which is root's
 * or ours, the packer's, which is ours, or a stranger's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#ifdef __linux__
#include <stdio_ext.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/lib.h"
#include "registry/peer.h"

#ifdef __linux__
static bool
spell(int fd, int (*name)(int, struct sockaddr *, socklen_t *), char text[14])
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	if (name(fd, (struct sockaddr *)&address, &size) != 0 || address.sin_family != AF_INET)
		return false;
	snprintf(text, 14, "%08X:%04X", address.sin_addr.s_addr, ntohs(address.sin_port));
	return true;
}

enum { UID_WORD = 7, INODE_WORD = 9 }; /* counted from 0 */

/* Whose a line's socket is; -1 where its process has closed it: what is left of that is called root's. */
static long
owner_in(char *line)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest);
	long uid = -1, inode = 0;

	for (int i = 0; word != NULL && i <= INODE_WORD; i++, word = strtok_r(NULL, " ", &rest)) {
		if (i == UID_WORD)
			uid = strtol(word, NULL, 10);
		if (i == INODE_WORD)
			inode = strtol(word, NULL, 10);
	}
	return inode != 0 ? uid : -1;
}

/* Of the socket whose own end is that and whose other end this; -1 where there is none any more. */
static long
owner_of(FILE *table, const char *own, const char *other)
{
	char line[512], ends[32];

	snprintf(ends, sizeof(ends), ": %s %s ", own, other);
	while (fgets(line, sizeof(line), table) != NULL)
		if (strstr(line, ends) != NULL)
			return owner_in(line);
	return -1;
}

/* Opened once, when a descriptor can still be had for it; NULL and errno. */
FILE *
peer_table(void)
{
	return fopen("/proc/net/tcp", "re");
}

bool
peer_can_tell(void)
{
	FILE *table = peer_table();

	if (table != NULL)
		fclose(table);
	return table != NULL;
}

bool
peer_is_own(FILE *table, int fd)
{
	char own[14], other[14];
	long uid = -1;

	if (table != NULL && spell(fd, getpeername, own) && spell(fd, getsockname, other)) {
		/* rewind() would be content with what was read the last time */
		__fpurge(table);
		clearerr(table);
		if (lseek(fileno(table), 0, SEEK_SET) == 0)
			uid = owner_of(table, own, other);
	}
	return uid == 0 || (uid > 0 && (uid_t)uid == geteuid());
}
#else
/* No such table is known: everybody is taken for root. */
FILE *
peer_table(void)
{
	return NULL;
}

bool
peer_can_tell(void)
{
	return true;
}

bool
peer_is_own(FILE *table, int fd)
{
	(void)table;
	(void)fd;
	return true;
}
#endif
