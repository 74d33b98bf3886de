/*
 * catalog.h - the images that a registry has, and where their bytes lie.
 *
 * Every blob and manifest is a piece of some open file. A name or digest that a
 * client sends is looked up here and is used for nothing else.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include <stdatomic.h>

#include "image/export.h"
#include "image/recode.h"
#include "registry/request.h"

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"

struct content {
	char digest[DIGEST];
	const char *type; /* its media type */
	int fd;
	off_t offset;
	uint64_t size;
};

/* Who looks for an image finds it when it is ready; nothing of it changes any more then. */
struct served {
	char *name; /* repository:tag */
	struct reference reference;
	struct content manifest, config;
	size_t layers;
	struct content *layer;
	atomic_bool ready;
	atomic_ullong arrived; /* bytes that were pushed of it, while it is not ready */
};

struct catalog {
	size_t images;
	struct served *image;
	int texts; /* the file of what is not in the export: manifests, new configs */
	off_t texts_end;
};

/*
 * Room for so many images; what has to lie in a file gets an unnamed one in folder. catalog_free closes
 * it.
 */
bool catalog_open(struct catalog *c, size_t images, const char *folder, char why[WHY]);

/* The name under which an image is or will be served. */
void catalog_name(struct served *s, const struct reference *r);

/* Room for so many layers. */
void catalog_layers(struct served *s, size_t layers);

/* The layer as a registry serves it: its file stays the recoder's. */
void catalog_layer(struct content *layer, const struct recoded *l);

/* A document that has to lie in a file like everything else. */
bool catalog_text(struct catalog *c, struct content *to, const char *text, const char *type, char why[WHY]);

/* When config and layers are known: from then on it is served. */
bool catalog_manifest(struct catalog *c, struct served *s, char why[WHY]);

void catalog_free(struct catalog *c);

/* So many bytes were pushed of an image of this repository. */
void catalog_arrived(struct catalog *c, const char *repository, size_t bytes);

/* A name that it has, or will have. */
bool catalog_has(const struct catalog *c, const char *repository);

/* NULL where this repository has no such thing, whatever others have. */
const struct content *catalog_find(const struct catalog *c, const struct target *r);

/* The spec's list, at most most tags behind after; where there are more, *more_after is the last of these. */
char *catalog_tags(const struct catalog *c, const char *repository, const char *after, size_t most,
		   const char **more_after);

#endif
