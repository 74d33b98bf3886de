/* kind.c - Docker and podman: which one DOCKER is, and what differs. */
#include <stdlib.h>
#include <string.h>

#include "engine/kind.h"
#include "lib/io.h"
#include "run/files.h"

enum { DOCKER, PODMAN };

/* Each cell of podman's was seen in 4.3 and 5 (`make check-engines`, tests/t0315, tests/t0520). */
static const struct engine_kind kinds[] = {
    [DOCKER] = {.name = "docker",
		.plain_http = "",
		.save_flags = {NULL},
		.has_socket = true,
		.labels_volumes = true,
		.keeps_pushed_digests = true},
    [PODMAN] = {.name = "podman",
		.plain_http = "--tls-verify=false",
		.save_flags = {"--quiet", "--format=docker-archive", "--multi-image-archive", NULL},
		.bare_ids = true,
		.untags = true},
};

bool
is_named_podman(const char *docker)
{
	return strcmp(base_name(docker), "podman") == 0 || strcmp(base_name(docker), "podman-remote") == 0;
}

bool
is_podman(const char *docker, unsigned timeout)
{
	char *argv[] = {(char *)docker, "--version", NULL}, *out, *err;
	bool podman;

	if (is_named_podman(docker))
		return true;
	capture(argv, timeout, &out, &err);
	podman = strstr(out, "podman") != NULL;
	free(out);
	free(err);
	return podman;
}

const struct engine_kind *
kind_noted(const char *text)
{
	size_t n = text ? strcspn(text, " \n") : 0;

	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (strlen(kinds[i].name) == n && strncmp(kinds[i].name, text, n) == 0)
			return &kinds[i];
	return &kinds[DOCKER];
}

/* machine.mk takes the flag for its push from there. */
static void
note_kind(const char *path, const struct engine_kind *kind)
{
	char *text = format("%s %s\n", kind->name, kind->plain_http);

	try_file(path, text, strlen(text), 0600);
	free(text);
}

const struct engine_kind *
engine_kind(const char *docker, unsigned timeout)
{
	char *path = *setting("RUN") ? run_path(RUN_ENGINE) : NULL;
	char *text = path ? first_line(path) : NULL;
	const struct engine_kind *kind;

	if (text != NULL)
		kind = kind_noted(text);
	else {
		kind = &kinds[is_podman(docker, timeout) ? PODMAN : DOCKER];
		if (path != NULL)
			note_kind(path, kind);
	}
	free(text);
	free(path);
	return kind;
}
