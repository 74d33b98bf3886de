#!/bin/sh
# t0160-together: separate makes at once: one pack per ID, equal answers, PACK_JOBS, and one who waits is told for whom.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
must make_image one
one=$image
must run_make image-id IMAGE="$one"
key=$(cat "$out")

topic 'many on one image'
n=12 pids=''
for i in $(seq $n); do
	timeout 100 "$top/tests/make" -s -C "$top" smolmachine IMAGE="$one" >"$tmp/out.$i" 2>"$tmp/err.$i" &
	pids="$pids $!"
done
bad=0
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
is "$n makes on one image all succeed" "$bad" 0
is 'with equal answers' "$(cat "$tmp"/out.* | sort | uniq -c | awk '{ print $1 }')" $n
is 'and one pack' "$(packs)" 1

topic 'who waits says for whom'
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=slow=3
start_make smolmachine IMAGE="$one"
ok 'one packs' wait_for "[ \"\$(packs)\" = 2 ]" 60
timeout 100 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$one" >"$tmp/out.w" 2>"$tmp/err.w"
is 'another waits and takes its result' "$? $(packs) $(cat "$tmp/out.w")" "0 2 $CACHE_DIR/$key.smolmachine.smolmachine"
like 'and says for whom: pid, image, since when' "$(cat "$tmp/err.w")" \
	"waiting for '$key', held by pid [0-9]+ \(.*$one.*\), since [0-9:]+"
finish_make 30
unset FAKE_SMOLVM_FAULT

topic 'overlapping sets under -j'
set --
for n in two three four; do
	must make_image $n
	set -- "$@" "$image"
done
: >"$FAKE_SMOLVM_LOG"
rm -f "$CACHE_DIR"/*.smolmachine
pids='' i=0
for set in "$one $1 $2" "$1 $2 $3" "$3 $one" "$2 $3 $1 $one" "$one" "$3 $2"; do
	i=$((i + 1))
	timeout 200 "$top/tests/make" -s -j4 -C "$top" smolmachine IMAGES="$set" >"$tmp/set.$i" 2>"$tmp/set.err.$i" &
	pids="$pids $!"
	printf '%s\n' "$set" >"$tmp/wanted.$i"
done
bad=0
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
is 'six makes over overlapping sets all succeed' "$bad" 0
is 'each image is packed once' "$(sed -n 's/.* start [0-9]* //p' "$FAKE_SMOLVM_LOG" | sed 's/.*://' | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" '1 1 1 1 '
wrong=''
for i in 1 2 3 4 5 6; do
	tr ' ' '\n' <"$tmp/wanted.$i" | while read -r name; do
		id=$(docker image inspect -f '{{.Id}}' "$name")
		printf '%s\n' "$CACHE_DIR/$(printf %.16s "${id#sha256:}").smolmachine.smolmachine"
	done >"$tmp/expected"
	cmp -s "$tmp/expected" "$tmp/set.$i" || wrong="$wrong $i"
done
is 'every answer is right' "$wrong" ''

topic 'PACK_JOBS bounds the packs, however large -j is'
export FAKE_SMOLVM_FAULT=slow=1,no-pull
for jobs in 1 2; do
	rm -f "$CACHE_DIR"/*.smolmachine
	: >"$FAKE_SMOLVM_LOG"
	must run_make -j8 smolmachine IMAGES="$one $1 $2 $3" PACK_JOBS=$jobs
	is "never more than PACK_JOBS=$jobs at once" "$(sort -n "$FAKE_SMOLVM_LOG" | awk '
		$2 == "start" { if (++n > most) most = n }
		$2 == "end" { n-- }
		END { print most }')" $jobs
done
unset FAKE_SMOLVM_FAULT
assert_nothing_left 'nothing is left of all that' 30
done_testing
