/* Image IDs and iidfiles: whatever is taken says its 64 digits right behind "sha256:". */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes, size), hex[SHA256_HEX + 1], path[32], *read;
	size_t length = 0;

	if (digest_hex(text, hex)) {
		must(strlen(hex) == SHA256_HEX && hex[strspn(hex, "0123456789abcdef")] == '\0');
		must(memcmp(text, "sha256:", 7) == 0 && memcmp(text + 7, hex, SHA256_HEX) == 0);
	}
	free(text);
	file_of(bytes, size, path);
	read = read_text(path, 256, &length);
	must((read != NULL) == (size <= 256));
	must(read == NULL || (length == size && memcmp(read, bytes, size) == 0 && read[size] == '\0'));
	free(read);
	return 0;
}
