/*
 * image-id - the name that an image ID gives a machine: its first 16 hex digits.
 *
 * Takes "sha256:<64 hex>" or a file that holds one (docker's --iidfile), and
 * nothing else: a short or bare ID can be another image's name.
 * Exit: 0 printed; 1 not an image ID; 100 called wrongly; 111 FILE cannot be read.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

#define USAGE "usage: image-id [-h] sha256:<64 hex> | image-id -f IIDFILE\n"

int
main(int argc, char **argv)
{
	char hex[SHA256_HEX + 1], *text = NULL;
	const char *file = NULL, *id;
	size_t size;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+f:h")) != -1)
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'h':
			show_usage(USAGE);
		default:
			bad_usage(USAGE);
		}
	if (argc - optind != (file ? 0 : 1))
		bad_usage(USAGE);
	if (file != NULL && (text = read_text(file, 256, &size)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", file);
	id = text ? text : argv[optind];
	if (!digest_hex(id, hex) || (text && strlen(text) != size))
		die(EXIT_NO, "'%s' is not an image ID (sha256:<64 hex>)", id);
	free(text);
	printf("%.*s\n", ID16, hex);
	return 0;
}
