#!/bin/sh
# t0510-direct: ROUTE=direct packs the same machine without a registry image, a tag or a push.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo zstd
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log" ROUTE=direct REGISTRY_IMAGE=no/such
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
must make_image tree 'RUN ["/bin/busybox", "touch", "/gone", "/stays"]' 'RUN ["/bin/busybox", "rm", "/gone"]'
for version in 0.8.0 1.9.2 1.17.0; do
	export FAKE_SMOLVM_VERSION=$version
	rm -rf "$CACHE_DIR"
	: >"$FAKE_DOCKER_LOG"
	ok "smolvm $version packs by ROUTE=direct, with no registry image" run_make smolmachine IMAGE="$image"
	sidecar=$(cat "$out")
	ok '... a whole machine' "$top/cache/bin/verify-machine" "$sidecar"
	is '... nothing is run, tagged or pushed' "$(grep -cE '^(run|tag|push|load)' "$FAKE_DOCKER_LOG")" 0
	head -c "$(od -An -tu8 -j $(($(stat -c %s "$sidecar") - 36)) -N 8 "$sidecar" | tr -d ' ')" "$sidecar" | zstd -dcq >"$tmp/assets.tar"
	rm -rf "$tmp/assets" && mkdir "$tmp/assets" && tar -C "$tmp/assets" -xf "$tmp/assets.tar" layers
	tar -tf "$tmp"/assets/layers/*.tar >"$tmp/tree"
	like '... what stays is there' "$(cat "$tmp/tree")" '(^|/)stays$'
	unlike '... what was deleted is not' "$(cat "$tmp/tree")" '(^|/)gone$'
	assert_nothing_left '... and nothing is left' 2
done
: >"$FAKE_SMOLVM_LOG"
ok 'it is a hit by ROUTE=push too' run_make smolmachine IMAGE="$image" ROUTE=push
is 'without a pack' "$(packs)" 0
one=$image
must make_image other
: >"$FAKE_SMOLVM_LOG"
rm -f "$CACHE_DIR"/*.smolmachine
ok 'several, under -j' run_make -j4 smolmachine IMAGES="$one $image"
is 'each once' "$(packs)" 2
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=hang-pull
start_make smolmachine IMAGE="$one"
ok 'a pack hangs' wait_for '[ "$(packs)" = 3 ]' 20
kill -s TERM "$make_pid"
finish_make 20
isnt 'and is ended by TERM' "$rc" 0
assert_nothing_left 'which leaves nothing' 3
done_testing
