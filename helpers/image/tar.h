/* tar.h - a tar archive inside a file, read where it lies: its entries, one by one, and their places. */
#ifndef TAR_H
#define TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "lib/io.h"

struct tar {
	struct archive_entry *entry; /* the current one, libarchive's own */
	off_t header, data;          /* where in the file it begins, headers and all; where its data does */

	/* private */
	struct archive *archive;
	int fd, pipe;      /* the file; what fills it while it is read, or -1 */
	int trouble;       /* errno of what went wrong on the way into the file */
	off_t start, at;   /* of the archive in the file; the next byte that libarchive gets */
	off_t end;         /* of the archive; with a pipe: what has arrived */
	size_t chunk;      /* to read next */
	ssize_t allowance; /* of bytes for the headers of one entry */
	unsigned char *buffer;
};

enum found { BROKEN, ENTRY, END };
enum { PATH_ROOM = 4096 }; /* Linux takes no longer ones */

void tar_init(struct tar *t);
bool tar_seek(struct tar *t, int fd, off_t header, off_t end, char why[WHY]);
bool tar_receive(struct tar *t, int fd, int pipe, char why[WHY]);
enum found tar_next(struct tar *t, char why[WHY]);
bool tar_skip(struct tar *t, char why[WHY]);
enum found tar_data(struct tar *t, const void **bytes, size_t *size, off_t *offset, char why[WHY]);
void tar_close(struct tar *t);
bool clean_link(const char *raw, char path[PATH_ROOM]);
bool clean_path(const char *raw, char path[PATH_ROOM]);

#endif
