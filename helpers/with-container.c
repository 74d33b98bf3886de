/*
 * with-container - runs a command beside a registry of its own on 127.0.0.1.
 *
 * Starts REGISTRY_IMAGE, published as 127.0.0.1::5000, finds the port, waits until
 * it answers GET /v2/ with our own header, and runs the command with
 * REGISTRY=<host>:<port>. Whatever happens, the container and its volumes go.
 *
 * The tether: the container's first process is a shell that starts the registry
 * and then reads its standard input, a pipe that only we hold. When we are gone,
 * kill -9 included, the pipe ends, the shell ends, and --rm takes container and
 * volume. The container is named after its owner and labelled with it, so that a
 * later run can tell what a dead one left.
 * Exit: the command's; 1 the registry cannot be had; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/container.h"
#include "engine/sweep.h"
#include "engine/sweeper.h"
#include "engine/tags.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE                                                                                                \
	"usage: with-container [-h] [-i KEYS] [-w WHY] COMMAND [ARGUMENT...]\n"                              \
	"  -i KEYS  the machines whose failure it is when there is no registry, blank-separated\n"           \
	"  -w WHY   the reason for a container, where nobody has named an image\n"                           \
	"  environment: DOCKER REGISTRY_IMAGE REGISTRY_HOST REGISTRY_TIMEOUT TOOL_TIMEOUT RUN\n"

enum { TRIES = 3, LOG_SHOWN = 2000 };

#define HEADER "X-Smolmake-Run"

/*
 * $@ is the image's own entrypoint and command. Its end would go unnoticed, since the shell lives on: it is
 * said.
 */
#define STARTED "smolmake: started"
#define ENDED "smolmake: ended"
#define TETHER "echo " STARTED "; { \"$@\"; echo " ENDED "; } & exec cat >/dev/null"

struct registry {
	const char *docker, *image;
	char *name;  /* of the container */
	char *nonce; /* that its answers carry: a stranger's do not */
	char *log;
	struct list mounts; /* arguments: its volumes */
	pid_t client;       /* docker run */
	int tether;         /* its standard input */
	int output;
	char url[64];
	int port; /* 0: not known */
	struct outcome end;
	bool tethered, started, ended, gone;
};

static unsigned
tool_timeout(void)
{
	return seconds_setting("TOOL_TIMEOUT", 30);
}

/* tethered needs a shell in the image; without one it runs as it is, and only a sweep finds it after a kill
 * -9. */
static void
start_registry(struct registry *r, const struct list *own)
{
	struct list argv = {0};
	struct command c = {.foreign = true};
	int in[2], out[2];

	list_add(&argv, r->docker);
	list_add(&argv, "run");
	list_add(&argv, "--rm");
	list_add(&argv, "-i");
	list_addf(&argv, "--name=%s", r->name);
	list_addf(&argv, "--label=" OWNER_LABEL "=%s", r->name + strlen(CONTAINER_PREFIX));
	list_addf(&argv, "--label=" CACHE_LABEL "=%s", needed("CACHE_DIR"));
	list_add(&argv, "--publish=127.0.0.1::5000");
	/*
	 * Nothing in it is worth a farewell, and its first process hears no SIGTERM: an engine that is
	 * stopped would wait 10 s for it.
	 */
	list_add(&argv, "--stop-signal=SIGKILL");
	for (size_t i = 0; i < r->mounts.count; i++)
		list_add(&argv, r->mounts.at[i]);
	/* As one YAML map: a shell drops REGISTRY_HTTP_HEADERS_X-..., which is no name to it. */
	list_addf(&argv, "--env=REGISTRY_HTTP_HEADERS={" HEADER ": [%s]}", r->nonce);
	list_add(&argv, "--env=OTEL_TRACES_EXPORTER=none"); /* registry 3 looks for a collector otherwise */
	if (r->tethered)
		list_add(&argv, "--entrypoint=/bin/sh");
	list_add(&argv, r->image);
	if (r->tethered) {
		list_add(&argv, "-c");
		list_add(&argv, TETHER);
		list_add(&argv, "registry");
		for (size_t i = 0; i < own->count; i++)
			list_add(&argv, own->at[i]);
	}
	if (pipe(in) != 0 || pipe(out) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	fcntl(in[1], F_SETFD, FD_CLOEXEC);
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	c.argv = argv.at;
	c.in = in[0];
	c.out = c.err = out[1];
	r->client = start_command(&c);
	if (r->client < 0)
		die_errno(EXIT_SYSTEM, "cannot run '%s'", r->docker);
	close(in[0]);
	close(out[1]);
	r->tether = in[1];
	r->output = out[0];
	list_free(&argv);
}

/*
 * Keeps what is said, for the case that it fails. That the container runs is the shell's word, or any where
 * there is no shell. One read takes all that a pipe can hold, so that no word is cut in two.
 */
static void
read_output(struct registry *r)
{
	static char text[1 << 16];
	ssize_t n;

	while ((n = read(r->output, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		append_line(r->log, text);
		if (!r->tethered || strstr(text, STARTED "\n"))
			r->started = true;
		if (strstr(text, ENDED "\n"))
			r->ended = true;
	}
}

/* The wait for readiness ends at once where the registry has ended. */
static bool
has_ended(void *arg)
{
	struct registry *r = arg;

	read_output(r);
	if (!r->gone)
		r->gone = poll_command(r->client, &r->end);
	return r->gone || r->ended;
}

/* The end of it: where a server fails, it says why last. False where it said nothing. */
static bool
show_log(const struct registry *r)
{
	size_t size;
	char *text = read_text(r->log, 1 << 20, &size);

	bool said = text && text[strspn(text, " \r\n")] != '\0';

	if (said)
		fprintf(stderr, "%s", text + (size > LOG_SHOWN ? size - LOG_SHOWN : 0));
	free(text);
	return said;
}

/* 0 where the engine does not say. */
static int
find_port(const struct registry *r)
{
	char *argv[] = {(char *)r->docker, "inspect", "--format", "{{json .NetworkSettings.Ports}}",
			r->name,           NULL};
	char *out, *err;
	struct outcome o = capture(argv, tool_timeout(), &out, &err);
	int port = o.code == 0 ? parse_port(out) : 0;

	free(out);
	free(err);
	return port;
}

/* True when it answers; false where another try, with a new container, may help. */
static bool
wait_for_registry(struct registry *r, int64_t deadline, char why[200])
{
	struct probe p = {.url = r->url, .header = HEADER, .value = r->nonce};

	while (!has_ended(r) && !r->started && now_ms() < deadline && !caught_signal())
		pause_for(r->output, deadline - now_ms());
	if (r->gone || r->ended) {
		snprintf(why, 200, "the registry has ended");
		return false;
	}
	r->port = find_port(r);
	if (r->port == 0) {
		snprintf(why, 200, "the engine names no published port");
		return false;
	}
	snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%d/v2/", r->port);
	p.timeout = deadline > now_ms() ? (unsigned)((deadline - now_ms() + 999) / 1000) : 0;
	if (!wait_ready(&p, has_ended, r, why)) {
		if (r->gone || r->ended)
			snprintf(why, 200, "the registry has ended");
		return false;
	}
	char *address = registry_address(r->port);

	setenv("REGISTRY", address, 1);
	free(address);
	return true;
}

/*
 * The tags go first: as long as the container has its port, no other run's reference can be meant. Removed by
 * name: the client may know less than the engine does, and has nothing left to do then. False where that
 * failed.
 */
static bool
stop_registry(struct registry *r)
{
	char *run = (char *)needed("RUN");
	bool before = shield(true), removed;

	ask_anew();
	if (r->port != 0)
		tags_remove(&run, 1, r->port);
	removed = remove_container(r->name);
	note_silence(run);
	close(r->tether);
	close(r->output);
	if (!r->gone)
		kill_command(r->client);
	shield(before);
	return removed;
}

/*
 * Docker pushes over plain HTTP to loopback, unless it was told otherwise: from 29.10 on, any
 * insecure-registries setting takes that away (moby#53868), and the push would fail without saying why.
 * podman's info has no such list.
 */
static bool
allows_plain_http(const struct registry *r)
{
	char *argv[] = {(char *)r->docker, "info", "--format",
			"{{json .RegistryConfig.InsecureRegistryCIDRs}}", NULL};
	char *out, *err;
	struct outcome o = capture(argv, tool_timeout(), &out, &err);

	bool allowed =
	    o.code != 0 || *out != '[' || strstr(out, "\"127.0.0.0/8\"") || strstr(out, "\"127.0.0.1/32\"");

	free(out);
	free(err);
	return allowed;
}

/*
 * A published port can turn out to be taken, and a port be forwarded nowhere: a
 * new container gets another one. False: why says what the last try came to.
 */
static bool
start_and_wait(struct registry *r, const struct list *own, unsigned timeout, char why[200])
{
	int64_t deadline = now_ms() + (int64_t)timeout * 1000;
	bool plain_http = true;

	r->tethered = true;
	for (int tries = 0; tries < TRIES; tries++) {
		r->started = r->ended = r->gone = false;
		r->port = 0;
		start_registry(r, own);
		if (tries == 0) /* while it starts */
			plain_http = allows_plain_http(r);
		if (wait_for_registry(r, deadline, why) && plain_http)
			return true;
		stop_registry(r);
		if (!plain_http)
			refuse(
			    "DOCKER: the engine's insecure-registries setting leaves loopback out, so it will not push to 127.0.0.1; add \"127.0.0.0/8\" to it in daemon.json and restart the engine");
		if (caught_signal() || now_ms() >= deadline)
			break;
		if (r->gone && (r->end.code == 126 || r->end.code == 127))
			r->tethered = false; /* no /bin/sh in there */
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct registry r = {0};
	struct command c = {.in = 0, .out = 1, .err = 2};
	struct outcome o = {.code = EXIT_NO};
	struct list own = {0}, nothing = {0};
	char *sweeper = sibling_program(argv[0], "sweep-runs");
	pid_t sweeping;
	bool removed = true;
	unsigned timeout;
	int64_t start;
	const char *run;
	const char *keys = NULL;
	char why[200] = "", *mark;
	int opt;

	set_progname(argv[0]);
	while ((opt = getopt(argc, argv, "+hi:w:")) != -1)
		switch (opt) {
		case 'h':
			show_usage(USAGE);
		case 'i':
			keys = optarg;
			break;
		case 'w':
			container_because(optarg);
			break;
		default:
			bad_usage(USAGE);
		}
	if (optind == argc)
		bad_usage(USAGE);
	supervise();
	/*
	 * Content trust would look for a notary: beside our registry there is none, and its image is pinned
	 * by digest.
	 */
	setenv("DOCKER_CONTENT_TRUST", "0", 1);
	enter_cache();
	run = needed("RUN");
	r.docker = needed("DOCKER");
	r.image = needed("REGISTRY_IMAGE");
	failure_about(keys, "serve");
	timeout = seconds_setting("REGISTRY_TIMEOUT", 10);
	r.name = format(CONTAINER_PREFIX "%s", base_name(run));
	r.nonce = format("%s-%lld", r.name, (long long)now_ms());
	r.log = run_path(RUN_REGISTRY_LOG);
	mark = run_path(RUN_REGISTRY);
	container_image(r.docker, r.image, r.name + strlen(CONTAINER_PREFIX), &r.mounts, &own);
	write_file(mark, "", 0, 0600);
	start = now_ms();
	sweeping = sweeper_start(sweeper, &nothing);
	if (start_and_wait(&r, &own, timeout, why)) {
		char *line = format("registry %lld", (long long)(now_ms() - start));

		append_line(mark, line);
		free(line);
		failure_about(NULL, NULL); /* the command tells of its own */
		c.argv = argv + optind;
		o = run_command(&c);
		removed = stop_registry(&r);
	} else if (!caught_signal()) {
		bool shown = show_log(&r);

		complain_container(r.image, "give a larger REGISTRY_TIMEOUT",
				   "did not answer within %u s (%s); %s", timeout, why,
				   shown ? "see its output above" : "it said nothing");
	}
	sweeper_finish(sweeping, now_ms() - start);
	free(sweeper);
	if (removed) /* else the next run does */
		unlink(mark);
	end_as_caught();
	return o.code;
}
