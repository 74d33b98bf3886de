#!/bin/sh
# cells.sh: what every engine has to do, one "cell" each: miss, hit, changed Dockerfile, two names, cleanup.
# Run by tests/engines/run for each engine; SMOLMAKE_TEST_CLI is its command. Prints TAP, and "# cell NAME ok|FAIL".
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
engine=${SMOLMAKE_TEST_CLI:?}
export DOCKER="$engine"

cell() { # NAME: all since the last one
	[ "$failures" = "${before:-0}" ] && echo "# cell $1 ok" || echo "# cell $1 FAIL"
	before=$failures
}
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_SMOLVM_LOG"; }
names() { "$engine" images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(127\.0\.0\.1:|localhost:[0-9]|smolmake-pin:)'; }

must make_context agent 'RUN ["/bin/busybox", "touch", "/gone", "/stays"]' 'RUN ["/bin/busybox", "rm", "/gone"]'
forget
ok 'an image is built and packed' run_make smolmachine IMAGE="$image" CONTEXT="$context"
sidecar=$(cat "$out")
is 'once' "$(packs)" 1
ok 'the machine is whole' "$top/cache/bin/verify-machine" "$sidecar"
config=$("$engine" save "$image" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "")')
is 'it is called by the config digest' "$sidecar" "$CACHE_DIR/$(printf %.16s "$config").smolmachine.smolmachine"
cell miss

forget
ok 'again' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'it is a hit' "$(packs) $(cat "$out")" "0 $sidecar"
ok 'found by its name' run_make smolmachine IMAGE="$image"
is 'it is the same' "$(packs) $(cat "$out")" "0 $sidecar"
# Only buildx attests; on the containerd store an index is then what the engine calls the image.
attested=smolmake-test/attested-$mine:latest
if [ "$engine" = docker ] && docker build -q --provenance=true -t "$attested" "$context" >/dev/null 2>&1; then
	ok 'an attested image' run_make smolmachine IMAGE="$attested"
	is 'is called by its config digest' "$(cat "$out")" "$CACHE_DIR/$(docker save "$attested" | tar -xOf - manifest.json |
		jq -r '.[0].Config | sub(".*/"; "") | .[:16]').smolmachine.smolmachine"
	docker rmi "$attested" >/dev/null
fi
cell hit

echo 'ENV CHANGED=1' >>"$context/Dockerfile"
ok 'a changed Dockerfile' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'is packed' "$(packs)" 1
isnt 'as another machine' "$(cat "$out")" "$sidecar"
cell changed

must "$engine" tag "$image" "smolmake-test/other-$mine:v2"
rm -f "$(cat "$out")"
forget
# where Make can, in another order than the makefiles have
shuffle=$(make --shuffle=reverse --version >/dev/null 2>&1 && echo --shuffle=reverse)
ok "two names of one image ($(make --version | head -n 1)${shuffle:+, $shuffle})" \
	run_make -j2 ${shuffle:+"$shuffle"} smolmachine IMAGES="$image smolmake-test/other-$mine:v2"
is 'are packed once and answered twice' "$(packs) $(sort -u "$out" | wc -l) $(wc -l <"$out")" '1 1 2'
cell two-names

must_fail 'a pack that fails' env FAKE_SMOLVM_FAULT=fail sh -c 'rm -f "$1"; shift; "$@"' sh "$(head -n 1 "$out")" \
	"$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image"
is 'no name of ours is left' "$(names)" ''
is 'no container' "$("$engine" ps -aq --filter "label=smolmake.cache=$CACHE_DIR")" ''
is 'no volume' "$("$engine" volume ls -q)" ''
is 'no folder' "$(run_folders)" ''
cell cleanup
"$engine" rmi -f "$image" "smolmake-test/other-$mine:v2" >/dev/null 2>&1
done_testing
