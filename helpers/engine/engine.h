/* engine.h - the engine behind DOCKER; apart from lib.h since few helpers need JSON. */
#ifndef ENGINE_H
#define ENGINE_H

#include <jansson.h>

#include "lib/io.h"

/* Of what inspect says of an image, what tells it from others. */
struct inspection {
	char id[SHA256_HEX + 1];     /* the engine's own */
	char config[SHA256_HEX + 1]; /* the config's digest, or "": it is not told */
	bool containerd;             /* of that store, whose IDs are none of configs */
	bool by_podman;              /* podman's own inspect printed it */
	size_t layers;
};

/*
 * Refuses (exit 1) an engine that is not there, not reachable, or, unless remote ones serve as well, not on
 * this machine. Its kind is not asked here: where something listens at the socket, this starts no process.
 * Where nothing does, DOCKER itself may know another way. timeout: seconds, 0 is none.
 */
void check_engine(const char *docker, unsigned timeout, bool remote);

/* The name that keeps what this run built for a slug; close_runs removes it. The caller frees it. */
char *pin_name(const char *slug);

/* The first image of what inspect printed; NULL: why says what is wrong. The caller decrefs. */
json_t *parse_image(const char *text, char why[WHY]);

/*
 * Docker's graph store and podman: the ID is the config digest. Its containerd
 * store: the descriptor of a plain image carries the config digest (seen in 28.5);
 * an attested one has an index there, which does not tell it: config is "" then.
 * False where the engine names no ID.
 */
bool read_inspection(json_t *image, struct inspection *i);

/* Adds what the image runs: its entrypoint, then its command. */
void read_image_command(json_t *image, struct list *out);

/*
 * The image as inspect prints it, all of it: engines and their versions differ in the fields that a template
 * may name. NULL where there is none: *err says why, never nothing, and is the caller's to free either way.
 */
json_t *inspect_image(const char *docker, const char *name, unsigned timeout, char **err);

/* Whether an engine said, where an inspection failed, that it has no such image. */
bool is_no_such_image(const char *err);

/* What the engine says of the image of a slug, for the rest of the run: an ID always means the same. */
void keep_inspection(const char *slug, json_t *image);

/* NULL where it was not asked in this run. */
json_t *kept_inspection(const char *slug);

#endif
