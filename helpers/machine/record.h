/* record.h - <key>.json: what a machine was made of, and how. */
#ifndef RECORD_H
#define RECORD_H

#include <jansson.h>

#include "lib/lib.h"
#include "machine/sidecar.h"

/*
 * The record at path, relative to CACHE_DIR. NULL and errno: ENOENT where there is none (claude-bottle keeps
 * none), anything else where it cannot be read. The caller releases it.
 */
json_t *read_record(const char *path);

/* Whether it is that of these files: sizes in bytes. */
bool record_describes(json_t *record, const struct sidecar *s, long long launcher, long long sidecar);

/* SHA-256 of the launcher, in hex; NULL where an older version did not write it down. The record's. */
const char *record_launcher(json_t *record);

/* What the machine was packed from; NULL where the record does not say. The record's. */
const char *record_reference(json_t *record);

/* What the run that made it took, build and all, as far as that was measured; 0 where it was not. record may be NULL. */
double record_seconds(json_t *record);

/*
 * Refuses (exit 1) a machine of another image or of other options than settings (the key's request: IMAGE_ID,
 * CPUS,
 * ...), which a key does not always tell apart; sidecar names the machine in the message.
 */
void refuse_collision(json_t *record, const struct list *settings, const char *sidecar);

/* Of a machine that has been packed: what goes into its record beside settings and the seconds of the run. */
struct packing {
	const char *key, *reference;
	const struct sidecar *sidecar;
	const struct list *settings;
	char launcher_sha256[SHA256_HEX + 1];
	long long sizes[2]; /* of launcher and sidecar, bytes */
	char sidecar_sha256[SHA256_HEX + 1];
	json_t *layers; /* diff_ids of the image, the lowest first; NULL where the engine did not say */
	bool native;    /* packed without smolvm's machine */
	bool one_layer; /* smolvm was given one, whatever the image has */
};

/* Writes it to path; ends the program where it cannot. */
void write_record(const char *path, const struct packing *p);

#endif
