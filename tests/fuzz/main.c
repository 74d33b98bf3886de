/*
 * main - runs a fuzzer's entry without libFuzzer: on every file it is given, then on RUNS inputs made of them
 * by chance. The chance is a seed's: the same every time. For machines without clang, and for the normal
 * suite.
 *
 * An input that ends the program is left as FINDING. Prints how many inputs there were.
 * Exit: 0; 100 usage; 111 trouble; what a finding makes of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE "usage: NAME [-n RUNS] [-o FINDING] [-s SEED] FILE...\n"

enum { EXIT_USAGE = 100, EXIT_SYSTEM = 111, MOST = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
/* The compiler's, whose header lint need not have. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __sanitizer_set_death_callback(void (*callback)(void));

struct input {
	uint8_t *bytes;
	size_t size;
};

static uint8_t current[MOST];
static size_t current_size;
static bool running;
static const char *finding = "finding";
static uint64_t seed = 1;

static void
keep(void)
{
	int fd = running ? open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

	if (fd < 0)
		return;
	if (write(fd, current, current_size) < 0)
		_exit(EXIT_SYSTEM);
	close(fd);
}

/* A helper's exit() is a finding too: nothing that comes from outside may end one. */
static void
keep_at_exit(void)
{
	keep();
	if (running)
		_exit(EXIT_SYSTEM);
}

/* What must() and abort() end with. */
static void
keep_and_die(int signo)
{
	keep();
	signal(signo, SIG_DFL);
	raise(signo);
}

static void
run(void)
{
	/* memory of just its size, so that a look behind its end is seen */
	uint8_t *copy = malloc(current_size ? current_size : 1);

	if (copy == NULL)
		exit(EXIT_SYSTEM);
	memcpy(copy, current, current_size);
	running = true;
	LLVMFuzzerTestOneInput(copy, current_size);
	running = false;
	free(copy);
}

/* xorshift64* */
static size_t
below(size_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return n ? (size_t)(seed * 0x2545f4914f6cdd1du >> 33) % n : 0;
}

static void
read_file(const char *path, struct input *in)
{
	FILE *f = fopen(path, "r");

	in->bytes = malloc(MOST);
	if (f == NULL || in->bytes == NULL) {
		perror(path);
		exit(EXIT_SYSTEM);
	}
	in->size = fread(in->bytes, 1, MOST, f);
	fclose(f);
}

static void
begin_with(const struct input *in)
{
	if (in->size > 0)
		memcpy(current, in->bytes, in->size);
	current_size = in->size;
}

static void
move(size_t from, size_t to, size_t n)
{
	memmove(current + to, current + from, n);
}

/* One change: a bit, a byte, a number's size; something out, doubled, or from another input. */
static void
change(const struct input *inputs, size_t count)
{
	static const uint8_t likely[] = {0,   1,   127, 128, 255, '\n', ' ', '/',
					 ':', '"', '{', '0', '9', '-',  'a', '%'};
	size_t at = below(current_size), n = 1 + below(16);
	const struct input *other = &inputs[below(count)];

	if (n > current_size - at)
		n = current_size - at;
	switch (below(6)) {
	case 0:
		if (current_size)
			current[at] ^= (uint8_t)(1 << below(8));
		break;
	case 1:
		if (current_size)
			current[at] = likely[below(sizeof(likely))];
		break;
	case 2:
		move(at + n, at, current_size - at - n);
		current_size -= n;
		break;
	case 3:
		if (current_size + n <= MOST) {
			move(at, at + n, current_size - at);
			current_size += n;
		}
		break;
	case 4:
		if (current_size < MOST) {
			move(at, at + 1, current_size - at);
			current[at] = (uint8_t)below(256);
			current_size++;
		}
		break;
	default:
		n = below(other->size);
		if (n <= MOST - at) {
			memcpy(current + at, other->bytes + (other->size - n), n);
			current_size = at + n;
		}
	}
}

int
main(int argc, char **argv)
{
	struct input *inputs;
	long runs = 0;
	size_t count;
	int opt;

	while ((opt = getopt(argc, argv, "+n:o:s:")) != -1)
		if (opt == 'n')
			runs = strtol(optarg, NULL, 10);
		else if (opt == 'o')
			finding = optarg;
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 10) | 1;
		else
			optind = argc;
	if (argc - optind < 1) {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	__sanitizer_set_death_callback(keep);
	atexit(keep_at_exit);
	signal(SIGILL, keep_and_die);
	signal(SIGTRAP, keep_and_die);
	signal(SIGABRT, keep_and_die);
	count = (size_t)(argc - optind);
	inputs = calloc(count, sizeof(*inputs));
	if (inputs == NULL)
		return EXIT_SYSTEM;
	for (size_t i = 0; i < count; i++) {
		read_file(argv[(size_t)optind + i], &inputs[i]);
		begin_with(&inputs[i]);
		run();
	}
	for (long i = 0; i < runs; i++) {
		begin_with(&inputs[below(count)]);
		for (size_t changes = 1 + below(6); changes > 0; changes--)
			change(inputs, count);
		run();
	}
	for (size_t i = 0; i < count; i++)
		free(inputs[i].bytes);
	free(inputs);
	printf("%ld\n", (long)count + runs);
	return 0;
}
