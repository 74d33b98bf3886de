/* quirks.c - what smolvm does, by version. "Run": the published binary of that version was run. */
#include <string.h>

#include "lib/lib.h"
#include "machine/quirks.h"

enum { ALWAYS = 0, NEVER = 2000000000 };

const struct quirk quirk[] = {
    {QUIRK_ONE_LAYER, ALWAYS, 1017000,
     "`pack create` copies the layers of an image over each other with `cp -a ... || true`: deleted files come back",
     "run: 1.4.5, 1.9.1 and 1.15.0 are wrong, 1.17.0 and 1.32.2 right; source: v1.9.2, src/cli/pack.rs; PR #1321"},
    {QUIRK_FLOOR, 1013000, NEVER,
     "a packing machine may not reach the host's loopback, where the registry is",
     "run: 1.4.5 and 1.9.1 reach it, 1.17.0 and 1.32.2 only with SMOLVM_EGRESS_FLOOR=metadata; source: smolvm-network 1.12.0 has no such floor, 1.13.0 has"},
    {QUIRK_GZIP, ALWAYS, 1005000, "it takes layers as gzip only",
     "run: 1.4.5 cannot pull zstd, 1.9.1 can; source: crates/smolvm-agent/src/storage.rs of v1.5.0"},
    {QUIRK_NO_ARCHIVE, ALWAYS, 1029001,
     "it takes no archive: of those that do, none honours the opaque folders of an archive's layers, so they get one layer",
     "run: `pack create --help` of 15 versions; 1.32.2 packed from a pipe, and kept what opaque folders hide"},
    {QUIRK_NO_USER, ALWAYS, 1014002, "a manifest carries no user",
     "run: 1.9.1 has none, 1.17.0 and 1.32.2 have; source: smolvm-pack 1.13.1 has no such field, 1.14.2 has"},
    {QUIRK_NO_CUDA, ALWAYS, 1006000, "a manifest does not speak of CUDA",
     "run: 1.9.1, 1.17.0 and 1.32.2 do, 1.5.2 does not"},
    {QUIRK_CLEAN_FOLDER, ALWAYS, NEVER, "old ones look for their launcher in ./target first",
     "source: v1.9.2, src/cli/pack.rs:921-935"},
    {QUIRK_VM_SIZE, ALWAYS, NEVER, "it packs in a virtual machine of 4 processors and up to 8 GiB",
     "run: boot-config.json of 1.32.2; source: v1.9.2, src/cli/pack.rs"},
    {QUIRK_ONE_FRAME, ALWAYS, NEVER,
     "its zstd decoder (ruzstd) takes the end of the first frame for the end of the layer, and says nothing",
     "source: ruzstd's StreamingDecoder, which smolvm-agent of v1.5.0 and later uses; not run"},
    {QUIRK_IN_PLACE, ALWAYS, NEVER,
     "launcher and sidecar are written in place, and a pack that is killed leaves halves",
     "run: 1.32.2, watched; source: smolvm-pack 1.33.0, packer.rs: pack()"},
};
const int quirk_count = LENGTH(quirk);

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

int
smolvm_quirks(const char *text)
{
	int version = parse_version(text), quirks = 0;

	for (int i = 0; i < quirk_count; i++)
		if (version < 0 || (version >= quirk[i].since && version < quirk[i].until))
			quirks |= quirk[i].bit;
	return quirks;
}

/* As NATIVE_VERSIONS says them. */
static const int native[] = {1026001, 1029001, 1032002};

bool
packs_natively(const char *text)
{
	int version = parse_version(text);

	for (size_t i = 0; i < LENGTH(native); i++)
		if (native[i] == version)
			return true;
	return false;
}

bool
gets_one_layer(int quirks)
{
	const char *squash = setting("SQUASH");

	return *squash ? strcmp(squash, "1") == 0 : (quirks & QUIRK_ONE_LAYER) != 0;
}
