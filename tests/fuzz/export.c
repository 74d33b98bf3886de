/*
 * Any bytes as an engine's export: read, verified, flattened; or refused with a reason. Checksums are put
 * right.
 */
#include "fuzz.h"

#include "checksums.h"
#include "image/flatten.h"

static void
flatten(struct export *e, struct image *m)
{
	char why[WHY] = "", digest[DIGEST];
	struct flat *f = flat_open(e, m, "/tmp", why);
	uint64_t size, measured;

	must(f != NULL || *why != '\0');
	if (f == NULL)
		return;
	if (flat_measure(f, &measured, why) && flat_write(f, -1, digest, &size, why)) {
		must(size == measured);
		free(flat_config(m, digest));
	}
	flat_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = with_checksums(bytes, size);
	char why[WHY] = "";
	struct export e;
	int in = file_of(copy, size, NULL);

	must(lseek(in, 0, SEEK_SET) == 0);
	if (read_export(in, "/tmp", NULL, &e, why)) {
		for (size_t i = 0; i < e.images; i++)
			flatten(&e, &e.image[i]);
		free_export(&e);
	} else {
		must(*why != '\0');
	}
	free(copy);
	return 0;
}
