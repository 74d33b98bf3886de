/*
 * What the engine answers: of an image, as inspect prints it, or why not, as its API does. What is taken for
 * an ID is one; what a message is made of ends where it must.
 */
#include "engine/save.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */

#include "engine/engine.h"
#include "fuzz.h"

static bool
is_hex(const char *text)
{
	return strlen(text) == SHA256_HEX && text[strspn(text, "0123456789abcdef")] == '\0';
}

static void
look(const char *text)
{
	char why[WHY];
	json_t *image = parse_image(text, why);
	struct list command = {0};
	struct inspection i;

	if (image != NULL && read_inspection(image, &i)) {
		must(is_hex(i.id) && (strstr(text, i.id) != NULL || strchr(text, '\\') != NULL));
		must(*i.config == '\0' || is_hex(i.config));
		must(i.containerd || strcmp(i.config, i.id) == 0);
	}
	read_image_command(image, &command);
	for (size_t n = 0; n < command.count; n++)
		must(command.at[n] != NULL);
	list_free(&command);
	json_decref(image);
}

/* The input's first byte says which of both the rest is. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = text_of(bytes + (size > 0), size - (size > 0));

	if (size > 0 && bytes[0] == 'r') {
		struct save p = {.refusal = text};

		must(!refused(&p, 500) && *p.why != '\0' && strnlen(p.why, WHY) < WHY);
	} else
		look(text);
	free(text);
	return 0;
}
