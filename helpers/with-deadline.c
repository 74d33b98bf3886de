/*
 * with-deadline - runs a foreign program as a stage of the pipeline.
 *
 * In a process group and, with -d, a folder of its own; ended with SIGTERM, then
 * SIGKILL, when its time is over or ours is. Its output goes to stderr or, with
 * -l, to a log that is shown when it lasts or fails.
 * Exit: the program's; 124 its time was over; 126/127 it could not be started.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/failure.h"
#include "run/step.h"

#define USAGE                                                                                                  \
	"usage: with-deadline [-bhq] [-a FILE] [-c FILE] [-d DIR] [-e FILE] [-i IMAGES] [-l LOG] [-n STAGE]\n" \
	"                     [-o FILE] [-p PREFIX] [-r FILE] [-s FILE] [-t SECONDS|SETTING]\n"                \
	"                     COMMAND [ARGUMENT...]\n"                                                         \
	"  -a FILE     more arguments: NUL-ended strings\n"                                                    \
	"  -b          print a line 'STAGE IMAGES' first, as they were typed\n"                                \
	"  -c FILE     create FILE when it succeeded\n"                                                        \
	"  -d DIR      run it there\n"                                                                         \
	"  -e FILE     more for its environment: NUL-ended strings K=V\n"                                      \
	"  -i IMAGES   slugs or keys of the images that fail with it, blank-separated\n"                       \
	"  -l LOG      keep its output there; show it after 2 seconds (V=0), or when it fails\n"               \
	"  -n STAGE    what to call it\n"                                                                      \
	"  -o FILE     its standard output goes there\n"                                                       \
	"  -p PREFIX   before each line of it that is shown; else, with -i, the image as it was typed\n"       \
	"  -q          show the log only when it fails, or with V=1\n"                                         \
	"  -r FILE     its standard input, which may be a pipe: what comes of it is waited for as long\n"      \
	"  -s FILE     append 'STAGE MILLISECONDS'\n"                                                          \
	"  -t SECONDS  its deadline (default 0: none), or the setting of the environment that holds it\n"

/* Where the image has a line of its own, that says it. */
static void
announce(const char *stage, const char *text)
{
	char *verb = step_verb(stage);

	if (strcmp(setting("WATCHED"), "screen") != 0)
		step_line(verb, "%s", text);
	free(verb);
}

/* A pipe that nobody writes to yet is waited for, but no longer than the command would be. */
static int
open_input(const char *path, unsigned timeout)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int64_t end = now_ms() + (int64_t)timeout * 1000;
	struct pollfd there = {.fd = fd, .events = POLLIN};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	while (S_ISFIFO(st.st_mode) && poll(&there, 1, 0) == 0) {
		if (timeout && now_ms() >= end)
			die(EXIT_DEADLINE, "nothing came out of '%s' within %u s", path, timeout);
		pause_for(fd, 200);
		end_as_caught();
	}
	fcntl(fd, F_SETFL, O_RDONLY);
	return fd;
}

int
main(int argc, char **argv)
{
	struct command c = {.in = -1, .out = 2, .err = 2, .foreign = true};
	struct step s = {0};
	struct list arguments = {0}, environment = {0};
	struct outcome o;
	char *names;
	const char *more = NULL, *variables = NULL, *done = NULL, *input = NULL;
	bool announced = false;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+a:bc:d:e:hi:l:n:o:p:qr:s:t:")) != -1)
		switch (opt) {
		case 'a':
			more = optarg;
			break;
		case 'b':
			announced = true;
			break;
		case 'c':
			done = optarg;
			break;
		case 'd':
			c.dir = optarg;
			break;
		case 'e':
			variables = optarg;
			break;
		case 'h':
			show_usage(USAGE);
		case 'i':
			s.images = optarg;
			break;
		case 'l':
			s.log = optarg;
			break;
		case 'n':
			s.stage = optarg;
			break;
		case 'o':
			s.output = optarg;
			c.out = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
			if (c.out < 0)
				die_errno(EXIT_SYSTEM, "cannot create '%s'", optarg);
			break;
		case 'p':
			s.prefix = optarg;
			break;
		case 'q':
			s.quiet = true;
			break;
		case 'r':
			input = optarg;
			break;
		case 's':
			s.seconds = optarg;
			break;
		case 't':
			if (isupper((unsigned char)*optarg))
				s.limit = optarg;
			c.timeout = s.limit ? seconds_setting(s.limit, 0) : seconds_of("-t", optarg);
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind == argc)
		bad_usage(USAGE);
	for (; optind < argc; optind++)
		list_add(&arguments, argv[optind]);
	if (more && !read_request(more, &arguments))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", more);
	if (variables && !read_request(variables, &environment))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", variables);
	c.argv = arguments.at;
	c.environment = environment.at;
	supervise();
	failure_about(s.images, s.stage);
	names = s.images ? typed_names(s.images) : NULL;
	if (s.prefix == NULL)
		s.prefix = names;
	if (input)
		c.in = open_input(input, c.timeout);
	if (announced && s.stage && names)
		announce(s.stage, names);
	o = run_step(&s, &c);
	if (o.code == 0 && done)
		write_file(done, "", 0, 0600);
	list_free(&arguments);
	list_free(&environment);
	free(names);
	end_as_caught();
	return o.code;
}
