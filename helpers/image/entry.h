/*
 * entry.h - the entries of a layer, read as the engines read them, and written for any reader.
 *
 * The engines extract layers by Go's archive/tar, and what that takes from a header is what an image holds:
 * libarchive decodes names by the locale, drops the first of a layer's link targets that is not ASCII, and
 *honours keywords that Go does not know (LIBARCHIVE.xattr, SCHILY.acl, SCHILY.realsize, RHT.security). So
 *layers are read and written here, by the rules of archive/tar (reader.go, strconv.go of Go 1.19) and of
 *POSIX pax; whatever is an error there is one here.
 *
 *	entry_reader_at(&r, fd, start, end);          an archive, or the headers of any entry of one
 *	while ((found = entry_next(&r, why)) == ENTRY)
 *		... r.entry ...                       valid until the next call
 *	entry_reader_free(&r);
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "image/tar.h"

struct xattr {
	const char *name;
	const char *value; /* any bytes */
	size_t size;
};

/* Bytes of a sparse file that are there; all others are zeros. */
struct piece {
	int64_t offset, size;
};

struct entry {
	char type; /* '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' folder, '6' fifo */
	const char *path, *link; /* as the layer has them; link of '1' and '2' is not empty */
	unsigned mode;           /* 07777 of it */
	int64_t uid, gid, size;  /* bytes of the file, holes included */
	int64_t seconds;
	long nanoseconds; /* 0 to 999999999, later than the seconds */
	int64_t major, minor;
	struct xattr *xattr;
	size_t xattrs;
	struct piece *piece; /* of a sparse file: in their order, within the size */
	size_t pieces;
	bool sparse;
};

/* One record of an extended header. */
struct record {
	const char *key, *value;
	size_t size; /* of the value, which has a NUL behind it */
};

struct records {
	char *text;
	struct record *at; /* the last one of a key counts, and none if that is empty */
	size_t count;
};

struct entry_reader {
	struct entry entry;
	off_t header;   /* where the entry begins, headers and all */
	off_t data;     /* where its bytes do, one piece behind the other */
	int64_t stored; /* how many those are */
	bool
	    bare; /* set by whoever reads headers that have no content behind them: [header, data) of each entry */

	/* private */
	int fd;
	off_t at, end;
	unsigned char block[512];
	struct records pax;
	char *long_path, *long_link, *path, *link;
};

/* r is all zeros, or has been used. */
void entry_reader_at(struct entry_reader *r, int fd, off_t start, off_t end);

/* ENTRY: the next one is in r->entry. END: the end. BROKEN: why says what is wrong. */
enum found entry_next(struct entry_reader *r, char why[WHY]);

/* Frees what the reader and its entry hold; the descriptor stays the caller's. */
void entry_reader_free(struct entry_reader *r);

/* pax.c */
bool records_parse(struct records *p, char *text, size_t size, char why[WHY]);

/* NULL where it is not there, or empty, which undoes it. */
const struct record *records_find(const struct records *p, const char *key);

/* False where there is something else; what is not there leaves the value as it is. */
bool records_number(const struct records *p, const char *key, int64_t *value);

/* The same of a time: "SECONDS" or "SECONDS.FRACTION", of which nine digits count. */
bool records_time(const struct records *p, const char *key, int64_t *seconds, long *nanoseconds);

/* Frees the records' text and list. */
void records_free(struct records *p);

/* Go's strconv.ParseInt(text, 10, 64): a sign and digits, nothing else. */
bool parse_decimal(const char *text, int64_t *value);

/* sparse.c */
bool read_sparse_blocks(struct entry_reader *r, unsigned char *block, char why[WHY]);

/* Whether the extended header makes it a sparse file; its name and size then, and its pieces. */
bool read_sparse_records(struct entry_reader *r, bool *sparse, char why[WHY]);

/* The next bytes of the archive, which must be there. */
bool read_bytes_of(struct entry_reader *r, void *bytes, size_t size, char why[WHY]);

/*
 * In octal between blanks and NULs, or, with the highest bit set, big-endian in 7 bits and the bytes that
 * follow.
 */
bool header_number(const unsigned char *field, size_t size, int64_t *value);

/* Returns false; why names the entry that the reader is at. */
bool bad_header(const struct entry_reader *r, char why[WHY]);

/*
 * entry-write.c: the headers of an entry, and of its map of holes, in *text, which is the caller's to free.
 */
size_t entry_header(const struct entry *e, char **text);

#endif
