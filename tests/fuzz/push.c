/*
 * What is pushed to a registry: a blob in pieces, or a manifest. Whatever comes, nothing is served that was
 * not ordered, and nothing is left.
 */
#include "fuzz.h"

#include <dirent.h>

#include "registry/intake.h"

#define ID "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of "{}" */

static size_t
files_in(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	must(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

static void
push_blob(struct intake *in, const uint8_t *bytes, size_t size)
{
	size_t piece = size > 0 ? bytes[0] * 8u + 1 : 1;
	struct slot *s = intake_upload(in, "x", 0);
	char digest[DIGEST], hex[SHA256_HEX + 1], why[WHY];
	struct kept k;

	bytes += size > 0;
	size -= size > 0;
	sha256_hex(bytes, size, hex);
	snprintf(digest, DIGEST, "sha256:%s", hex);
	must(s != NULL);
	for (size_t n, at = 0; at < size; at += n) {
		n = size - at < piece ? size - at : piece;
		upload_add(s->upload, bytes + at, n);
	}
	if (intake_finish(in, s, digest, why) == TAKEN)
		must(intake_blob(in, digest, &k) && k.sent == size && strcmp(k.pushed, digest) == 0);
	else
		must(!intake_blob(in, digest, &k));
}

static void
push_manifest(struct intake *in, const uint8_t *bytes, size_t size)
{
	static const char *const path[] = {"/v2/x/manifests/1", "/v2/x/manifests/2", ("/v2/x/manifests/" ID)};
	char *text = text_of(bytes, size), digest[DIGEST], why[WHY];
	struct target r, served;

	push_blob(in, (const uint8_t *)"a{}", 3); /* the config, which has no layers */
	parse_target("/v2/x/manifests/1", &served);
	for (size_t i = 0; i < LENGTH(path); i++) {
		parse_target(path[i], &r);
		intake_manifest(in, &r, "", text, size, digest, why);
		must(catalog_find(in->catalog, &served) == NULL);
	}
	free(text);
}

/* A manifest or a blob: by the first byte. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char folder[] = "/tmp/smolmake-fuzz.XXXXXX";
	struct order order = {.id = ID, .engine_id = ID};
	struct catalog catalog;
	struct intake in;
	char why[WHY];

	must(mkdtemp(folder) != NULL && parse_reference("x:1", &order.name) &&
	     catalog_open(&catalog, 1, folder, why));
	catalog_name(&catalog.image[0], &order.name);
	intake_start(&in, &catalog, &order, ZSTD, folder, 0, -1);
	if (size > 0 && bytes[0] == 'm')
		push_manifest(&in, bytes + 1, size - 1);
	else
		push_blob(&in, bytes + (size > 0), size - (size > 0));
	must(files_in(folder) == 0);
	intake_end(&in);
	catalog_free(&catalog);
	must(rmdir(folder) == 0);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return 0;
}
