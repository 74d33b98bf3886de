/* io.h - reading and writing to the last byte, scratch files without a name, and saying why not. */
#ifndef IO_H
#define IO_H

#include "lib/lib.h"

enum { WHY = 200 }; /* room for a reason */

/* return fail(why, ...): the reason, and false. */
bool fail(char why[WHY], const char *fmt, ...) PRINTF(2, 3);

/* The same, with what errno says behind it. */
bool fail_errno(char why[WHY], const char *fmt, ...) PRINTF(2, 3);

/* All size bytes that lie at offset; false, with errno, where they do not (EIO: the file ends before). */
bool read_at(int fd, void *buffer, size_t size, off_t offset);

/* read(2) that a signal does not end. */
ssize_t read_some(int fd, void *buffer, size_t size);

/* False, with errno, where not all of it could be written. */
bool write_all(int fd, const void *buffer, size_t size);

/* A number of up to 8 bytes, the lowest first. */
uint64_t get_little(const unsigned char *from, size_t bytes);
void put_little(unsigned char *to, uint64_t n, size_t bytes);

/* A file in folder that has no name, so that no way of dying leaves it behind; -1 and errno. */
int unlinked_file(const char *folder);

#endif
