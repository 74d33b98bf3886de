/* sidecar.h - smolvm's artifact: launcher, assets and manifest in one file, known by its end. */
#ifndef SIDECAR_H
#define SIDECAR_H

#include <jansson.h>

#include "lib/lib.h"

struct sidecar {
	uint64_t assets_offset, assets_size, manifest_offset, manifest_size;
	uint32_t crc;
	char image[512], digest[80], platform[64], version[40];
	char host[64]; /* the platform that packed it; "" where the manifest does not say */
	size_t layers;
	char layer[80]; /* digest of the first one */
};

/*
 * Footer, sizes and manifest: a few kilobytes, whatever the artifact's size. False: why says what is wrong.
 */
bool read_sidecar(int fd, struct sidecar *s, char why[200]);

/* What the manifest says, all of it, of one that read_sidecar has taken. The caller releases it. */
json_t *sidecar_manifest(int fd, const struct sidecar *s);

/* All of it against the CRC-32, in constant memory. */
bool check_sidecar(int fd, const struct sidecar *s, char why[200]);

#endif
