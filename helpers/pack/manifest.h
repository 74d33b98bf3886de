/* manifest.h - the manifest of an artifact, as smolvm writes it. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "pack/parts.h"

/* Of what the manifest is made. */
struct subject {
	const char *reference;       /* what the image is called */
	const char *image_id;        /* the digest of the image's config */
	const char *config;          /* that config, or one that says the same but of its layers */
	const char *layer;           /* digest of the one layer, a plain tar */
	uint64_t layer_size;         /* bytes of that tar */
	uint64_t files;              /* bytes of the files in it */
	const struct list *settings; /* CPUS, MEM, ENTRYPOINT */
	const struct parts *parts;
};

/*
 * PackManifest of smolvm-pack 1.33.0, format.rs, its fields in their order, without those that the version did not have yet
 * (run: `make check-real`, tests/real/recorded). Where smolvm writes the time of the pack, this has the image's, so that the same
 * image gives the same bytes. The caller frees it; NULL: why says what the config lacks.
 */
char *make_manifest(const struct subject *s, char why[WHY]);

#endif
