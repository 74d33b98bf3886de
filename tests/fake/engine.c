/*
 * engine.c - a smolvm that is an ELF program, for native packs, which begin a launcher with it: the stand-in behind a program.
 * FAKE_SMOLVM: the stand-in's path; else it is tests/fake/smolvm of the checkout that this was compiled for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	const char *script = getenv("FAKE_SMOLVM");

	(void)argc;
	if (script == NULL) {
		fputs("engine: FAKE_SMOLVM is not set\n", stderr);
		return 97;
	}
	argv[0] = (char *)script;
	execv(script, argv);
	perror(script);
	return 97;
}
