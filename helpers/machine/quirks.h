/*
 * quirks.h - all that depends on smolvm's version, one row a decision of ours, with what it rests on.
 *
 * A version is 1000000 * major + 1000 * minor + patch.
 */
#ifndef QUIRKS_H
#define QUIRKS_H

#include <stdbool.h>

/* What the pipeline does about it. The last ones are done whatever the version is. */
enum {
	QUIRK_ONE_LAYER = 1 << 0, /* an image of several layers is served as one (route/route.c) */
	QUIRK_FLOOR = 1 << 1, /* SMOLVM_EGRESS_FLOOR=metadata, for the one child that packs (with-smolvm.c) */
	QUIRK_GZIP = 1 << 2,  /* layers are served as gzip (route/route.c) */
	QUIRK_NO_ARCHIVE = 1 << 3,   /* ROUTE=archive is refused (route/route.c) */
	QUIRK_NO_USER = 1 << 4,      /* "user" is left out of a manifest of ours (pack/manifest.c) */
	QUIRK_NO_CUDA = 1 << 5,      /* "cuda" is too */
	QUIRK_CLEAN_FOLDER = 1 << 6, /* each pack works in a folder of its own (mk/machine.mk) */
	QUIRK_VM_SIZE = 1 << 7,      /* PACK_JOBS counts 4 processors and 8 GiB a pack (with-run.c) */
	QUIRK_ONE_FRAME = 1 << 8,    /* a zstd layer is one frame (registry/upload.c, image/recode.c) */
	QUIRK_IN_PLACE = 1 << 9, /* it packs in the run's folder, and what it left is published by rename */
};

struct quirk {
	int bit;
	int since, until; /* until is the first version without it */
	const char *is;   /* what smolvm does */
	const char *proof;
};

extern const struct quirk quirk[];
extern const int quirk_count;

/* "smolvm 1.9.2", "v1.9.2" or "1.9.2-rc1" -> 1009002; -1 where there is no version in it. */
int parse_version(const char *text);

/*
 * Whether an artifact that we write ourselves was seen to be as this version's own, and to boot: `make check-real`, the cell native,
 * and all others of that version (tests/real/RESULTS.md). text: as for smolvm_quirks.
 */
bool packs_natively(const char *text);

/* Those versions, as a sentence has them: "1.29.1 or 1.32.2". */
#define NATIVE_VERSIONS "1.26.1, 1.29.1 and 1.32.2"

/* The quirks of the version in text, as bits; all of them where there is none in it: each decision does no harm where it is not needed. */
int smolvm_quirks(const char *text);

/* Whether a smolvm with these quirks is given every image as one layer: as SQUASH says, else by QUIRK_ONE_LAYER. */
bool gets_one_layer(int quirks);

#endif
