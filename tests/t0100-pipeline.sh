#!/bin/sh
# t0100-pipeline: a miss, a hit, a changed Dockerfile, on a real engine and a real registry.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
calls() { # VERB : how often the engine was asked for it since the last forget
	grep -c "^$1" "$FAKE_DOCKER_LOG" 2>/dev/null
}
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG" 2>/dev/null; }
forget() { rm -f "$FAKE_DOCKER_LOG" "$FAKE_SMOLVM_LOG" && : >"$FAKE_DOCKER_LOG" && : >"$FAKE_SMOLVM_LOG"; }
forget

must make_context agent
echo "$image" >>"$tmp/.images"
must run_make image-id IMAGE="$image" CONTEXT="$context"
id16=$(cat "$out")
# What the image is called by others: the engine's ID, and the config digest by its own export.
engine_id=$(docker image inspect -f '{{.Id}}' "$image")
config=$(docker save "$image" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "")')
id=sha256:$config
sidecar=$CACHE_DIR/$id16.smolmachine.smolmachine
# Docker's containerd store: a private name holds what was built, and goes again
if [ -e "$CACHE_DIR/.id/containerd" ]; then hit='build rmi '; else hit='build '; fi
forget

is 'the name of the machine is the config digest, whatever the engine calls the image' "$id16" "$(printf %.16s "$config")"

topic 'a miss'
ok 'a miss builds and packs' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'stdout is the path of the sidecar and nothing else' "$(cat "$out")" "$sidecar"
ok 'the sidecar is there, and whole' "$top/cache/bin/verify-machine" "$sidecar"
ok 'the launcher is beside it, and a program' test -x "$CACHE_DIR/$id16.smolmachine"
is 'the folder of the machines is private' "$(stat -c %a "$CACHE_DIR")" 700
grep -E '^(build|tag|push)' "$FAKE_DOCKER_LOG" | sed 's/ .*//' >"$tmp/order"
printf '%s\n' build tag push >"$tmp/expected"
same 'build, tag and push come once each, in this order' "$tmp/order" "$tmp/expected"
is 'it is packed once' "$(packs)" 1
name=${image%:*}
reference=$(sed -n 's/^push //p' "$FAKE_DOCKER_LOG")
like 'the reference is host, port, repository path of the image and ID' "$reference" \
	"^127\.0\.0\.1:[0-9]+/$name:$id16\$"
is 'the reference that was tagged is that which is pushed' "$(sed -n "s/^tag $engine_id //p" "$FAKE_DOCKER_LOG")" "$reference"
like 'and that which is packed' "$(cat "$FAKE_SMOLVM_LOG")" "$reference"
like 'the registry listens on loopback only' "$(grep '^run' "$FAKE_DOCKER_LOG")" '--publish=127\.0\.0\.1::5000 '
jq -r '[.image_id, .image, .reference, .smolvm_version, (.options | length),
	(.seconds | keys | sort | join(" ")), (.sizes | keys | join(" "))] | map(tostring) | join("\n")' \
	"$CACHE_DIR/$id16.json" >"$tmp/record"
cat >"$tmp/expected" <<-EOF
	$id
	$image
	$reference
	1.9.2
	0
	build pack push registry tag
	launcher sidecar
EOF
same 'the record tells image, reference, version, options, seconds and sizes' "$tmp/record" "$tmp/expected"
assert_nothing_left 'nothing is left of the run'

topic 'a hit'
forget
inode=$(stat -c '%i %y' "$sidecar")
began=$(date +%s)
ok 'a second make is a hit' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'it answers the same' "$(cat "$out")" "$sidecar"
[ $(($(date +%s) - began)) -ge 2 ] || # a slow build is shown
	like 'it says that it is one' "$(cat "$err")" '^  CACHED  '
	is '... and nothing else' "$(told)" ''
is 'it asks the engine for a build and for nothing else' "$(sed 's/ .*//' "$FAKE_DOCKER_LOG" | tr '\n' ' ')" "$hit"
is 'it packs nothing' "$(packs)" 0
is 'it touches nothing' "$(stat -c '%i %y' "$sidecar")" "$inode"
ok 'a hit needs neither smolvm nor a registry image' \
	run_make smolmachine IMAGE="$image" CONTEXT="$context" SMOLVM=/nonexistent REGISTRY_IMAGE=no/such
forget
ok 'without CONTEXT the image is only inspected' run_make smolmachine IMAGE="$image"
is 'once' "$(sed 's/ -.*//; s/ smolmake.*//' "$FAKE_DOCKER_LOG")" 'image inspect'
ok 'the ID of the image will do for a name' run_make smolmachine IMAGE="$engine_id"
is 'and means the same machine' "$(cat "$out")" "$sidecar"

topic 'a changed Dockerfile, and back'
cp "$context/Dockerfile" "$tmp/Dockerfile.A"
echo 'ENV CHANGED=1' >>"$context/Dockerfile"
forget
ok 'a changed Dockerfile is a miss' run_make smolmachine IMAGE="$image" CONTEXT="$context"
isnt 'with another machine' "$(cat "$out")" "$sidecar"
is 'packed once' "$(packs)" 1
cp "$tmp/Dockerfile.A" "$context/Dockerfile"
forget
ok 'A -> B -> A' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'is a hit' "$(packs) $(cat "$out")" "0 $sidecar"

topic 'two names, one ID'
forget
docker tag "$image" "smolmake-test/other-$mine:v2"
echo "smolmake-test/other-$mine:v2" >>"$tmp/.images"
rm -f "$sidecar"
ok 'two names of one image are packed' run_make -j4 smolmachine IMAGES="$image smolmake-test/other-$mine:v2"
is 'once' "$(packs)" 1
is 'and answered twice' "$(cat "$out")" "$sidecar
$sidecar"
ok 'one name twice is asked for once' run_make -j4 smolmachine IMAGES="$image $image"
is 'and answered twice, without another word' "$(cat "$out")$(told)" "$sidecar
$sidecar"

topic "the first version's reference"
rm -f "$sidecar"
forget
ok 'REGISTRY_HOST=localhost' run_make smolmachine IMAGE="$image" REGISTRY_HOST=localhost
like 'gives the first version its reference' "$(sed -n 's/^push //p' "$FAKE_DOCKER_LOG")" "^localhost:[0-9]+/$name:$id16\$"

topic "a Dockerfile that is a link: <name>.dockerignore goes by the link's own name"
must mkdir -p "$tmp/linked"
must ln -s "$context/Dockerfile" "$tmp/linked/agent.dockerfile"
must ln -s "$context" "$tmp/linked/context"
forget
ok 'a Dockerfile and a CONTEXT that are links' run_make smolmachine IMAGE="$image" CONTEXT="$tmp/linked/context" \
	DOCKERFILE="$tmp/linked/agent.dockerfile"
like '... the Dockerfile is named as it was given' "$(grep '^build' "$FAKE_DOCKER_LOG")" "--file=$tmp/linked/agent.dockerfile "
like '... and the CONTEXT' "$(grep '^build' "$FAKE_DOCKER_LOG")" " $tmp/linked/context\$"

topic 'image-id'
ok 'image-id builds' run_make image-id IMAGE="$image" CONTEXT="$context"
is 'and prints 16 hex digits' "$(cat "$out")" "$id16"

topic 'OUT and pack options'
ok 'OUT' run_make smolmachine IMAGE="$image" OUT="$tmp/out put"
ok 'puts the sidecar there' cmp "$sidecar" "$tmp/out put.smolmachine"
ok 'and the launcher' cmp "$CACHE_DIR/$id16.smolmachine" "$tmp/out put"
forget
ok 'a hit stays a hit after it' run_make smolmachine IMAGE="$image" OUT="$tmp/out put"
is 'without a pack' "$(packs)" 0
echo 'cpus = 2' >"$tmp/Smolfile"
ok 'options' run_make smolmachine IMAGE="$image" CPUS=2 MEM=1024 ENTRYPOINT='/bin/sh -c "x  y"' SMOLFILE="$tmp/Smolfile"
with=$(cat "$out")
like 'give the machine a name of its own' "$with" "/$id16-[0-9a-f]{8}\.smolmachine\.smolmachine\$"
is 'and reach the packer whole' "$("$top/cache/bin/verify-machine" "$with" >/dev/null &&
	jq -c .options "${with%.smolmachine.smolmachine}.json")" \
	"$(jq -cn --arg f "$(realpath "$tmp/Smolfile")" \
		'{CPUS:"2",ENTRYPOINT:"/bin/sh -c \"x  y\"",MEM:"1024",SMOLFILE:$f}')"
echo 'cpus = 3' >"$tmp/Smolfile"
ok 'a Smolfile with another content' run_make smolmachine IMAGE="$image" CPUS=2 MEM=1024 ENTRYPOINT='/bin/sh -c "x  y"' SMOLFILE="$tmp/Smolfile"
isnt 'is another machine' "$(cat "$out")" "$with"
ok 'the default packing is still there' test -e "$sidecar"

topic 'a smolvm before 1.7 wants the same names'
rm -f "$sidecar"
export FAKE_SMOLVM_VERSION=0.8.0
ok 'smolvm 0.8' run_make smolmachine IMAGE="$image"
is 'makes the same pair of files' "$(cat "$out") $(test -x "$CACHE_DIR/$id16.smolmachine" && echo yes)" "$sidecar yes"

assert_nothing_left 'nothing is left of all that'
done_testing
