/*
 * disk.h - a template of a disk, of which nearly all is zeros, as a sparse file of a tar.
 *
 *	d = disk_read("storage-template.ext4.zst", folder, why);
 *	disk_write(d, "storage.ext4", sink, arg, why);
 *	disk_free(d);
 */
#ifndef DISK_H
#define DISK_H

#include "image/decode.h"

struct disk;

/*
 * The template at path, compressed by zstd or not; NULL is none, a disk of 0 bytes. folder: for what is not zeros, in a file
 * without a name. NULL: why says what is wrong.
 */
struct disk *disk_read(const char *path, const char *folder, char why[WHY]);

/* Bytes of it, zeros included. */
uint64_t disk_size(const struct disk *d);

/* Headers, content and padding of its entry in a tar; nothing for a disk of 0 bytes. */
bool disk_write(struct disk *d, const char *name, decoder_sink sink, void *arg, char why[WHY]);

/* Takes NULL. */
void disk_free(struct disk *d);

#endif
