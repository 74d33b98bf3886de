/* Request files, lists of NUL-ended strings: what is read is, put together, what is there. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct list l = {0};
	char path[32];
	size_t at = 0;

	file_of(bytes, size, path);
	must(read_request(path, &l) == (size <= 1 << 20));
	for (size_t i = 0; i < l.count; i++) {
		size_t n = strlen(l.at[i]);

		must(at + n <= size && memcmp(l.at[i], bytes + at, n) == 0);
		at += n + 1;
	}
	/* the last one may have lost its NUL */
	must(l.count == 0 || ((at == size || at == size + 1) && l.at[l.count] == NULL));
	list_free(&l);
	return 0;
}
