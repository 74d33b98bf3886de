/*
 * layer.c - one layer of an image: read, decoded, and proved to be the one that
 * the config means.
 *
 * Two digests are taken in one reading (proof.h): of the bytes as stored, which a
 * registry knows a layer by, and of the plain tar that they hold, which the
 * config's diff_id must be.
 */
#include <stdlib.h>
#include <string.h>

#include "image/pour.h"
#include "image/proof.h"

/* Where the plain tar goes. */
static bool
deliver(void *arg, const void *bytes, size_t size, char why[WHY])
{
	const int *out = arg;

	return *out < 0 || write_all(*out, bytes, size) || fail_errno(why, "cannot write what it holds");
}

static bool
add_piece(void *proof, const void *bytes, size_t size, char why[WHY])
{
	return proof_add(proof, bytes, size, why);
}

/* Images share layers: whoever has this one at this place need not read it again. */
static void
set_verified(struct export *e, const struct blob *b, const char *diff_id)
{
	for (size_t i = 0; i < e->images; i++)
		for (size_t k = 0; k < e->image[i].layers; k++) {
			struct blob *other = &e->image[i].layer[k];

			if (other->offset == b->offset && strcmp(e->image[i].diff_id[k], diff_id) == 0) {
				memcpy(other->digest, b->digest, DIGEST);
				other->verified = true;
			}
		}
}

static bool
check(struct export *e, struct blob *b, const char *diff_id, int out, char why[WHY])
{
	struct proof *p = proof_new(b->coding, deliver, &out);
	char plain[DIGEST], digest[DIGEST];
	bool read = pour(e->spool, b->offset, b->size, add_piece, p, why) && proof_end(p, digest, plain, why);

	proof_free(p);
	if (!read)
		return false;
	if (strcmp(plain, diff_id) != 0)
		return fail(why, "it holds %.19s..., the config says %.19s...", plain, diff_id);
	if (*b->digest && strcmp(b->digest, digest) != 0)
		return fail(why, "it is %.19s..., its name says %.19s...", digest, b->digest);
	memcpy(b->digest, digest, DIGEST);
	set_verified(e, b, diff_id);
	return true;
}

bool
decode_layer(struct export *e, struct image *m, size_t layer, int out, char why[WHY])
{
	char reason[WHY];

	return check(e, &m->layer[layer], m->diff_id[layer], out, reason) ||
	       fail(why, "layer %zu of %.19s...: %.140s", layer + 1, m->id, reason);
}

/* The same where only the answer is wanted; a layer is read once, however many images have it. */
bool
verify_layer(struct export *e, struct image *m, size_t layer, char why[WHY])
{
	return m->layer[layer].verified || decode_layer(e, m, layer, -1, why);
}
