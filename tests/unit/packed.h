/* packed.h - sidecars as smolvm writes them, for tests to spoil. */
#ifndef PACKED_H
#define PACKED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Where things are in the footer. */
enum { FOOTER = 64, STUB = 12, ASSETS_AT = 20, ASSETS = 28, MANIFEST_AT = 36, MANIFEST = 44, CRC = 52 };

static void
little_endian(char *at, uint64_t n, size_t bytes)
{
	while (bytes-- > 0) {
		*at++ = (char)(n & 255);
		n >>= 8;
	}
}

/* As smolvm's packer does: assets, manifest, footer. The caller frees it. */
static char *
pack(const char *assets, size_t assets_size, const char *manifest, size_t manifest_size, size_t *size)
{
	size_t body = assets_size + manifest_size;
	char *bytes = calloc(1, body + FOOTER), *footer;

	if (bytes == NULL)
		abort();
	footer = bytes + body;
	memcpy(bytes, assets, assets_size);
	memcpy(bytes + assets_size, manifest, manifest_size);
	memcpy(footer, "SMOLPACK", 8);
	little_endian(footer + 8, 1, 4);
	little_endian(footer + ASSETS, assets_size, 8);
	little_endian(footer + MANIFEST_AT, assets_size, 8);
	little_endian(footer + MANIFEST, manifest_size, 8);
	little_endian(footer + CRC, crc32(0, (unsigned char *)bytes, (uInt)body), 4);
	*size = body + FOOTER;
	return bytes;
}

#endif
