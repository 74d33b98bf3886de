/* An export that is asked for nothing but its config's digest. Checksums are put right. */
#define main unused_main
#include "config-digest.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */
#undef main

#include "fuzz.h"

#include "checksums.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = with_checksums(bytes, size);
	int in = file_of(copy, size, NULL);
	char digest[DIGEST], *text;

	must(lseek(in, 0, SEEK_SET) == 0);
	text = read_manifest(in);
	if (text != NULL && parse_config(text, digest)) {
		must(is_digest(digest));
		must(strstr(text, digest_digits(digest)) != NULL || strchr(text, '\\') != NULL);
	}
	free(text);
	free(copy);
	return 0;
}
