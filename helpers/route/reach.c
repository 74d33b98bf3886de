/*
 * reach.c - whether the engine's 127.0.0.1 is ours.
 *
 * It is asked to pull from a server of ours an image that nobody has, by a name that nobody else can
 * know: if somebody then asks for that name, it is the engine. This holds for whatever the engine lives in: a
 * virtual machine, another network namespace (whose link under /proc only root may read), another
 * machine behind a tunnel. And it shows that it takes plain HTTP from us.
 */
#include <stdlib.h>

#include "engine/kind.h"
#include "registry/http.h"
#include "registry/peer.h"
#include "route/reach.h"

static char *
make_name(void)
{
	char hex[2 * 8 + 1];

	random_hex(8, hex);
	return format("smolmake-probe-%s", hex);
}

static void
pull(const char *docker, const char *plain_http, const char *reference, unsigned timeout)
{
	struct list argv = {0};
	char *out, *err;

	list_add(&argv, docker);
	list_add(&argv, "pull");
	if (*plain_http)
		list_add(&argv, plain_http);
	list_add(&argv, reference);
	capture(argv.at, timeout, &out, &err); /* it fails in any case */
	list_free(&argv);
	free(out);
	free(err);
}

bool
engine_reaches_us(const char *docker, unsigned timeout)
{
	struct catalog nothing = {.images = 0};
	char *name = make_name(), *address, *reference;
	struct server s = {.catalog = &nothing, .awaited = name, .own_only = true};

	if (!peer_can_tell()) {
		free(name);
		return false;
	}
	address = registry_address(server_start(&s, 0));
	reference = format("%s/%s:none", address, name);
	pull(docker, engine_kind(docker, timeout)->plain_http, reference, timeout);
	if (server_stop(&s))
		free(name);
	free(reference);
	free(address);
	return atomic_load(&s.met);
}
