/* engine.h - the engine behind DOCKER; apart from lib.h since few helpers need JSON. */
#ifndef ENGINE_H
#define ENGINE_H

#include <jansson.h>

#include "lib.h"

enum engine { DOCKER, PODMAN };

bool find_program(const char *name);
enum engine find_engine(const char *docker, unsigned timeout);
char *pin_name(const char *slug);
json_t *inspect_image(const char *docker, const char *name, unsigned timeout, char **err);

#endif
