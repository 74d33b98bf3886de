/*
 * smolvm.c - smolvm's faults by version.
 *
 * merge  `pack create` of an image with several layers copies them over each other
 *        with `cp -a ... || true`: deleted files come back (v1.9.2, src/cli/pack.rs;
 *        mended by PR #1321, after 1.16.1)
 * floor  a packing machine may not reach the host's loopback, where the registry is
 *        (PR #1060, after 1.11.1), unless SMOLVM_EGRESS_FLOOR=metadata
 * gzip   takes layers as gzip only (mended in 1.5.0, crates/smolvm-agent/src/storage.rs)
 *
 * A version that cannot be read is taken to have all of them: what is done about
 * them does no harm where they are not.
 */
#include <string.h>

#include "lib/lib.h"
#include "machine/smolvm.h"

enum { ALWAYS = 0, NEVER = 2000000000 };

const struct fault smolvm_fault[] = {
    {"merge", FAULT_MERGE, ALWAYS, 1017000},
    {"floor", FAULT_FLOOR, 1011002, NEVER},
    {"gzip", FAULT_GZIP, ALWAYS, 1005000},
};
const int smolvm_fault_count = LENGTH(smolvm_fault);

/* "smolvm 1.9.2", "v1.9.2" or "1.9.2-rc1" -> 1009002; -1 where there is no version in it. */
int
parse_version(const char *text)
{
	int part[3] = {0}, n = 0;

	text += strcspn(text, "0123456789");
	if (*text == '\0')
		return -1;
	for (; n < 3 && *text >= '0' && *text <= '9'; n++) {
		for (; *text >= '0' && *text <= '9'; text++)
			if ((part[n] = part[n] * 10 + (*text - '0')) > 999)
				return -1;
		if (*text == '.')
			text++;
	}
	return n < 2 ? -1 : part[0] * 1000000 + part[1] * 1000 + part[2];
}

/* The faults of the version in text, as bits. */
int
smolvm_faults(const char *text)
{
	int version = parse_version(text), faults = 0;

	for (int i = 0; i < smolvm_fault_count; i++)
		if (version < 0 || (version >= smolvm_fault[i].since && version < smolvm_fault[i].until))
			faults |= smolvm_fault[i].bit;
	return faults;
}

/*
 * Whether a smolvm with these faults is given every image as one layer: as SQUASH says, else where it would
 * merge several layers wrongly.
 */
bool
gets_one_layer(int faults)
{
	const char *squash = setting("SQUASH");

	return *squash ? strcmp(squash, "1") == 0 : (faults & FAULT_MERGE) != 0;
}
