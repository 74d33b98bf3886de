/* smolvm.h - what the versions of smolvm do wrong, as far as the pipeline works around it. */
#ifndef SMOLVM_H
#define SMOLVM_H

#include <stdbool.h>

enum { FAULT_MERGE = 1, FAULT_FLOOR = 2, FAULT_GZIP = 4 };

struct fault {
	const char *name;
	int bit, since,
	    until; /* versions as 1000000 * major + 1000 * minor + patch; until is the first without it */
};

extern const struct fault smolvm_fault[];
extern const int smolvm_fault_count;

int parse_version(const char *text);
int smolvm_faults(const char *text);
bool gets_one_layer(int faults);

#endif
