/*
 * Any bytes as the layers of an image whose digests are right, so that they are believed. The first byte says
 * into how many layers the rest is cut (1 to 3); checksums are put right.
 */
#include "fuzz.h"

#include <archive.h>
#include <archive_entry.h>

#include "checksums.h"
#include "image/flat.h"

static void
put(struct archive *a, const char *name, const void *bytes, size_t size)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, AE_IFREG | 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_write_header(a, entry);
	archive_write_data(a, bytes, size);
	archive_entry_free(entry);
}

static int
save(const uint8_t *bytes, size_t size, size_t layers)
{
	char ids[512] = "", names[128] = "", text[1024], hex[SHA256_HEX + 1];
	struct archive *a = archive_write_new();
	int fd = file_of(bytes, 0, NULL);

	must(lseek(fd, 0, SEEK_SET) == 0);
	archive_write_set_format_ustar(a);
	archive_write_open_fd(a, fd);
	for (size_t i = 0; i < layers; i++) {
		const uint8_t *from = bytes + size / layers / 512 * 512 * i;
		size_t part = i + 1 < layers ? size / layers / 512 * 512 : (size_t)(bytes + size - from);

		snprintf(text, sizeof(text), "%zu", i);
		put(a, text, from, part);
		sha256_hex(from, part, hex);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s\"%zu\"", i > 0 ? "," : "",
			 i);
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s\"sha256:%s\"", i > 0 ? "," : "",
			 hex);
	}
	snprintf(text, sizeof(text), "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}", ids);
	put(a, "c", text, strlen(text));
	snprintf(text, sizeof(text), "[{\"Config\":\"c\",\"Layers\":[%s]}]", names);
	put(a, "manifest.json", text, strlen(text));
	archive_write_free(a);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char why[WHY] = "", digest[DIGEST];
	uint64_t length, measured;
	struct export e;
	struct flat *f;
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = with_checksums(bytes + 1, size - 1);
	must(read_export(save(copy, size - 1, 1 + bytes[0] % 3u), "/tmp", NULL, &e, why));
	f = flat_open(&e, &e.image[0], "/tmp", why);
	must(f != NULL || *why != '\0');
	if (f != NULL) {
		/* a large hole takes long to write out, which is no fault */
		if (f->size <= 64 << 20 && flat_measure(f, &measured, why) &&
		    flat_write(f, -1, digest, &length, why))
			must(length == measured);
		flat_free(f);
	}
	free_export(&e);
	free(copy);
	return 0;
}
