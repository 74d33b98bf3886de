#!/bin/sh
# Many makes at once: 50 on one image, then 20 over overlapping sets of images. Each image is packed once, every answer is right.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need jq skopeo
need_engine

packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
path_of() { # IMAGE: of its machine
	docker image inspect -f '{{.Id}}' "$1" | sed "s,^sha256:\(.\{16\}\).*,$CACHE_DIR/\1.smolmachine.smolmachine,"
}
export REGISTRY_TIMEOUT=60

must make_image one
must run_make image-id IMAGE="$image" # the helpers are compiled, so that none of the makes has to
n=50 pids='' bad=0
for i in $(seq $n); do
	timeout 400 "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" >"$tmp/one.$i" 2>"$tmp/one.err.$i" &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
is "$n makes on one image: all succeed" "$bad" 0 || cat "$tmp"/one.err.* >&2
is '... with one pack' "$(packs)" 1
is "... and $n equal answers, the right one" "$(cat "$tmp"/one.[0-9]* | tr " " "+" | sort | uniq -c | awk '{ print $1, $2 }')" \
	"$n $(path_of "$image" | tr " " "+")"
assert_nothing_left '... and nothing is left' 3

# Set i has the images i, i+1, i+3 and i+7, counted round: each image is in four sets.
images=20 makes=20
set --
for i in $(seq $images); do
	must make_image "set$i"
	set -- "$@" "$image"
done
: >"$FAKE_SMOLVM_LOG"
for i in $(seq $makes); do
	for step in 0 1 3 7; do
		eval "printf '%s\n' \"\${$(((i + step) % images + 1))}\""
	done >"$tmp/wanted.$i"
done
pids='' bad=0
for i in $(seq $makes); do
	timeout 800 "$top/tests/make" -s -j8 -C "$top" smolmachine IMAGES="$(tr '\n' ' ' <"$tmp/wanted.$i")" >"$tmp/set.$i" 2>"$tmp/set.err.$i" &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
is "$makes makes over overlapping sets of $images images, -j8: all succeed" "$bad" 0 || cat "$tmp"/set.err.* >&2
is '... each image is packed once' "$(sed -n 's/.* start [0-9]* //p' "$FAKE_SMOLVM_LOG" | sed 's/.*://' | sort | uniq -c |
	awk '{ print $1 }' | sort | uniq -c | awk '{ print $1, $2 }')" "$images 1"
wrong=''
for i in $(seq $makes); do
	while read -r name; do path_of "$name"; done <"$tmp/wanted.$i" >"$tmp/expected"
	cmp -s "$tmp/expected" "$tmp/set.$i" || wrong="$wrong $i"
done
is '... every answer is right' "$wrong" ''
assert_nothing_left '... and nothing is left' 3
done_testing
