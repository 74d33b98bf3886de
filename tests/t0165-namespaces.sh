#!/bin/sh
# t0165-namespaces: a make in another PID namespace, as in a container on the same socket and cache, or in another boot, as on a
# machine with the same home, is not judged dead from here, nor are those here by it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo unshare
need_private

here=${SMOLMAKE_TEST_MAKE:-make} there=$tmp/make-there
printf '#!/bin/sh\nexec unshare --pid --fork --mount-proc --kill-child make "$@"\n' >"$there"
chmod +x "$there"
# another boot, as far as anybody can tell
boot=$tmp/make-boot
echo 01234567-89ab-cdef-0123-456789abcdef >"$tmp/boot_id"
printf '#!/bin/sh\nmount --bind "%s" /proc/sys/kernel/random/boot_id && exec make "$@"\n' "$tmp/boot_id" >"$tmp/make-mounted"
printf '#!/bin/sh\nexec unshare --mount "%s" "$@"\n' "$tmp/make-mounted" >"$boot"
chmod +x "$boot" "$tmp/make-mounted"
must make_image held
held=$image
must make_image other
must run_make image-id IMAGE="$image"
export PACK_JOBS=2 # at once

for place in "$there $here" "$here $there" "$boot $here" "$here $boot"; do
	mkdir "$tmp/latch"
	export FAKE_SMOLVM_LATCH="$tmp/latch" FAKE_SMOLVM_FAULT=latch-pull
	SMOLMAKE_TEST_MAKE=${place% *}
	start_make smolmachine IMAGE="$held"
	unset FAKE_SMOLVM_LATCH FAKE_SMOLVM_FAULT
	ok "one packs (${SMOLMAKE_TEST_MAKE##*/})" wait_for '[ -n "$(find "$tmp/latch" -name "at.*")" ]' 60
	registry=$(containers) folders=$(ls "$CACHE_DIR/.run") names=$(tags)
	SMOLMAKE_TEST_MAKE=${place#* }
	out=$tmp/stdout.other err=$tmp/stderr.other
	ok "... another, elsewhere, packs and sweeps (${SMOLMAKE_TEST_MAKE##*/})" run_make smolmachine IMAGE="$image"
	out=$tmp/stdout err=$tmp/stderr
	is '... which leaves the registry of the first' "$(containers)" "$registry"
	is '... its folder' "$(ls "$CACHE_DIR/.run")" "$folders"
	is '... and its tag' "$(tags | sort -u)" "$(echo "$names" | sort -u)"
	: >"$tmp/latch/go"
	ok '... that succeeds then' finish_make 60
	rm -rf "$tmp/latch" "$CACHE_DIR"/*.smolmachine
done

# What a dead make of another boot has left
if [ -s /etc/machine-id ]; then
	mkdir "$tmp/latch"
	export FAKE_SMOLVM_LATCH="$tmp/latch" FAKE_SMOLVM_FAULT=latch-pull
	SMOLMAKE_TEST_MAKE=$boot
	start_make smolmachine IMAGE="$held"
	unset FAKE_SMOLVM_LATCH FAKE_SMOLVM_FAULT
	ok 'one packs in another boot' wait_for '[ -n "$(find "$tmp/latch" -name "at.*")" ]' 60
	for pid in $(processes); do
		[ "$pid" = $$ ] || [ "$pid" = "$_watch_pid" ] || kill -s KILL "$pid" 2>/dev/null
	done
	finish_make 10
	isnt '... and is killed' "$(find "$CACHE_DIR/.run" -mindepth 1 -maxdepth 1)" ''
	SMOLMAKE_TEST_MAKE=$here
	ok '... the next one here' run_make smolmachine IMAGE="$image"
	is '... which is the same machine, takes the rest' "$(find "$CACHE_DIR/.run" -mindepth 1)" ''
else
	skip 'a dead make of another boot' 'this machine has no ID'
fi
SMOLMAKE_TEST_MAKE=$here
assert_nothing_left 'nothing is left of all that' 30
done_testing
