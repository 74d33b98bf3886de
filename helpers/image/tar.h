/* tar.h - a tar archive inside a file, read where it lies: its entries, one by one, and their places. */
#ifndef TAR_H
#define TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "lib/io.h"

struct tar {
	struct archive_entry *entry; /* the current one, libarchive's own */
	off_t header, data;          /* where in the file it begins, headers and all; where its data does */

	void (*on_bytes)(void *on_bytes_arg, uint64_t so_far); /* what has come by the pipe; or NULL */
	void *on_bytes_arg;

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

/* An empty reader; tar_close may follow at once. */
void tar_init(struct tar *t);

/* Reading begins there: at an archive, or at the headers of any entry of one, which ends before end. */
bool tar_seek(struct tar *t, int fd, off_t header, off_t end, char why[WHY]);

/* What comes by the pipe goes into the file, which is empty, and is read there. */
bool tar_receive(struct tar *t, int fd, int pipe, char why[WHY]);

/*
 * The next entry. Of libarchive's warnings one is none: in the C locale a name
 * that is not ASCII "can't be converted" (EILSEQ), and comes as the bytes it is.
 */
enum found tar_next(struct tar *t, char why[WHY]);

/* Jumps over the entry's data; false where the archive ends within. */
bool tar_skip(struct tar *t, char why[WHY]);

/* The next piece of the entry's data: size bytes at offset; what lies between two pieces is a hole. */
enum found tar_data(struct tar *t, const void **bytes, size_t *size, off_t *offset, char why[WHY]);

/* Frees what was read; the descriptors stay the caller's. */
void tar_close(struct tar *t);

/*
 * The same of a hard link's target, where ".." takes a name away, and nothing at the root, whatever is there:
 * the engines join it to their root (Go's filepath.Join) before they look.
 */
bool clean_link(const char *raw, char path[PATH_ROOM]);

/* "./a//b/" is "a/b", and "" the root; in place too. False for ".." and for more than a path can be long. */
bool clean_path(const char *raw, char path[PATH_ROOM]);

#endif
