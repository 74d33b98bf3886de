/*
 * proof.h - the one pipe that every layer goes through, wherever it comes from: the stored bytes are hashed,
 * decoded, and the plain tar that comes out is hashed and handed on.
 *
 *	p = proof_new(GZIP, sink, arg);
 *	while (...)
 *		proof_add(p, bytes, n, why);     calls sink(arg, ...) with pieces of the plain tar
 *	proof_end(p, stored, diff_id, why);
 *	proof_free(p);
 *
 * proof_end is false where the compressed data is cut short; stored is the digest of what was added, diff_id
 *that of the plain tar. proof_simple, after it: the data is one gzip member or zstd frame with nothing behind
 *it, or plain, which any reader takes.
 */
#ifndef PROOF_H
#define PROOF_H

#include "image/decode.h"

struct proof;

/* Plain bytes go to sink with arg, where it is not NULL. proof_free frees it. */
struct proof *proof_new(enum coding coding, decoder_sink sink, void *arg);

/* More of what is stored; false, and why, where it is no layer. */
bool proof_add(struct proof *p, const void *bytes, size_t size, char why[WHY]);

/*
 * Both digests, of the bytes as stored and of the plain tar; false, and why, where the layer has not
 * ended.
 */
bool proof_end(struct proof *p, char stored[DIGEST], char diff_id[DIGEST], char why[WHY]);

/* Whether it came as one piece with nothing behind it, so that it can be served as it is. */
bool proof_simple(const struct proof *p);

/* Frees a proof, ended or not. */
void proof_free(struct proof *p);

#endif
