/*
 * JSON of others. What jansson takes as it is means the same here; what is taken is a document that jansson
 * writes, and reads again as the same.
 */
#include "lib/json.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char why[WHY] = "";
	json_t *root = read_json((const char *)bytes, size, why), *strict, *again;
	char *text;

	strict = json_loadb((const char *)bytes, size, 0, NULL);
	must(strict == NULL || json_equal(root, strict));
	must((root == NULL) == (*why != '\0'));
	if (root != NULL) {
		text = json_dumps(root, JSON_COMPACT);
		must(text != NULL);
		again = read_json(text, strlen(text), why);
		must(json_equal(root, again));
		json_decref(again);
		free(text);
	}
	json_decref(strict);
	json_decref(root);
	text = text_of(bytes, size);
	root = json_words(text);
	must(json_is_string(root));
	json_decref(root);
	free(text);
	return 0;
}
