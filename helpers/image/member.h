/*
 * member.h - an entry of a layer, written anew as a member of an archive.
 *
 *	struct member_sink s = {.buffer = ..., .room = ..., .flush = ..., .why = why};
 *	member_write(&s, &r.entry, false, fd, r.data, r.stored);
 *	... s.flush(&s)                     what is still in the buffer
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "image/entry.h"

/* Where members go. Whoever has one puts it first in a struct of his own, for flush to know. */
struct member_sink {
	unsigned char *buffer; /* room bytes, of which used are full; NULL: all is only counted */
	size_t room, used;
	uint64_t size; /* bytes that were put, all in all */
	/* Takes what is in the buffer, sets used to 0, and may give it another buffer of the same room. */
	bool (*flush)(struct member_sink *s);
	char *why;
};

/* Any bytes; false, and s->why, where flush fails. */
bool member_put(struct member_sink *s, const void *bytes, size_t size);

/* The headers of an entry alone. */
bool member_head(struct member_sink *s, const struct entry *e);

/* Zeros up to the next whole block of all that was put. */
bool member_pad(struct member_sink *s);

/*
 * Headers, content and padding. stored bytes of content lie at data of fd, one piece behind the other. fill: a file with holes is
 * written as any other, with all its zeros. False, and s->why, where it cannot be read or written.
 */
bool member_write(struct member_sink *s, const struct entry *e, bool fill, int fd, off_t data,
		  int64_t stored);

/* A sink that writes to a file. */
struct file_sink {
	struct member_sink m; /* first */
	int fd;
};

void file_sink_open(struct file_sink *s, int fd, char why[WHY]);

/* Writes what is left, and frees the buffer; false, and why, where anything was not written. */
bool file_sink_close(struct file_sink *s);

/*
 * What a pipe or a device is in an artifact of smolvm: an empty file, as in smolvm's own packs; a machine that boots lacks it
 * otherwise (run: 1.32.2).
 */
void member_for_artifact(struct entry *e);

#endif
