/* proof.c - the one pipe that every layer goes through: hash, decode, hash, hand on. */
#include <stdlib.h>
#include <string.h>

#include "image/proof.h"

struct proof {
	enum coding coding;
	struct decoder *decoder;
	struct hash *stored, *plain; /* one and the same for a plain layer */
	decoder_sink sink;
	void *arg;
};

static bool
deliver(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct proof *p = arg;

	hash_update(p->plain, bytes, size);
	return p->sink(p->arg, bytes, size, why);
}

struct proof *
proof_new(enum coding coding, decoder_sink sink, void *arg)
{
	struct proof *p = xmalloc(sizeof(*p));

	*p = (struct proof){.coding = coding, .sink = sink, .arg = arg, .plain = hash_new()};
	p->stored = coding == PLAIN ? p->plain : hash_new();
	p->decoder = decoder_new(coding, deliver, p);
	return p;
}

bool
proof_add(struct proof *p, const void *bytes, size_t size, char why[WHY])
{
	if (p->stored != p->plain)
		hash_update(p->stored, bytes, size);
	return decoder_add(p->decoder, bytes, size, why);
}

bool
proof_end(struct proof *p, char stored[DIGEST], char diff_id[DIGEST], char why[WHY])
{
	if (!decoder_end(p->decoder, why))
		return false;
	hash_end(p->plain, diff_id);
	if (p->stored != p->plain)
		hash_end(p->stored, stored);
	else
		memcpy(stored, diff_id, DIGEST);
	return true;
}

bool
proof_simple(const struct proof *p)
{
	return decoder_simple(p->decoder);
}

void
proof_free(struct proof *p)
{
	if (p == NULL)
		return;
	decoder_free(p->decoder);
	if (p->stored != p->plain)
		hash_free(p->stored);
	hash_free(p->plain);
	free(p);
}
