/* io.h - reading and writing to the last byte, scratch files without a name, and saying why not. */
#ifndef IO_H
#define IO_H

#include "lib/lib.h"

enum { WHY = 200 }; /* room for a reason */

bool fail(char why[WHY], const char *fmt, ...) PRINTF(2, 3);
bool fail_errno(char why[WHY], const char *fmt, ...) PRINTF(2, 3);
bool read_at(int fd, void *buffer, size_t size, off_t offset);
ssize_t read_some(int fd, void *buffer, size_t size);
bool write_all(int fd, const void *buffer, size_t size);
int unlinked_file(const char *folder);

#endif
