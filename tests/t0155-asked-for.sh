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

# --- PLATFORM is the image's, found or built, or there is no machine
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
done_testing
