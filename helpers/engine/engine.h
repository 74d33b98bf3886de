/* engine.h - the engine behind DOCKER; apart from lib.h since few helpers need JSON. */
#ifndef ENGINE_H
#define ENGINE_H

#include <jansson.h>

#include "lib/io.h"

enum engine { DOCKER, PODMAN };

/* Of what inspect says of an image, what tells it from others. */
struct inspection {
	char id[SHA256_HEX + 1];     /* the engine's own */
	char config[SHA256_HEX + 1]; /* the config's digest, or "": it is not told */
	bool containerd;             /* of that store, whose IDs are none of configs */
	bool by_podman;              /* podman's own inspect printed it */
	size_t layers;
};

void check_engine(const char *docker, unsigned timeout, bool remote);
bool is_named_podman(const char *docker);
enum engine engine_kind(const char *docker, unsigned timeout);
char *pin_name(const char *slug);
json_t *parse_image(const char *text, char why[WHY]);
bool read_image(json_t *image, struct inspection *i);
void read_image_command(json_t *image, struct list *out);
json_t *inspect_image(const char *docker, const char *name, unsigned timeout, char **err);
bool is_no_such_image(const char *err);
void keep_inspection(const char *slug, json_t *image);
json_t *kept_inspection(const char *slug);

#endif
