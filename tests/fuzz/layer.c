/*
 * Any bytes as a layer, plain, gzip or zstd, by both that read one: what checks it (image/layer.c) and what
 * serves it (image/recode.c). Both take the same, and it holds the same; what is served is what its digest
 * says.
 */
#include "image/recode.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */

#include "fuzz.h"

/* The digest of what lies in a file, of which it is said how long it is. */
static void
check_served(const struct recoded *l)
{
	struct hash *hash = hash_new();
	char digest[DIGEST];
	unsigned char chunk[4096];

	for (uint64_t done = 0; done < l->length;) {
		size_t n = l->length - done < sizeof(chunk) ? (size_t)(l->length - done) : sizeof(chunk);

		must(read_at(l->fd, chunk, n, l->at + (off_t)done));
		hash_update(hash, chunk, n);
		done += n;
	}
	hash_end(hash, digest);
	must(strcmp(digest, l->digest) == 0);
	hash_free(hash);
}

static bool
read_both(struct export *e, struct recoded *l, enum coding wanted)
{
	struct recoder r = {.folder = "/tmp", .wanted = wanted, .export = e};
	char why[WHY] = "";
	bool good;

	recode(&r, l, false);
	must(l->good || *l->why != '\0');
	if (l->good)
		memcpy(e->image->diff_id[0], l->diff_id, DIGEST);
	good = decode_layer(e, e->image, 0, -1, why);
	must(good || *why != '\0');
	must(good == l->good || l->fd != e->spool); /* whose place in the export may have been given back */
	if (good)
		must(strcmp(l->stored, e->image->layer[0].digest) == 0);
	return l->good;
}

/* The first byte says how it is to be served. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char diff_id[1][DIGEST] = {"sha256:none"};
	struct blob blob = {.size = size - 1};
	struct image image = {.layers = 1, .layer = &blob, .diff_id = diff_id};
	struct export e = {.images = 1, .image = &image};
	struct recoded l = {.in = -1, .size = size - 1, .fd = -1};

	if (size < 2)
		return 0;
	e.spool = file_of(bytes + 1, size - 1, NULL);
	if (!sniff(e.spool, 0, size - 1, &blob.coding))
		return 0;
	if (read_both(&e, &l, bytes[0] % 3))
		check_served(&l);
	if (l.fd >= 0 && l.fd != e.spool)
		close(l.fd);
	return 0;
}
