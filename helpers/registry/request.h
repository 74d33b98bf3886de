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
	enum { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE } kind;
	uint64_t first, count;
};

/* /v2/<name>/<verb>/<reference>; a name may hold slashes, so it is read from the end. */
void parse_target(const char *path, struct target *r);

/*
 * "bytes=5-9", "bytes=5-" or "bytes=-5" (RFC 9110, 14.1.2). Anything else, several
 * ranges included, may be ignored, and is: the whole is served.
 */
void parse_range(const char *value, uint64_t size, struct range *r);

/* What a piece of an upload is, "5-9": its first byte and how many they are. */
bool parse_span(const char *value, uint64_t *first, uint64_t *count);

/* Content-Length, 0 where that says nothing: it is a hint, and libmicrohttpd's to enforce. */
uint64_t parse_length(const char *value);

/* sha256:<64 hex> as it comes in a query: Go writes its colon %3A. */
bool digest_parameter(const char *value, char digest[DIGEST]);

/* If-None-Match and If-Range: * or "digest", W/"digest", in a list. */
bool names_etag(const char *value, const char *digest);

#endif
