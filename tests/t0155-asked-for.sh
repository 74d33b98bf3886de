#!/bin/sh
# t0155-asked-for: a machine is what was asked for: of PLATFORM, SQUASH and the options, whole, for this host, and new with FORCE=1.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_SMOLVM_LOG" && : >"$FAKE_DOCKER_LOG"; }
forget

must make_image agent
case $(uname -m) in aarch64 | arm64) here=arm64 other=amd64 ;; *) here=amd64 other=arm64 ;; esac

# foreign NAME ARCHITECTURE VARIANT: the image once more, as one of another platform
foreign() {
	rm -rf "$tmp/saved"
	mkdir "$tmp/saved" &&
		docker save "$image" | tar -x -C "$tmp/saved" &&
		config=$tmp/saved/$(jq -r '.[0].Config' "$tmp/saved/manifest.json") &&
		jq -c --arg arch "$2" --arg variant "$3" '.architecture = $arch | if $variant == "" then del(.variant) else .variant = $variant end' \
			"$config" >"$tmp/config" &&
		hex=$(sha256sum "$tmp/config" | cut -c1-64) && mv "$tmp/config" "$tmp/saved/$hex.json" &&
		jq -c --arg config "$hex.json" --arg name "$1" '[{Config: $config, RepoTags: [$name], Layers: .[0].Layers}]' \
			"$tmp/saved/manifest.json" >"$tmp/manifest" && cp "$tmp/manifest" "$tmp/saved/manifest.json" &&
		rm -f "$tmp/saved/repositories" "$tmp/saved/index.json" "$tmp/saved/oci-layout" &&
		tar -c -C "$tmp/saved" . | docker load && echo "$1" >>"$tmp/.images"
}
must foreign "smolmake-test/other-$mine:latest" $other ''
must foreign "smolmake-test/arm7-$mine:latest" arm v7
must foreign "smolmake-test/arm-$mine:latest" arm ''
must foreign "smolmake-test/arm6-$mine:latest" arm v6

topic "PLATFORM is the image's, found or built, or there is no machine"
for wrong in "$image linux/$other" "smolmake-test/other-$mine linux/$here" "$image windows/$here" "smolmake-test/arm7-$mine linux/arm/v6" \
	"smolmake-test/arm6-$mine linux/arm" "smolmake-test/arm7-$mine linux/arm64" "$image linux/$here/v9"; do
	name=${wrong% *} platform=${wrong#* }
	must_fail "PLATFORM=$platform for ${name%-*} is refused" run_make smolmachine IMAGE="$name" PLATFORM="$platform"
	like '... with a line that names both platforms and the remedy' "$(grep -v '^make' "$err")" \
		"^error: PLATFORM: $platform was asked for, but '$name' is [a-z0-9/]+; run .* pull --platform=$platform $name.*or give PLATFORM="
	is '... before anything is packed' "$(packs) $(cat "$out")" '0 '
done
for right in "$image linux/$here" "$image Linux/$here" "smolmake-test/other-$mine linux/$other" "smolmake-test/arm7-$mine linux/arm" \
	"smolmake-test/arm-$mine linux/arm/v7" "smolmake-test/arm6-$mine linux/arm/6"; do
	ok "PLATFORM=${right#* } for ${right%-*} is packed" run_make smolmachine IMAGE="${right% *}" PLATFORM="${right#* }"
done
case $here in amd64) same=linux/x86_64 ;; *) same=linux/aarch64/v8 ;; esac
ok "$same is another spelling of linux/$here" run_make smolmachine IMAGE="$image" PLATFORM=$same
must_fail 'image-id is no way around it' run_make image-id IMAGE="$image" PLATFORM=linux/$other

# A builder may not heed it: the engine's own classic one takes what is in its cache.
cat >"$tmp/deaf" <<-EOF
	#!/bin/sh
	n=\$#
	while [ \$n -gt 0 ]; do
		case \$1 in --platform=*) ;; *) set -- "\$@" "\$1" ;; esac
		shift
		n=\$((n - 1))
	done
	exec '$DOCKER' "\$@"
EOF
must chmod +x "$tmp/deaf"
must make_image built 'ENV BUILT=1' # of which there is none of another platform, so that the builder's cache has this one only
export DOCKER_BUILDKIT=0
for turn in first second; do # the second time the engine is not asked what was built
	must_fail "a builder that does not heed PLATFORM, the $turn time" run_make smolmachine IMAGE="$image" CONTEXT="$context" \
		PLATFORM=linux/$other DOCKER="$tmp/deaf"
	like '... is told' "$(cat "$err")" "^error: PLATFORM: linux/$other was asked for, but the build of '$image' made linux/$here; .*PLATFORM=linux/$here"
done
must run_make smolmachine IMAGE="$image" CONTEXT="$context"
must run_make smolmachine IMAGE="$image" CONTEXT="$context" PLATFORM=linux/$here DOCKER="$tmp/deaf"
forget
ok 'the right PLATFORM' run_make smolmachine IMAGE="$image" CONTEXT="$context" PLATFORM=linux/$here DOCKER="$tmp/deaf"
unlike '... is compared without another question to the engine' "$(cat "$FAKE_DOCKER_LOG")" inspect
for memory in "$CACHE_DIR"/.id/*; do # as an older version left it
	must sed -i '3,$d' "$memory"
done
must_fail 'a memory that tells no platform is not believed' run_make smolmachine IMAGE="$image" CONTEXT="$context" \
	PLATFORM=linux/$other DOCKER="$tmp/deaf"
ok '... nor in the way of the right one' run_make smolmachine IMAGE="$image" CONTEXT="$context" PLATFORM=linux/$here DOCKER="$tmp/deaf"
for memory in "$CACHE_DIR"/.id/*; do
	must sed -i '3,$d' "$memory"
done
forget
ok 'without PLATFORM it will do' run_make smolmachine IMAGE="$image" CONTEXT="$context"
unlike '... and the engine is not asked' "$(cat "$FAKE_DOCKER_LOG")" inspect
unset DOCKER_BUILDKIT

topic 'FORCE=1'
must make_image forced 'ENV FORCED=1' 'RUN ["/bin/busybox", "touch", "/second"]'
must run_make smolmachine IMAGE="$image"
sidecar=$(cat "$out")
record=${sidecar%.smolmachine.smolmachine}.json
which() { stat -c '%i %Y %s' "$sidecar"; }
for bad in 0 x yes 01 '1 1'; do
	must_fail "FORCE='$bad' is refused" run_make smolmachine IMAGE="$image" FORCE="$bad"
	like '... with the remedy' "$(cat "$err")" "^error: FORCE: '$bad' is not known; give FORCE=1"
done
forget
before=$(which)
ok 'FORCE= is no FORCE' run_make smolmachine IMAGE="$image" FORCE=
is '... and a hit' "$(packs) $(which)" "0 $before"
ok 'FORCE=1' run_make smolmachine IMAGE="$image" FORCE=1
is '... packs anew' "$(packs) $(cat "$out")" "1 $sidecar"
isnt '... another machine' "$(which)" "$before"
ok '... that is whole' "$top/cache/bin/verify-machine" "$sidecar"
forget
before=$(which)
ok '... and a hit from then on' run_make smolmachine IMAGE="$image"
is '... without a pack' "$(packs) $(which)" "0 $before"
must docker tag "$image" "smolmake-test/again-$mine"
echo "smolmake-test/again-$mine" >>"$tmp/.images"
ok 'several names of one ID' run_make -j4 smolmachine IMAGES="$image smolmake-test/again-$mine $image" FORCE=1
is '... are packed once, and answered each' "$(packs) $(sort -u "$out") $(wc -l <"$out")" "1 $sidecar 3"
jq -n --arg a "$image" --arg b "smolmake-test/again-$mine" '{images: [{image: $a}, {image: $b, cpus: 2}]}' >"$tmp/images.json"
must run_make -j2 smolmachines IMAGES_FILE="$tmp/images.json"
forget
ok 'the images of a file' run_make -j2 -k smolmachines IMAGES_FILE="$tmp/images.json" FORCE=1
is '... are packed anew, each packing once' "$(packs) $(sort -u "$out" | wc -l)" '2 2'
ok 'make -n' run_make -n smolmachine IMAGE="$image" FORCE=1
like '... shows the pack' "$(cat "$out")" 'pack create'

# The old machine is there, whole and a hit, until the new one is.
before=$(which)
for flag in '' -k; do
	must_fail "a pack that fails under FORCE=1 $flag" env FAKE_SMOLVM_FAULT=fail "$top/tests/make" -C "$top" --no-print-directory $flag smolmachine \
		IMAGE="$image" FORCE=1
	like '... by smolvm'"'s fault"'' "$(cat "$tmp/.log")" 'export layer: failed'
	is '... leaves the old machine' "$(which)" "$before"
	forget
	ok '... which is a hit' run_make smolmachine IMAGE="$image"
	is '... as it was' "$(packs) $(which)" "0 $before"
done
env FAKE_SMOLVM_FAULT=fail "$top/tests/make" -s -C "$top" -k smolmachine IMAGE="$image" FORCE=1 >"$tmp/answer" 2>/dev/null
is 'nor is it the answer of the make that failed' "$(cat "$tmp/answer")" ''
mkdir "$tmp/latch"
forget
export FAKE_SMOLVM_LATCH="$tmp/latch"
start_make smolmachine IMAGE="$image" FORCE=1
must wait_for '[ -n "$(ls "$tmp/latch")" ]' 60
unset FAKE_SMOLVM_LATCH
cp "$out" "$tmp/.out"
ok 'while another is packed in its place' "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image"
is '... the old one is a hit' "$(which)" "$before"
"$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" FORCE=1 >"$tmp/waiting.out" 2>"$tmp/waiting" &
waiting=$!
must wait_for 'grep -q "waiting for" "$tmp/waiting"' 60
: >"$tmp/latch/go"
ok 'the pack ends' finish_make 60
ok 'and with it who waited for it' wait $waiting
is '... whose machine is that one: it was packed once' "$(packs) $(cat "$tmp/waiting.out")" "1 $sidecar"
isnt '... and is a new one' "$(which)" "$before"

topic 'SQUASH is one for hits too'
is 'an image of two layers' "$(docker image inspect -f '{{len .RootFS.Layers}}' "$image")" 2
export FAKE_SMOLVM_VERSION=1.17.0
squash() { # SQUASH PACKS WHAT
	forget
	ok "SQUASH=$1, $3" run_make smolmachine IMAGE="$image" SQUASH="$1"
	is "... is $2 packs" "$(packs | sed 's/[2-9]/1/')" "$2" # the first of a smolvm may be tried twice, for its floor
}
must run_make smolmachine IMAGE="$image" SQUASH=0 FORCE=1
squash 0 0 'of several layers'
squash '' 0 'of several layers'
squash 1 1 'of several layers'
squash 1 0 'of one layer'
squash '' 0 'of one layer'
squash 0 1 'of one layer'
squash 0 0 'of several layers again'
must sh -c 'jq "del(.one_layer)" "$1" >"$1.new" && mv "$1.new" "$1" && chmod 600 "$1"' sh "$record"
squash 0 0 'where an older version told nothing of layers'
squash '' 0 'where an older version told nothing of layers'
squash 1 1 'where an older version told nothing of layers'
squash 1 0 'once it is told'

topic 'an upgrade of smolvm'
forget
FAKE_SMOLVM_VERSION=1.32.2
ok 'a machine of an older smolvm' run_make smolmachine IMAGE="$image"
is '... is a hit' "$(packs) $(cat "$out")" "0 $sidecar"
line="^find-machines: the machine of '$image' was packed by smolvm 1.17.0, and installed is smolvm 1.32.2; FORCE=1 packs it anew\$"
like '... and told of, with the way to renew it' "$(cat "$err")" "$line"
is '... in one line' "$(told | grep -c .)" 1
ok 'the next time' run_make smolmachine IMAGES="$image smolmake-test/again-$mine"
is '... again, once' "$(grep -cE "$line" "$err") $(told | grep -c .)" '1 1'
must run_make smolmachines IMAGES_FILE="$tmp/images.json"
like 'several are one line too' "$(cat "$err")" "^find-machines: 2 machines were packed by an older smolvm .*; FORCE=1 packs them anew\$"
is '... and no other' "$(told | grep -c .)" 1
FAKE_SMOLVM_VERSION=1.9.2
must run_make smolmachine IMAGE="$image"
is 'an older smolvm than the machine is no upgrade' "$(told)" ''
ok 'a hit still needs no smolvm' run_make smolmachine IMAGE="$image" SMOLVM=/nonexistent
is '... and tells nothing of one' "$(told)" ''
fake_program "$tmp/counted" "echo asked >>'$tmp/asked'
exec '$SMOLVM' \"\$@\""
FAKE_SMOLVM_VERSION=1.32.2
: >"$tmp/asked"
for turn in 1 2 3; do
	must run_make smolmachine IMAGE="$image" SMOLVM="$tmp/counted"
	like "hit $turn tells of it" "$(cat "$err")" "$line"
done
is '... and smolvm is asked once' "$(wc -l <"$tmp/asked")" 1
must touch "$tmp/counted"
must run_make smolmachine IMAGE="$image" SMOLVM="$tmp/counted"
is '... and again when it is another file' "$(wc -l <"$tmp/asked")" 2
fake_program "$tmp/dumb" 'exit 3'
must run_make smolmachine IMAGE="$image" SMOLVM="$tmp/dumb"
is 'a smolvm that does not say is no reason for a word' "$(told)" ''
must run_make smolmachine IMAGE="$image" FORCE=1
must run_make smolmachine IMAGE="$image"
is 'FORCE=1 renews it, and no more is said' "$(told) $(jq -r .smolvm_version "$record")" ' 1.32.2'

topic 'a cache of another kind of host'
forget
mkdir "$tmp/bin"
fake_program "$tmp/bin/uname" '[ "$1" = -m ] && echo riscv64 || echo Linux'
must env PATH="$tmp/bin:$PATH" "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" FORCE=1
must grep -aq '"host_platform": "linux/riscv64"' "$sidecar"
forget
ok 'a machine that another kind of host packed' run_make smolmachine IMAGE="$image"
is '... is packed anew' "$(packs)" 1
like '... which is said' "$(cat "$err")" 'cannot be used: it was packed on linux/riscv64, and runs there only; this is linux/'
forget
ok '... and then a hit' run_make smolmachine IMAGE="$image"
is '... without a pack' "$(packs)" 0

topic 'the launcher is the one that was published'
launcher=${sidecar%.smolmachine}
size=$(stat -c %s "$launcher")
printf X | dd of="$launcher" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
forget
ok 'a launcher of other bytes and equal size' run_make smolmachine IMAGE="$image"
is '... is no hit' "$(packs)" 1
like '... which is said' "$(cat "$err")" 'is not whole: its launcher has other bytes than the one that was published; it is packed anew'
must sh -c 'jq "del(.launcher_sha256)" "$1" >"$1.new" && mv "$1.new" "$1" && chmod 600 "$1"' sh "$record"
rm -rf "$CACHE_DIR/.verified"
forget
ok 'a record without its hash, as older versions wrote' run_make smolmachine IMAGE="$image"
is '... is a hit' "$(packs)" 0

topic 'options that only the record tells apart'
must run_make smolmachine IMAGE="$image" CPUS=3
with=$(cat "$out")
with=${with%.smolmachine.smolmachine}.json
must sh -c 'jq ".options.CPUS = \"4\"" "$1" >"$1.new" && mv "$1.new" "$1" && chmod 600 "$1"' sh "$with"
must_fail 'a hit whose record has other options is an error' run_make smolmachine IMAGE="$image" CPUS=3
like '... that says so' "$(cat "$err")" "^error: '$CACHE_DIR/.*' was packed with CPUS='4', and CPUS='3' is asked for.*move it away"
must rm "$with"
forget
ok 'options without a record' run_make smolmachine IMAGE="$image" CPUS=3
is '... are no hit: nothing tells what they are' "$(packs)" 1
assert_nothing_left 'nothing is left of all that'
done_testing
