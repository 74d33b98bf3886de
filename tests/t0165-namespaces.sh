#!/bin/sh
# t0165-namespaces: a make in another PID namespace, as in a container on the same socket and cache, is not judged dead from here,
# nor are those here by it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo unshare
need_private

here=${SMOLMAKE_TEST_MAKE:-make} there=$tmp/make-there
printf '#!/bin/sh\nexec unshare --pid --fork --mount-proc --kill-child make "$@"\n' >"$there"
chmod +x "$there"
must make_image held
held=$image
must make_image other
must run_make image-id IMAGE="$image"
export PACK_JOBS=2 # at once

for place in "$there $here" "$here $there"; do
	mkdir "$tmp/latch"
	export FAKE_SMOLVM_LATCH="$tmp/latch" FAKE_SMOLVM_FAULT=latch-pull
	SMOLMAKE_TEST_MAKE=${place% *}
	start_make smolmachine IMAGE="$held"
	unset FAKE_SMOLVM_LATCH FAKE_SMOLVM_FAULT
	ok "one packs (${SMOLMAKE_TEST_MAKE##*/})" wait_for '[ -n "$(find "$tmp/latch" -name "at.*")" ]' 60
	registry=$(containers) folders=$(ls "$CACHE_DIR/.run") names=$(tags)
	SMOLMAKE_TEST_MAKE=${place#* }
	out=$tmp/stdout.other err=$tmp/stderr.other
	ok "... another, in another namespace, packs and sweeps (${SMOLMAKE_TEST_MAKE##*/})" run_make smolmachine IMAGE="$image"
	out=$tmp/stdout err=$tmp/stderr
	is '... which leaves the registry of the first' "$(containers)" "$registry"
	is '... its folder' "$(ls "$CACHE_DIR/.run")" "$folders"
	is '... and its tag' "$(tags | sort -u)" "$(echo "$names" | sort -u)"
	: >"$tmp/latch/go"
	ok '... that succeeds then' finish_make 60
	rm -rf "$tmp/latch" "$CACHE_DIR"/*.smolmachine
done
SMOLMAKE_TEST_MAKE=$here
assert_nothing_left 'nothing is left of all that' 3
done_testing
