/*
 * request.h - what a client of the registry asks for, read from its path and headers; all of it a stranger's.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "lib/lib.h"

struct target {
	enum { NOWHERE, ROOT, MANIFEST, BLOB, TAGS, UPLOADS, UPLOAD } kind;
	char name[256];      /* of the repository */
	char reference[136]; /* a tag, sha256:<64 hex>, or an upload's own name */
	bool by_digest;
};

/* What a Range header makes of size bytes. */
struct range {
	enum { WHOLE, PART, UNSATISFIABLE } kind;
	uint64_t first, count;
};

void parse_target(const char *path, struct target *r);
void parse_range(const char *value, uint64_t size, struct range *r);
bool parse_span(const char *value, uint64_t *first, uint64_t *count);
uint64_t parse_length(const char *value);
bool parse_digest(const char *value, char digest[SHA256_HEX + sizeof("sha256:")]);
bool names_etag(const char *value, const char *digest);

#endif
