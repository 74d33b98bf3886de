/* options.h - what a machine is packed with beside its image: the one list of these options. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "machine/wish.h"

struct pack_option {
	const char *name; /* of the setting, and in the record */
	const char *flag; /* of `smolvm pack create` */
};

/* In the order of their names. */
extern const struct pack_option pack_option[];
extern const size_t pack_option_count;

/* The value that w gives the i-th option, NULL or "" for none. */
const char *option_value(const struct wish *w, size_t i);

/*
 * What tells two packings of one image apart: "-" and the first 8 hex of the SHA-256 of the options given, ""
 * for a default pack. These names are public: a value's suffix never changes. The caller frees it.
 */
char *option_suffix(const struct wish *w);

#endif
