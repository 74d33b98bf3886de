/* kind.h - Docker or podman: the one table of what differs between them, as far as this pipeline meets it. */
#ifndef KIND_H
#define KIND_H

#include "lib/lib.h"

struct engine_kind {
	const char *name;
	const char *plain_http; /* the flag of push and pull for a registry on loopback; "": none is needed */
	const char *save_flags[4]; /* of `save`, of several images; NULL-ended */
	bool has_socket;           /* it is what answers at the socket that docker's client would ask */
	bool bare_ids;             /* its commands know an ID by its hex alone */
	bool labels_volumes;       /* --mount takes a volume-label */
	bool keeps_pushed_digests; /* a push leaves "repository@digest" behind, as a name of its own */
	bool untags;               /* an image without a name stays an image, and `untag` takes names away */
};

/* podman by its own name: it needs no daemon, and has no socket that docker's client would ask. */
bool is_named_podman(const char *docker);

/* podman, or a docker that is podman under another name, which is asked for. timeout: seconds, 0 is none. */
bool is_podman(const char *docker, unsigned timeout);

/* The kind of engine behind DOCKER: asked once a run, and only by what has to know, which no hit does. */
const struct engine_kind *engine_kind(const char *docker, unsigned timeout);

/* The kind that a run has noted (RUN_ENGINE): "NAME" or "NAME FLAG", of which the name counts. Docker's for NULL. */
const struct engine_kind *kind_noted(const char *text);

#endif
