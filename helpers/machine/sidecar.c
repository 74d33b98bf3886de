/*
 * sidecar.c - smolvm's artifact, <launcher>.smolmachine.
 *
 * Assets (tar.zst), manifest (JSON), then a footer of 64 bytes, little-endian:
 * "SMOLPACK", u32 version, u64 stub size, assets offset, assets size, manifest
 * offset, manifest size, u32 CRC-32 (IEEE) of assets and manifest, 8 zero bytes
 * (source: smolvm-pack 1.33.0, format.rs and packer.rs; versions 1 to 3 have this
 * layout, and 1.4.5 to 1.32.2 write 1: run). smolvm writes all of it in place:
 * only the checks here tell a whole artifact from a torn one.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/io.h"
#include "machine/sidecar.h"

enum { FOOTER_SIZE = 64, MANIFEST_MAX = 16 << 20 /* as smolvm-pack 1.33.0, packer.rs */, CHUNK = 1 << 18 };

/* Control bytes become '?', a NUL among them: what is copied ends up on terminals. */
static void
copy_text(char *to, size_t size, json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);
	size_t n = text ? json_string_length(value) : 0;

	if (n >= size)
		n = size - 1;
	for (size_t i = 0; i < n; i++) {
		to[i] = text[i];
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			to[i] = '?';
	}
	to[n] = '\0';
}

/* NULL: why says what is wrong. */
static json_t *
load_manifest(int fd, const struct sidecar *s, char why[200])
{
	char *text = xmalloc((size_t)s->manifest_size);
	json_error_t error;
	json_t *root = NULL;

	if (!read_at(fd, text, (size_t)s->manifest_size, (off_t)s->manifest_offset))
		snprintf(why, 200, "cannot read the manifest");
	else if ((root = json_loadb(text, (size_t)s->manifest_size, JSON_ALLOW_NUL, &error)) == NULL)
		snprintf(why, 200, "the manifest is not JSON: %.120s", error.text);
	free(text);
	return root;
}

json_t *
sidecar_manifest(int fd, const struct sidecar *s)
{
	char why[200];
	json_t *root = load_manifest(fd, s, why);

	if (root == NULL)
		die(EXIT_NO, "%s", why);
	return root;
}

static bool
parse_manifest(int fd, struct sidecar *s, char why[200])
{
	json_t *root = load_manifest(fd, s, why), *assets, *layers;
	char mode[32];
	bool listed;

	if (root == NULL)
		return false;
	copy_text(s->image, sizeof(s->image), root, "image");
	copy_text(s->digest, sizeof(s->digest), root, "digest");
	copy_text(s->platform, sizeof(s->platform), root, "platform");
	copy_text(s->host, sizeof(s->host), root, "host_platform");
	copy_text(s->version, sizeof(s->version), root, "smolvm_version");
	assets = json_object_get(root, "assets");
	layers = json_object_get(assets, "layers");
	listed = json_is_object(assets); /* never left out (source: v1.9.2, format.rs) */
	s->layers = json_array_size(layers);
	copy_text(s->layer, sizeof(s->layer), json_array_get(layers, 0), "digest");
	copy_text(mode, sizeof(mode), root, "mode");
	json_decref(root);
	if (*s->image == '\0' || *s->digest == '\0')
		snprintf(why, 200, "the manifest names no image");
	else if (*mode != '\0' && strcmp(mode, "container") != 0)
		snprintf(why, 200, "its mode is '%s': it was not packed from an image", mode);
	else if (listed && s->layers == 0)
		snprintf(why, 200, "the manifest lists no layer");
	else
		return true;
	return false;
}

bool
read_sidecar(int fd, struct sidecar *s, char why[200])
{
	unsigned char footer[FOOTER_SIZE];
	struct stat st;
	uint64_t body;

	memset(s, 0, sizeof(*s));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, 200, "not a regular file");
		return false;
	}
	if (st.st_size < FOOTER_SIZE) {
		snprintf(why, 200, "%lld bytes are too few for an artifact", (long long)st.st_size);
		return false;
	}
	body = (uint64_t)st.st_size - FOOTER_SIZE;
	if (!read_at(fd, footer, sizeof(footer), (off_t)body)) {
		snprintf(why, 200, "cannot read the footer: %s", strerror(errno));
		return false;
	}
	if (memcmp(footer, "SMOLPACK", 8) != 0) {
		snprintf(why, 200, "no SMOLPACK footer at the end: torn, or no artifact");
		return false;
	}
	if (get_little(footer + 8, 4) < 1 || get_little(footer + 8, 4) > 3) {
		snprintf(why, 200, "format version %llu is not known",
			 (unsigned long long)get_little(footer + 8, 4));
		return false;
	}
	/* No stub stands before a sidecar, and the last bytes are reserved: nobody reads these zeros. */
	if (get_little(footer + 12, 8) != 0 || get_little(footer + 56, 8) != 0) {
		snprintf(why, 200, "bytes of the footer that are zero in every sidecar are not: damaged");
		return false;
	}
	s->assets_offset = get_little(footer + 20, 8);
	s->assets_size = get_little(footer + 28, 8);
	s->manifest_offset = get_little(footer + 36, 8);
	s->manifest_size = get_little(footer + 44, 8);
	s->crc = (uint32_t)get_little(footer + 52, 4);
	/* Assets, manifest, footer, nothing between: smolvm writes it so, and its CRC covers both as one. */
	if (s->assets_offset != 0 || s->assets_size > body || s->manifest_offset != s->assets_size ||
	    s->manifest_size != body - s->assets_size) {
		snprintf(why, 200, "the footer's sizes do not fit a file of %lld bytes",
			 (long long)st.st_size);
		return false;
	}
	if (s->manifest_size > MANIFEST_MAX) {
		snprintf(why, 200, "a manifest of %llu bytes", (unsigned long long)s->manifest_size);
		return false;
	}
	return parse_manifest(fd, s, why);
}

bool
check_sidecar(int fd, const struct sidecar *s, char why[200])
{
	uint64_t at = 0, end = s->assets_size + s->manifest_size;
	unsigned char *chunk = xmalloc(CHUNK);
	uLong crc = crc32(0, NULL, 0);

	while (at < end) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

		if (!read_at(fd, chunk, n, (off_t)at)) {
			snprintf(why, 200, "cannot read it at byte %llu", (unsigned long long)at);
			break;
		}
		crc = crc32(crc, chunk, (uInt)n);
		at += n;
	}
	free(chunk);
	if (at == end && crc != s->crc)
		snprintf(why, 200, "CRC-32 %08lx where the footer says %08lx: damaged", crc,
			 (unsigned long)s->crc);
	return at == end && crc == s->crc;
}
