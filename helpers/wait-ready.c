/*
 * wait-ready - waits until a URL answers 200.
 *
 * Refused, reset, closed, slow and every other status mean "not yet". With -H
 * the answer must also carry that header, so that a stranger's 200 does not pass.
 * Exit: 0 ready; 1 not within the deadline (and what was seen last); 100 called wrongly.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"

#define USAGE                                                                                                \
	"usage: wait-ready [-h] [-t SECONDS] [-H 'NAME: VALUE'] URL\n"                                       \
	"  -t SECONDS  until it must answer (default 10)\n"                                                  \
	"  -H HEADER   that the answer must carry\n"

int
main(int argc, char **argv)
{
	struct probe p = {.timeout = 10};
	char why[200], *colon;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+H:ht:")) != -1)
		switch (opt) {
		case 'H':
			colon = strchr(optarg, ':');
			if (colon == NULL || colon == optarg)
				die(EXIT_USAGE, "-H: '%s' is not 'NAME: VALUE'", optarg);
			*colon = '\0';
			p.header = optarg;
			p.value = colon + 1 + strspn(colon + 1, " ");
			break;
		case 'h':
			show_usage(USAGE);
		case 't':
			p.timeout = seconds_of("-t", optarg);
			break;
		default:
			bad_usage(USAGE);
		}
	if (argc - optind != 1)
		bad_usage(USAGE);
	p.url = argv[optind];
	supervise();
	if (wait_ready(&p, NULL, NULL, why))
		return 0;
	end_as_caught();
	die(EXIT_NO, "no answer from '%s' within %u s; last: %s", p.url, p.timeout, why);
}
