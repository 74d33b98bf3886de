/*
 * flatten.h - an image of an export as one layer.
 *
 *	f = flat_open(&e, &e.image[0], folder, why);     reads and verifies every layer, decides who wins
 *	flat_measure(f, &size, why);                     how long the layer will be, without reading contents
 *	flat_write(f, out, digest, &size, why);          writes it, a plain tar; out -1: only its digest
 *	config = flat_config(&e.image[0], digest);       the image's config, for this one layer
 *
 * Written twice it is the same twice, byte by byte.
 */
#ifndef FLATTEN_H
#define FLATTEN_H

#include "image/export.h"

struct flat;

/* NULL: why says which layer is not what it should be, and in what. The export must stay open. */
struct flat *flat_open(struct export *e, struct image *m, const char *folder, char why[WHY]);

/*
 * For an artifact of smolvm. Files with holes are written with all their zeros: what unpacks its layers (Rust's
 * crate tar) knows no holes but of GNU's oldest format. Pipes and devices become empty files, as smolvm's own
 * packs have them: a machine that boots lacks them otherwise (run: 1.32.2).
 */
void flat_for_artifact(struct flat *f);

/* The bytes of the archive that flat_write will write; false, and why, where a layer cannot be read. */
bool flat_measure(struct flat *f, uint64_t *size, char why[WHY]);

/*
 * The first link that leads to the root or out of it, once it was measured for an artifact; NULL where there is
 * none. smolvm refuses an image with such a one where its host unpacks the layer (source: smolvm-pack 1.33.0,
 * extract.rs: "aliases the destination root", "escapes destination directory"; run: 1.32.2).
 */
const char *flat_outward(const struct flat *f);

/* What is said of it: the image, the link. */
#define OUTWARD_WARNING                                                                                      \
	"warning: %s: '%s' links to the root or out of it; smolvm does not start such an image as root with SMOLVM_VM_UID_DROP=off, nor on macOS"

/* Writes the tree as one plain layer; digest and size are of what was written. False, and why. */
bool flat_write(struct flat *f, int out, char digest[DIGEST], uint64_t *size, char why[WHY]);

/* The digest of the one layer of such a config; false, and why, where it has another number of them. */
bool config_layer(const char *config, char digest[DIGEST], char why[WHY]);

/* All as it was but for the list of layers and their history, which must be as long. The caller frees it. */
char *flat_config(const struct image *m, const char *digest);

/* Frees it; export and image stay. */
void flat_free(struct flat *f);

#endif
