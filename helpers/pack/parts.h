/*
 * parts.h - what every artifact of one smolvm has in common, made once and kept in CACHE_DIR/.parts as finished zstd frames.
 *
 *	parts_prepare(&found, "1.32.2", &folder, why);     once a run
 *	parts_open(&p, folder, why);                       for each machine
 *	... p.head, the layer, p.tail, p.launcher ...
 *	parts_close(&p);
 */
#ifndef PARTS_H
#define PARTS_H

#include "pack/find.h"

struct part {
	int fd;
	uint64_t size; /* bytes of the file */
	uint32_t crc;  /* CRC-32 (IEEE) of them */
};

struct parts {
	char version[40]; /* of smolvm */
	uint64_t rootfs;  /* bytes of agent-rootfs.tar */
	uint64_t storage; /* bytes of storage.ext4, holes included; 0: it has none */
	size_t libraries;
	char library[LIBRARIES_MAX][64]; /* "lib/libkrun.so" */
	uint64_t library_size[LIBRARIES_MAX];
	struct part head;     /* agent-rootfs.tar, header and all */
	struct part tail;     /* storage.ext4, and the end of the archive */
	struct part launcher; /* all of it */
};

/*
 * Makes them where they are not there; CACHE_DIR is the working folder. *folder is where they are, the caller's to free.
 * False: why says which part is not what it should be, or what cannot be written.
 */
bool parts_prepare(const struct found_parts *found, const char *version, char **folder, char why[WHY]);

/* False, and why, where they are not whole; p holds nothing then, else parts_close frees it. */
bool parts_open(struct parts *p, const char *folder, char why[WHY]);

void parts_close(struct parts *p);

/* Takes the folder away, so that the next run makes it anew. */
void parts_discard(const char *folder);

#endif
