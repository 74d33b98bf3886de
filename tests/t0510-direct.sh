#!/bin/sh
# t0510-direct: ROUTE=direct packs the same machine without a registry image, a tag or a push.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo zstd socat ip
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log" ROUTE=direct REGISTRY_IMAGE=no/such
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
# The paths in the packed layers of $sidecar, in $tmp/tree; and how many of these there are, in $layers.
unpack_tree() {
	head -c "$(od -An -tu8 -j $(($(stat -c %s "$sidecar") - 36)) -N 8 "$sidecar" | tr -d ' ')" "$sidecar" | zstd -dcq >"$tmp/assets.tar"
	rm -rf "$tmp/assets" && mkdir "$tmp/assets" && tar -C "$tmp/assets" -xf "$tmp/assets.tar" layers
	for layer in "$tmp"/assets/layers/*.tar; do tar -tf "$layer"; done >"$tmp/tree"
	layers=$(find "$tmp/assets/layers" -name '*.tar' | wc -l)
}
must make_image tree 'RUN ["/bin/busybox", "touch", "/gone", "/stays"]' 'RUN ["/bin/busybox", "rm", "/gone"]'
for version in 0.8.0 1.9.2 1.17.0; do
	export FAKE_SMOLVM_VERSION=$version
	rm -rf "$CACHE_DIR"
	: >"$FAKE_DOCKER_LOG"
	ok "smolvm $version packs by ROUTE=direct, with no registry image" run_make smolmachine IMAGE="$image"
	sidecar=$(cat "$out")
	ok '... a whole machine' "$top/cache/bin/verify-machine" "$sidecar"
	is '... nothing is run, tagged, pushed or removed' "$(grep -cE '^(run|tag|push|load|rmi)' "$FAKE_DOCKER_LOG")" 0
	unpack_tree
	like '... what stays is there' "$(cat "$tmp/tree")" '(^|/)stays$'
	unlike '... what was deleted is not' "$(cat "$tmp/tree")" '(^|/)gone$'
	assert_nothing_left '... and nothing is left' 30
done
: >"$FAKE_SMOLVM_LOG"
ok 'it is a hit by ROUTE=push too' run_make smolmachine IMAGE="$image" ROUTE=push
is 'without a pack' "$(packs)" 0

topic 'One layer or several'
rm -rf "$CACHE_DIR"
FAKE_SMOLVM_VERSION=1.17.0
ok 'SQUASH=1 packs' run_make smolmachine IMAGE="$image" SQUASH=1
sidecar=$(cat "$out")
unpack_tree
is 'one layer, though this smolvm takes several' "$layers" 1
unlike 'without what was deleted' "$(cat "$tmp/tree")" '(^|/)gone$'
rm -rf "$CACHE_DIR"
FAKE_SMOLVM_VERSION=1.9.2
ok 'SQUASH=0 packs with a smolvm that merges wrongly' run_make smolmachine IMAGE="$image" SQUASH=0
like 'and warns' "$(cat "$err")" '^warning: SQUASH=0: smolvm 1.9.2 brings deleted files'
sidecar=$(cat "$out")
unpack_tree
like 'of what it does' "$(cat "$tmp/tree")" '(^|/)gone$'
: >"$FAKE_SMOLVM_LOG"
ok 'whoever asks for it again' run_make smolmachine IMAGE="$image" SQUASH=0
is 'has it' "$(packs)" 0
ok 'whoever does not' run_make smolmachine IMAGE="$image"
is 'has it packed anew' "$(packs)" 1
unpack_tree
unlike 'rightly' "$(cat "$tmp/tree")" '(^|/)gone$'
ok 'by ROUTE=push too, SQUASH=0 is obeyed' run_make smolmachine IMAGE="$image" ROUTE=push SQUASH=0 CACHE_DIR="$tmp/pushed" \
	REGISTRY_IMAGE="$SMOLMAKE_TEST_REGISTRY_IMAGE"
like 'it is pushed as it is' "$(cat "$FAKE_DOCKER_LOG")" '^push'
: >"$FAKE_DOCKER_LOG"
FAKE_SMOLVM_VERSION=1.17.0
ok 'by ROUTE=push too, SQUASH=1 is obeyed' run_make smolmachine IMAGE="$image" ROUTE=push SQUASH=1 CACHE_DIR="$tmp/squashed" \
	REGISTRY_IMAGE="$SMOLMAKE_TEST_REGISTRY_IMAGE"
unlike 'nothing is pushed' "$(cat "$FAKE_DOCKER_LOG")" '^push'
like 'which is said' "$(cat "$err")" '^  ROUTE   direct, it has to be one layer, which no push makes$'

topic 'How far it is'
rm -rf "$CACHE_DIR"
ok 'PROGRESS=json packs' run_make smolmachine IMAGE="$image" PROGRESS=json
is 'and tells of every layer how much has been pulled' \
	"$(sed -n '/^{/p' "$err" | jq -s 'group_by(.layer) | map(last | .bytes == .total) | all, length')" "true
$(docker image inspect -f '{{len .RootFS.Layers}}' "$image")"
rm -f "$CACHE_DIR"/*.smolmachine
ok 'under -s' run_make -s smolmachine IMAGE="$image" PROGRESS=json
is 'nothing is told' "$(cat "$err")" ''

topic 'Elsewhere'
if [ "$SMOLMAKE_TEST_ENGINE" = private ]; then
	# an address that is not loopback, and the engine behind it
	ip addr add 192.0.2.1/32 dev lo 2>/dev/null
	port=$((20000 + $$ % 10000)) usual=$DOCKER_HOST
	socat "TCP-LISTEN:$port,bind=192.0.2.1,fork,reuseaddr" "UNIX-CONNECT:$SMOLMAKE_TEST_SOCKET" &
	relay=$!
	far=tcp://192.0.2.1:$port
	must wait_for "docker -H $far version >/dev/null 2>&1" 60
	export DOCKER_HOST="$far"
	rm -rf "$CACHE_DIR"
	must_fail 'a remote engine is refused by ROUTE=push' run_make smolmachine IMAGE="$image" ROUTE=push
	like 'which names the other' "$(cat "$err")" "remote.*ROUTE=direct"
	ok 'by ROUTE=direct it serves' run_make smolmachine IMAGE="$image" CONTEXT="$context"
	ok 'a whole machine' "$top/cache/bin/verify-machine" "$(cat "$out")"
	unset DOCKER_HOST
	must mkdir -p "$HOME/.docker"
	must docker context create far --docker "host=$far"
	echo '{"currentContext":"far"}' >"$HOME/.docker/config.json"
	rm -rf "$CACHE_DIR"
	ok 'chosen by a context too' run_make smolmachine IMAGE="$image"
	ok 'a whole machine' "$top/cache/bin/verify-machine" "$(cat "$out")"
	rm -rf "$HOME/.docker"
	export DOCKER_HOST="$usual"
	kill $relay
	wait $relay 2>/dev/null
	assert_nothing_left 'and nothing is left'
fi

topic 'Together, and ended'
one=$image
must make_image other
: >"$FAKE_SMOLVM_LOG"
rm -f "$CACHE_DIR"/*.smolmachine
ok 'several, under -j' run_make -j4 smolmachine IMAGES="$one $image"
is 'each once' "$(packs)" 2
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=hang-pull
start_make smolmachine IMAGE="$one"
ok 'a pack hangs' wait_for '[ "$(packs)" = 3 ]' 60
kill -s TERM "$make_pid"
finish_make 120
isnt 'and is ended by TERM' "$rc" 0
assert_nothing_left 'which leaves nothing' 30
done_testing
