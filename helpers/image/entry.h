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

	/* private */
	int fd;
	off_t at, end;
	unsigned char block[512];
	struct records pax;
	char *long_path, *long_link, *path, *link;
};

void entry_reader_at(struct entry_reader *r, int fd, off_t start, off_t end);
enum found entry_next(struct entry_reader *r, char why[WHY]);
void entry_reader_free(struct entry_reader *r);

/* pax.c */
bool records_parse(struct records *p, char *text, size_t size, char why[WHY]);
const struct record *records_find(const struct records *p, const char *key);
bool records_number(const struct records *p, const char *key, int64_t *value);
bool records_time(const struct records *p, const char *key, int64_t *seconds, long *nanoseconds);
void records_free(struct records *p);
bool parse_decimal(const char *text, int64_t *value);

/* sparse.c */
bool read_sparse_blocks(struct entry_reader *r, unsigned char *block, char why[WHY]);
bool read_sparse_records(struct entry_reader *r, bool *sparse, char why[WHY]);
bool read_bytes_of(struct entry_reader *r, void *bytes, size_t size, char why[WHY]);
bool header_number(const unsigned char *field, size_t size, int64_t *value);
bool bad_header(const struct entry_reader *r, char why[WHY]);

/*
 * entry-write.c: the headers of an entry, and of its map of holes, in *text, which is the caller's to free.
 */
size_t entry_header(const struct entry *e, char **text);

#endif
