/* container.h - the image of a registry container, and what is said of one that cannot be had. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "lib/lib.h"

/* Nobody has named the image: why there is a container nevertheless. It stays the caller's. */
void container_because(const char *why);

/*
 * "REGISTRY_IMAGE: '<image>' <what>; <remedy>", or, where nobody named an image, a sentence about ROUTE. It
 * is a failure of the images that failure_about names.
 */
_Noreturn void refuse_container(const char *image, const char *remedy, const char *what, ...) PRINTF(3, 4);
void complain_container(const char *image, const char *remedy, const char *what, ...)
    PRINTF(3, 4); /* and goes on */

/*
 * Adds the image's own entrypoint and command to own, and arguments for its volumes, which are labelled with owner, to
 * mounts. Pulls the image where the engine does not have it; one that cannot be had, or runs nothing, is refused.
 */
void container_image(const char *docker, const char *image_name, const char *owner, struct list *mounts,
		     struct list *own);

#endif
