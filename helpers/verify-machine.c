/*
 * verify-machine - is this sidecar a whole artifact?
 *
 * Footer, sizes, manifest and CRC-32; with -q footer, sizes and manifest only.
 * Prints one line of what it is, or says what is wrong.
 * Exit: 0 whole; 1 not; 100 called wrongly; 111 cannot be read.
 */
#include <fcntl.h>
#include <unistd.h>

#include "machine/sidecar.h"

#define USAGE                                                                                                \
	"usage: verify-machine [-hq] SIDECAR...\n"                                                           \
	"  -q  footer, sizes and manifest only: a few kilobytes, whatever the size\n"

static bool
verify(const char *path, bool quick)
{
	struct sidecar s;
	char why[200];
	bool good;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		die_errno(EXIT_SYSTEM, "cannot open '%s'", path);
	good = read_sidecar(fd, &s, why) && (quick || check_sidecar(fd, &s, why));
	close(fd);
	if (good)
		printf("%s: %s, %s, %s, smolvm %s, %zu layer%s\n", path, s.image, s.digest, s.platform,
		       s.version, s.layers, s.layers == 1 ? "" : "s");
	else
		say("'%s': %s", path, why);
	return good;
}

int
main(int argc, char **argv)
{
	bool quick = false, all = true;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hq")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'q':
			quick = true;
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind == argc)
		bad_usage(USAGE);
	for (; optind < argc; optind++)
		all = verify(argv[optind], quick) && all;
	return all ? 0 : EXIT_NO;
}
