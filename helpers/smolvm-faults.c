/*
 * smolvm-faults - which faults the version of smolvm in the text (or on standard
 * input) has, of those that the pipeline works around: a word each, on one line.
 *
 * Exit: 0 printed; 100 called wrongly.
 */
#include <unistd.h>

#include "lib/lib.h"
#include "machine/smolvm.h"

#define USAGE                                                                                                \
	"usage: smolvm-faults [-h] [TEXT]\n"                                                                 \
	"  merge  deleted files of an image with several layers come back: it is given one layer\n"          \
	"  floor  it refuses the host's loopback: it is told otherwise when it does\n"                       \
	"  gzip   it takes layers as gzip only\n"

int
main(int argc, char **argv)
{
	char text[256] = "";
	const char *blank = "";
	int first, faults;

	first = operands(argc, argv, USAGE);
	if (argc - first > 1)
		bad_usage(USAGE);
	if (argc == first)
		text[fread(text, 1, sizeof(text) - 1, stdin)] = '\0';
	faults = smolvm_faults(argc == first ? text : argv[first]);
	for (int i = 0; i < smolvm_fault_count; i++)
		if (faults & smolvm_fault[i].bit) {
			printf("%s%s", blank, smolvm_fault[i].name);
			blank = " ";
		}
	printf("\n");
	return 0;
}
