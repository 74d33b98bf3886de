/*
 * Footer and manifest of a sidecar. The first byte says what the rest is: 0 a file as it is; 1 a manifest
 * behind some assets, with a footer that fits; otherwise assets and manifest, cut at that many 256ths, with a
 * footer that fits. A flipped bit anywhere in what is taken is seen.
 */
#include <zlib.h>

#include "fuzz.h"

#include "machine/sidecar.h"

static void
little_endian(uint8_t *at, uint64_t n, size_t bytes)
{
	while (bytes-- > 0) {
		*at++ = (uint8_t)n;
		n >>= 8;
	}
}

static bool
harmless(const char *text, size_t room)
{
	size_t n = strnlen(text, room);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			return false;
	return n < room;
}

static void
look(const uint8_t *bytes, size_t size)
{
	struct sidecar s;
	char why[200] = "";
	int fd = file_of(bytes, size, NULL);
	uint8_t byte;

	if (!read_sidecar(fd, &s, why)) {
		must(*why && strnlen(why, sizeof(why)) < sizeof(why));
		return;
	}
	must(s.assets_offset == 0 && s.assets_size + s.manifest_size + 64 == size);
	must(*s.image && *s.digest);
	must(harmless(s.image, sizeof(s.image)) && harmless(s.digest, sizeof(s.digest)));
	must(harmless(s.platform, sizeof(s.platform)) && harmless(s.version, sizeof(s.version)));
	must(harmless(s.layer, sizeof(s.layer)));
	if (!check_sidecar(fd, &s, why)) {
		must(*why);
		return;
	}
	byte = bytes[size / 3 % (size - 64)] ^ (uint8_t)(1 << size % 8);
	must(pwrite(fd, &byte, 1, (off_t)(size / 3 % (size - 64))) == 1);
	must(!check_sidecar(fd, &s, why));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t body = size - 1, assets;
	uint8_t *file, *footer;

	if (size < 1)
		return 0;
	if (bytes[0] == 0) {
		look(bytes + 1, size - 1);
		return 0;
	}
	assets = bytes[0] == 1 ? 0 : body * bytes[0] / 256;
	file = xmalloc(body + 64);
	memcpy(file, bytes + 1, body);
	footer = file + body;
	memset(footer, 0, 64);
	memcpy(footer, "SMOLPACK\3", 9);
	little_endian(footer + 28, assets, 8);
	little_endian(footer + 36, assets, 8);
	little_endian(footer + 44, body - assets, 8);
	little_endian(footer + 52, crc32(0, file, (uInt)body), 4);
	look(file, body + 64);
	free(file);
	return 0;
}
