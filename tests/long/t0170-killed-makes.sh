#!/bin/sh
# Eight makes at once, one of them killed (SIGKILL) every second for half a minute, on both routes: the others all succeed, though
# each new one sweeps beside live ones, and nothing is left in the end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need jq skopeo
need_own_engine
export REGISTRY_TIMEOUT=60 FAKE_SMOLVM_FAULT=slow=2 # so that most of them are in the middle of something

slots=8 seconds=30
for slot in $(seq $slots); do
	must make_image "slot$slot"
	echo "$image" >"$tmp/image.$slot"
done
must run_make image-id IMAGE="$image"

# One slot: a miss after the other, until there is $tmp/stop. Each leaves "STATUS" or, where it was killed, "killed".
slot() { # NUMBER
	out=$tmp/out.$1 err=$tmp/err.$1
	route=push
	[ $(($1 % 2)) = 0 ] || route=direct
	read -r image <"$tmp/image.$1"
	id=$(docker image inspect -f '{{.Id}}' "$image" | cut -c 8-23)
	until [ -e "$tmp/stop" ]; do
		rm -f "$CACHE_DIR/$id".* "$tmp/killed.$1"
		start_make smolmachine IMAGE="$image" ROUTE=$route
		echo "$make_pid" >"$tmp/pid.$1"
		finish_make 120
		rm -f "$tmp/pid.$1"
		if [ -e "$tmp/killed.$1" ]; then
			echo killed
		else
			echo "$rc"
			[ "$rc" = 0 ] || sed "s/^/slot $1: /" "$err" >&2
		fi >>"$tmp/ends.$1"
	done
}
for slot in $(seq $slots); do
	slot "$slot" 2>>"$tmp/failed" &
	pids="${pids-} $!"
done
killed=0 slot=0
for _ in $(seq $seconds); do
	sleep 1
	slot=$((slot % slots + 1))
	[ -s "$tmp/pid.$slot" ] || continue
	: >"$tmp/killed.$slot"
	! kill -s KILL "$(cat "$tmp/pid.$slot")" 2>/dev/null || killed=$((killed + 1))
done
: >"$tmp/stop"
for pid in $pids; do wait "$pid"; done
cat "$tmp"/ends.* >"$tmp/ends"
succeeded=$(grep -c '^0$' "$tmp/ends")
ok "$killed makes are killed, about one a second" test "$killed" -ge $((seconds * 2 / 3))
is "the others, $succeeded of them, all succeed" "$(grep -vcE '^(0|killed)$' "$tmp/ends")" 0 || diag_file 'their stderr' "$tmp/failed"
ok '... and these are some' test "$succeeded" -ge $slots
unset FAKE_SMOLVM_FAULT
ok 'one more make' run_make smolmachine IMAGE="$image"
assert_nothing_left 'leaves nothing' 3
is '... in the engine neither' "$(docker ps -aq; docker volume ls -q)" ''
is '... nor a reference by digest' "$(docker image ls -a --digests --format '{{.Repository}}@{{.Digest}}' | grep '^127\.')" ''
done_testing
