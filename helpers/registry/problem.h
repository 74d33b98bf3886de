/* problem.h - what a registry answers when it cannot do what is asked (OCI distribution spec, "Error Codes"). */
#ifndef PROBLEM_H
#define PROBLEM_H

struct problem {
	unsigned status;
	const char *code, *message; /* the spec's, and ours */
};

/* Of any request. */
extern const struct problem no_page, no_name, no_manifest, no_blob, no_method, no_push, no_room, no_range;

/* Of a push. */
extern const struct problem no_upload, busy_upload, bad_upload, bad_digest, bad_range, bad_size, too_large,
    bad_manifest, blob_missing, not_wanted, no_space, no_slot;

#endif
