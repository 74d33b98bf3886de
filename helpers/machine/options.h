/*
 * options.h - what can be said of an image beside its name: the one table of these options. The settings, the
 * images file, the build, the pack, a machine's key and its record go by it; `plan-images -o` prints it.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <jansson.h>

#include "machine/wish.h"

enum option_kind {
	OPTION_TEXT,
	OPTION_NUMBER,    /* 1 to max */
	OPTION_MEMORY,    /* MiB, or with a unit: 1 MiB to max MiB */
	OPTION_PLATFORM,  /* OS/ARCH */
	OPTION_STAGE,     /* of a Dockerfile */
	OPTION_PATH,      /* of the build: what it has to be depends on other options */
	OPTION_CONTENT,   /* a file of which the bytes count, read when the wish is checked */
	OPTION_SWITCH,    /* 1, else not given */
	OPTION_RESULT,    /* where the machine is put too */
	OPTION_ARGUMENTS, /* several K=V of the build */
	OPTION_LIST,      /* several of another form, each given by the flag */
};

struct option {
	const char *name; /* of the setting, and in the record; the images file has it in lower case */
	enum option_kind kind;
	size_t at;              /* where struct wish has it: a string, or a list of the last two kinds */
	const char *build_flag; /* of `docker build`; NULL: the build does not get it by a flag of its own */
	const char *pack_flag;  /* of `smolvm pack create`; NULL: no part of the key, nor of the record */
	long long max;
};

/* In the order of their names, which is that of the key. */
extern const struct option options[];
extern const size_t option_count;

/* Whether it has a list of values. */
bool has_list(const struct option *o);

/* That list in w, of an option that has one. */
struct list *option_list(struct wish *w, const struct option *o);

/* Whether w gives the option. */
bool is_given(const struct wish *w, const struct option *o);

/* The value that w gives the option: NULL or "" for none, and for one that has a list. */
const char *option_value(const struct wish *w, const struct option *o);

/* Replaces it. The value is not copied. */
void set_option(struct wish *w, const struct option *o, const char *value);

/* The table as a JSON array for mk/images.jq: [{"key": "cpus", "name": "CPUS", "type": "whole"}, ...]. */
json_t *options_as_json(void);

/*
 * What tells two packings of one image apart: "-" and the first 8 hex of the SHA-256 of the options given, ""
 * for a default pack. These names are public: a value's suffix never changes. The caller frees it.
 */
char *option_suffix(const struct wish *w);

#endif
