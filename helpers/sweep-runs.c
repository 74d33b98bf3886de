/*
 * sweep-runs - has the engine remove what dead runs have left: containers, volumes, names of images.
 *
 * with-run starts it beside what the user wants, for the runs (.run/<owner>) whose folders name such things,
 * and does not wait for an engine that does not answer. All calls together have TOOL_TIMEOUT. Exit: 0 nothing
 * is left; 1 something is, for a later run; 100 called wrongly; 111 trouble.
 */
#include <unistd.h>

#include "engine/sweep.h"

#define USAGE "usage: sweep-runs [-h] [RUN...]   (environment: CACHE_DIR DOCKER TOOL_TIMEOUT)\n"

int
main(int argc, char **argv)
{
	struct list dead = {0};
	int first = operands(argc, argv, USAGE);
	bool done;

	supervise();
	enter_cache();
	if (first == argc)
		sweep_containers();
	for (; first < argc; first++)
		if (run_is_dead(argv[first]))
			list_add(&dead, argv[first]);
	done = close_runs(dead.at, dead.count);
	list_free(&dead);
	end_as_caught();
	return done ? 0 : EXIT_NO;
}
