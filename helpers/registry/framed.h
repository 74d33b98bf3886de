/*
 * framed.h - the layers of native packs, in frames (image/frames.h): each is made once, and kept in CACHE_DIR/.store, or, where
 * STORE_MAX does not allow that, in the run's folder for as long as the run lasts. The working folder is CACHE_DIR.
 */
#ifndef FRAMED_H
#define FRAMED_H

#include "image/frames.h"

/* Whether the layer of this diff_id is there; f is it, if f is not NULL, and frames_close frees it. */
bool framed_find(const char *diff_id, struct framed *f);

/*
 * Makes it of the layer, which has been proved: size bytes at offset of fd, coded so. f as in framed_find. False: why says what is
 * wrong with the layer, or what cannot be written.
 */
bool framed_make(const char *diff_id, int fd, off_t offset, uint64_t size, enum coding coding,
		 struct framed *f, char why[WHY]);

/*
 * What is known of the beginnings of layers that are put together of these (struct beginnings of image/compose.h): of the first so
 * many of diff_ids. False: nothing.
 */
bool framed_beginning(char (*diff_ids)[DIGEST], size_t layers, unsigned char state[HASH_STATE]);
void framed_keep_beginning(char (*diff_ids)[DIGEST], size_t layers, const unsigned char state[HASH_STATE]);

#endif
