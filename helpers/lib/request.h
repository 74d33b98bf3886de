/* request.h - what a client of the registry asks for, read from its path and headers; all of it a stranger's.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "lib.h"

struct route {
	enum { NOWHERE, ROOT, MANIFEST, BLOB, TAGS } kind;
	char name[256];      /* of the repository */
	char reference[136]; /* a tag, or sha256:<64 hex> */
	bool by_digest;
};

/* What a Range header makes of size bytes. */
struct range {
	enum { WHOLE, PART, UNSATISFIABLE } kind;
	uint64_t first, count;
};

void parse_route(const char *path, struct route *r);
void parse_range(const char *value, uint64_t size, struct range *r);
bool names_etag(const char *value, const char *digest);

#endif
