#!/bin/sh
# t0535-archive: ROUTE=archive, by which smolvm reads the image from its standard input.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/sidecar.sh
. "$top/tests/sidecar.sh"
need jq skopeo zstd tar
need_engine

unset REGISTRY_IMAGE
export FAKE_SMOLVM_VERSION=1.32.2 FAKE_SMOLVM_TRACE="$tmp/trace" ROUTE=archive PACK=smolvm
archives=$XDG_CACHE_HOME/smolvm-image-archives
record() { jq -r "$1" "${sidecar%.smolmachine.smolmachine}.json"; }
packed() { run_make smolmachine IMAGE="$image" "$@" && sidecar=$(cat "$out"); }

must make_context agent
mkdir "$context/more"
echo gone >"$context/more/gone"
echo kept >"$context/more/kept"
printf 'COPY more /more\nRUN ["/bin/busybox", "rm", "/more/gone"]\n' >>"$context/Dockerfile"
must _build
id=$(docker image inspect --format '{{.Id}}' "$image")

topic 'A miss'
mkdir -p "$archives/somebody"
ok 'is packed' packed
ok '... whole' "$top/cache/bin/verify-machine" "$sidecar"
assert_nothing_left '... and leaves nothing' 30
is '... smolvm is given no reference' "$(jq -r 'select(.argv[1] == "create") | .argv[2]' "$FAKE_SMOLVM_TRACE")" --image=-
like '... the manifest names the archive' "$(manifest_of "$sidecar" | jq -r .image)" '^local:[0-9a-f]{64}$'
is '... the record knows it by that' "$(record .reference)" "$(manifest_of "$sidecar" | jq -r .image)"
is '... and the image by its ID' "$(record .image_id)" "$id"
is '... one layer was packed' "$(record .one_layer)" true
is '... the archive is gone from smolvm'\''s cache, and nothing else is' "$(ls "$archives")" somebody
assets_tar "$sidecar" | tar -xf - -C "$tmp" layers
unlike '... where nothing is that a layer has deleted' "$(tar -tf "$tmp"/layers/*.tar | xargs)" 'gone|\.wh\.'
like '... and the rest' "$(tar -tf "$tmp"/layers/*.tar | xargs)" 'more/kept'

topic 'A hit'
: >"$FAKE_SMOLVM_LOG"
ok 'is found' run_make smolmachine IMAGE="$image"
is '... the same machine' "$(cat "$out")" "$sidecar"
is '... also by another route' "$(run_make smolmachine IMAGE="$image" ROUTE=direct && cat "$out")" "$sidecar"
is '... smolvm packs nothing' "$(grep -c start "$FAKE_SMOLVM_LOG")" 0
jq '.reference |= sub(".$"; "x")' "${sidecar%.smolmachine.smolmachine}.json" >"$tmp/record"
chmod 600 "$tmp/record" && cp "$tmp/record" "${sidecar%.smolmachine.smolmachine}.json"
ok 'a machine that its record does not know by its archive' packed
like '... is packed anew, and that is said' "$(cat "$err")" "it was packed from 'local:"

topic 'What goes wrong'
failing() { # FAULT PATTERN
	_fault=$1 _pattern=$2
	must_fail "$_fault" env FAKE_SMOLVM_FAULT="$_fault" "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" FORCE=1
	like '... is told' "$(cat "$tmp/.log")" "$_pattern"
	assert_nothing_left '... and leaves nothing' 30
	is '... nor an archive' "$(ls "$archives")" somebody
}
failing fail '1 of 1 failed: .*pack: '
failing killed '1 of 1 failed: .*pack: '
failing enospc '1 of 1 failed: .*pack: '
failing other-mode 'its mode is .vm.'
must_fail 'smolvm hangs, and reads nothing' env FAKE_SMOLVM_FAULT=hang PACK_TIMEOUT=2 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" FORCE=1
like '... is told' "$(cat "$tmp/.log")" 'PACK_TIMEOUT'
assert_nothing_left '... and leaves nothing' 30
must_fail 'SQUASH=0' run_make smolmachine IMAGE="$image" SQUASH=0 FORCE=1
like '... is refused' "$(cat "$err")" '^error: SQUASH: by ROUTE=archive'
for version in 1.29.0 1.9.2 nonsense; do
	export FAKE_SMOLVM_VERSION=$version
	[ $version != nonsense ] || export FAKE_SMOLVM_VERSION=1.29.0-rc1
	must_fail "smolvm $version" run_make smolmachine IMAGE="$image" FORCE=1
	like '... is refused' "$(cat "$err")" '^error: ROUTE: .*takes no archive, as smolvm does from 1\.29\.1 on'
done
export FAKE_SMOLVM_VERSION=1.29.1
ok 'the first that takes one' packed FORCE=1
is '... by us: auto does not' "$(FAKE_SMOLVM_VERSION=1.32.2 run_make smolmachine IMAGE="$image" FORCE=1 ROUTE=auto && record .reference | cut -c1-9)" 127.0.0.1

topic 'A smolvm that pulls on the host'
# names what it packed by the digest of the manifest that it was served: not in any release up to 1.32.2
export ROUTE=direct
must_fail 'a name that nobody can check' env FAKE_SMOLVM_FAULT=local-other "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" FORCE=1
like '... is refused in a sentence' "$(cat "$tmp/.log")" 'names what it packed .local:.*nothing shows that this is the image.*give another ROUTE'
export FAKE_SMOLVM_FAULT=local-manifest
ok 'the digest of the manifest' packed FORCE=1
is '... is the reference then' "$(record .reference | cut -c1-6)" local:
ok '... and a hit' run_make smolmachine IMAGE="$image"
done_testing
