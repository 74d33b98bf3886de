/*
 * measure - runs a command and writes down what it took.
 *
 * Appends to FILE a line a run, in one write, tab-separated: start and end (milliseconds of a clock that
 * nobody sets), wall and processor milliseconds, peak resident KB (both with all that the command waited
 * for), exit status, command. It is small itself, since what a child's memory was before it became the
 * command counts as the child's.
 *
 * SIGINT and SIGTERM are the command's to obey: its end is what is waited for.
 * Exit: the command's (of several runs the first that is not 0), 128+N ended by signal N; 100 usage; 111
 * trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USAGE "usage: measure [-q] [-n runs] -o file command [argument...]\n  -q  without its output\n"

enum { EXIT_USAGE = 100, EXIT_SYSTEM = 111, MAXIMUM = 100000 };

static _Noreturn void
die_errno(const char *what, const char *object)
{
	fprintf(stderr, "measure: cannot %s '%s': %s\n", what, object, strerror(errno));
	exit(EXIT_SYSTEM);
}

static _Noreturn void
bad_usage(void)
{
	fputs(USAGE, stderr);
	exit(EXIT_USAGE);
}

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double
of_timeval(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

_Noreturn static void
become(char **argv, int quiet)
{
	int null;

	if (quiet && (null = open("/dev/null", O_WRONLY)) >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* One run; its line goes to log. The exit status. */
static int
run(char **argv, int log, int quiet)
{
	struct rusage use;
	double start = milliseconds(), end;
	char line[1024];
	int status, n;
	pid_t pid = fork();

	if (pid < 0)
		die_errno("start", argv[0]);
	if (pid == 0)
		become(argv, quiet);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			die_errno("wait for", argv[0]);
	end = milliseconds();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
#ifdef __APPLE__
	use.ru_maxrss /= 1024;
#endif
	n = snprintf(line, sizeof(line) - 1, "%.3f\t%.3f\t%.3f\t%.3f\t%ld\t%d\t", start, end, end - start,
		     of_timeval(use.ru_utime) + of_timeval(use.ru_stime), use.ru_maxrss, status);
	for (char **word = argv; *word && n < (int)sizeof(line) - 1; word++)
		n += snprintf(line + n, sizeof(line) - 1 - (size_t)n, "%s%s", word == argv ? "" : " ", *word);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(log, line, (size_t)n) != n)
		die_errno("write", "file");
	return status;
}

int
main(int argc, char **argv)
{
	const char *file = NULL;
	char *end;
	long runs = 1;
	int opt, log, quiet = 0, status = 0;

	while ((opt = getopt(argc, argv, "+hn:o:q")) != -1)
		switch (opt) {
		case 'h':
			fputs(USAGE, stdout);
			return 0;
		case 'n':
			runs = strtol(optarg, &end, 10);
			if (end == optarg || *end || runs < 1 || runs > MAXIMUM)
				bad_usage();
			break;
		case 'o':
			file = optarg;
			break;
		case 'q':
			quiet = 1;
			break;
		default:
			bad_usage();
		}
	if (file == NULL || optind == argc)
		bad_usage();
	log = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (log < 0)
		die_errno("open", file);
	while (runs-- > 0) {
		int code = run(argv + optind, log, quiet);

		if (status == 0)
			status = code;
	}
	return status;
}
