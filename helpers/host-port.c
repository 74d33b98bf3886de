/*
 * host-port - the one published port in what `docker port` or `docker inspect`
 * printed (standard input, or the argument).
 *
 * Exit: 0 printed; 1 no port, or two different ones; 100 called wrongly; 111 no input.
 */
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

#define USAGE "usage: host-port [-h] [TEXT]   (without TEXT: standard input)\n"

int
main(int argc, char **argv)
{
	char text[16384];
	size_t used = 0;
	int first, port;

	first = operands(argc, argv, USAGE);
	if (argc - first > 1)
		bad_usage(USAGE);
	if (argc - first == 1)
		port = parse_port(argv[first]);
	else {
		used = fread(text, 1, sizeof(text) - 1, stdin);
		if (ferror(stdin))
			die_errno(EXIT_SYSTEM, "cannot read standard input");
		text[used] = '\0';
		port = !feof(stdin) || strlen(text) != used ? 0 : parse_port(text);
	}
	if (port == 0)
		die(EXIT_NO, "no port, or more than one, in what the engine printed");
	printf("%d\n", port);
	return 0;
}
