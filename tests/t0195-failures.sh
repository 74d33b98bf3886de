#!/bin/sh
# t0195-failures: the last lines name each image that failed as the user typed it, the step and the reason, and count; who waited
# for a pack that fails takes its failure; a program that fails without a word is told with its status and the remedy.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

export DOCKER="$top/tests/fake/docker"
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG" 2>/dev/null; }
last() { grep -v '^make' "$err" | tail -n "${1-1}"; } # what is ours in the end
make_image one && one=$image && make_image two && two=$image && make_image three && three=$image && make_image four && four=$image ||
	exit 1

topic 'One image'
must_fail 'an image that is not there' run_make smolmachine IMAGE="smolmake-test/none-$mine"
like '... is named in the last line, as it was typed' "$(last)" \
	"^1 of 1 failed: smolmake-test/none-$mine: identify: IMAGE: there is no image 'smolmake-test/none-$mine'"
must_fail 'a name that docker 20.10 does not know' run_make smolmachine IMAGE='[::1]:5000/none'
like '... is no name of an option or a file either' "$(last)" "^1 of 1 failed: \[::1\]:5000/none: identify: IMAGE: there is no image '\[::1\]:5000/none'"
must mkdir "$tmp/broken"
printf 'FROM %s\nRUN echo some output && echo cause >&2 && exit 7\n' "$one" >"$tmp/broken/Dockerfile"
broken=smolmake-test/broken-$mine:1
must_fail 'a build that fails' run_make smolmachine IMAGE="$broken" CONTEXT="$tmp/broken"
like '... is told by what docker build said last' "$(last)" "^1 of 1 failed: $broken: build: .*(returned a non-zero code: 7|exit code: 7)"
is '... and its output is shown once, after its name' "$(grep -c "^$broken: Step 2/2" "$err")" 1
printf 'FROM %s\nRUN exit 137\n' "$one" >"$tmp/broken/Dockerfile.killed"
must_fail 'a step of it that is killed' run_make smolmachine IMAGE="$broken" CONTEXT="$tmp/broken" DOCKERFILE="$tmp/broken/Dockerfile.killed"
like '... is said to be' "$(last)" "^1 of 1 failed: $broken: build: .*137.*; 137 is a kill: is memory short, or was the engine stopped\\?"
must_fail '... under -s too' run_make -s smolmachine IMAGE="$broken" CONTEXT="$tmp/broken"
like '...' "$(last)" "^1 of 1 failed: $broken: build: "
must_fail 'image-id' run_make image-id IMAGE="$broken" CONTEXT="$tmp/broken"
like '... has the same end' "$(last)" "^1 of 1 failed: $broken: build: "
for fault in fail enospc; do
	export FAKE_SMOLVM_FAULT=$fault
	must_fail "a pack that fails ($fault)" run_make smolmachine IMAGE="$one"
	like '... is told by what smolvm said last' "$(last)" "^1 of 1 failed: $one: pack: .*(Input/output error|No space left)"
done
like '... with the room that is left, and the setting' "$(last)" "MB are free at '$CACHE_DIR': make room there, or give another CACHE_DIR"
export FAKE_SMOLVM_FAULT=odd-layer FAKE_SMOLVM_VERSION=1.32.2
must_fail 'an image with a layer that smolvm does not unpack' run_make smolmachine IMAGE="$one"
like '... fails with what helps' "$(cat "$err")" '^error: SQUASH: smolvm cannot unpack a layer of this image; SQUASH=1 packs it as one layer$'
like '... which the last line has too' "$(last)" '^1 of 1 failed: .*layer extraction failed.*; SQUASH=1 packs it as one layer$'
unset FAKE_SMOLVM_VERSION
export FAKE_SMOLVM_FAULT=wrong-crc
must_fail 'a sidecar that is not whole' run_make smolmachine IMAGE="$one"
like '... fails at verify' "$(last)" "^1 of 1 failed: $one: verify: SMOLVM: .*left a sidecar that is not whole"
unset FAKE_SMOLVM_FAULT
for verb in tag push; do
	export FAKE_DOCKER_FAULT=$verb:fail
	must_fail "docker $verb fails" run_make smolmachine IMAGE="$one" ROUTE=push SQUASH=0
	like '... and the step is named' "$(last)" "^1 of 1 failed: $one: $verb: Error response from daemon: $verb: no luck today"
done
unset FAKE_DOCKER_FAULT
must_fail 'what cannot be put at OUT' run_make smolmachine IMAGE="$one" OUT=/proc/none
isnt '... says something' "$(last)" ''

topic 'Time-outs: which image, which setting'
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=hang
must_fail 'a pack that takes too long' run_make smolmachine IMAGE="$one" PACK_TIMEOUT=3
like '... names image, program, seconds and setting' "$(last)" \
	"^1 of 1 failed: $one: pack: '.*smolvm' did not end within 3 s and was stopped; give a larger PACK_TIMEOUT\$"
unset FAKE_SMOLVM_FAULT
export FAKE_DOCKER_FAULT=build:hang
must_fail 'a build that takes too long' run_make smolmachine IMAGE="$broken" CONTEXT="$tmp/broken" BUILD_TIMEOUT=2
like '... names image, program, seconds and setting' "$(last)" \
	"^1 of 1 failed: $broken: build: '.*docker' did not end within 2 s and was stopped; give a larger BUILD_TIMEOUT\$"
unset FAKE_DOCKER_FAULT

topic 'Several'
: >"$FAKE_SMOLVM_LOG"
none=smolmake-test/none-$mine:v9
must_fail 'one of four that is not there' run_make -k -j4 smolmachine IMAGES="$one $none $two $three"
like '... is the last line' "$(last)" "^1 of 4 failed: $none: identify: "
is '... and the others are packed' "$(packs) $(wc -l <"$out")" '3 3'
rm -f "$CACHE_DIR"/*.smolmachine
must_fail 'two of four, under -j' run_make -k -j4 smolmachine IMAGES="$four $none $one smolmake-test/nil-$mine"
last 3 >"$tmp/lines"
like '... are named in the order of the user, and counted' "$(sed 's/: IMAGE:.*//' "$tmp/lines" | tr '\n' '|')" \
	"^  FAILED  $none: identify\\|  FAILED  smolmake-test/nil-$mine: identify\\|2 of 4 failed: $none, smolmake-test/nil-$mine\\|\$"
cat >"$tmp/images.json" <<END
{"images": [{"image": "$one"}, {"image": "$broken", "context": "broken"}, {"image": "$two"}, {"image": "$three"}]}
END
must_fail 'an images file with a build that fails, -j4' run_make -j4 smolmachines IMAGES_FILE="$tmp/images.json"
like '... ends with it' "$(last)" "^1 of 4 failed: $broken: build: .*code: 7"
must docker tag "$one" "smolmake-test/other-$mine:v2"
echo "smolmake-test/other-$mine:v2" >>"$tmp/.images"
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=fail
must_fail 'two names of one image' run_make -j4 smolmachine IMAGES="$one smolmake-test/other-$mine:v2"
last 3 >"$tmp/lines"
like '... are both named' "$(sed 's/: Error.*//' "$tmp/lines" | tr '\n' '|')" \
	"^  FAILED  $one: pack\\|  FAILED  smolmake-test/other-$mine:v2: pack\\|2 of 2 failed: $one, smolmake-test/other-$mine:v2\\|\$"
unset FAKE_SMOLVM_FAULT

topic 'Without -k: what was not finished is named too'
rm -f "$CACHE_DIR"/*.smolmachine
must_fail 'one that is not there, before two others' run_make smolmachine IMAGES="$none $one $two"
is '... names those that were not finished' "$(last 2 | sed 's/: IMAGE:.*//' | tr '\n' '|')" \
	"not finished, since make stops at a failure (make -k goes on): $one, $two|1 of 3 failed: $none: identify|"
must_fail 'image-id of the same' run_make image-id IMAGES="$none $one"
is '... too' "$(last 2 | sed 's/: IMAGE:.*//' | tr '\n' '|')" \
	"not finished, since make stops at a failure (make -k goes on): $one|1 of 2 failed: $none: identify|"
must_fail 'image-id, one that is there first' run_make image-id IMAGES="$one $none"
unlike '... which is finished' "$(cat "$err")" 'not finished'

topic 'A helper that is killed writes nothing down'
export FAKE_SMOLVM_FAULT=hang
: >"$FAKE_SMOLVM_LOG"
start_make -k smolmachine IMAGES="$one $none"
must wait_for '[ "$(packs)" = 1 ]' 60
pkill -KILL -s "$make_pid" -f 'with-deadline .*-n pack '
finish_make 60
unset FAKE_SMOLVM_FAULT
isnt 'a helper of a pack is killed with KILL: the run fails' "$rc" 0
is '... and names its image, with the step' "$(last 3 | sed 's/: IMAGE:.*//; s/: it ended and left no reason.*/: no reason/' | tr '\n' '|')" \
	"  FAILED  $none: identify|  FAILED  $one: pack: no reason|2 of 2 failed: $none, $one|"

topic 'A program that fails without a word'
fake_program "$tmp/silent" 'exit 1'
must_fail 'a smolvm that says nothing' run_make smolmachine IMAGE="$one" SMOLVM=/bin/false
like '... is told with command, status and remedy' "$(grep '^error' "$err")" \
	"^error: SMOLVM: '/bin/false --version' ended with 1 and said nothing; .*give another SMOLVM"
like '... and so is its end' "$(last)" "^1 of 1 failed: $one: pack: '/bin/false --version' ended with 1 and said nothing"
fake_program "$tmp/mute" "case \$1 in --version) echo smolvm 1.17.0 ;; *) exit 5 ;; esac"
must_fail 'one that packs nothing and says nothing' run_make smolmachine IMAGE="$one" SMOLVM="$tmp/mute"
like '... too' "$(last)" "^1 of 1 failed: $one: pack: '$tmp/mute pack create' ended with 5 and said nothing; .*SMOLVM"
fake_program "$tmp/docker" "case \$1 in build) exit 9 ;; *) exec docker \"\$@\" ;; esac"
must_fail 'a docker build that says nothing' run_make smolmachine IMAGE="$broken" CONTEXT="$tmp/broken" DOCKER="$tmp/docker"
like '... too' "$(last)" "^1 of 1 failed: $broken: build: '$tmp/docker build' ended with 9 and said nothing; .*DOCKER"
fake_program "$tmp/docker" "case \$1 in push) exit 9 ;; *) exec docker \"\$@\" ;; esac"
must_fail 'a docker push that says nothing' run_make smolmachine IMAGE="$one" DOCKER="$tmp/docker" ROUTE=push SQUASH=0
like '... too' "$(last)" "^1 of 1 failed: $one: push: '$tmp/docker push .*' ended with 9 and said nothing; .*DOCKER"
mkdir "$tmp/bin"
fake_program "$tmp/bin/jq" 'exit 3'
must_fail 'a jq that says nothing' env PATH="$tmp/bin:$PATH" "$top/tests/make" --no-print-directory -C "$top" smolmachines IMAGES_FILE="$tmp/images.json"
like '... too' "$(cat "$tmp/.log")" "^error: IMAGES_FILE: '.*': 'jq --join-output' ended with 3 and said nothing"

topic 'A container that nobody asked for is not blamed on REGISTRY_IMAGE'
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_DOCKER_FAULT=pull:fail
must_fail 'ROUTE=push with an engine that cannot reach us, and no registry image here' run_make smolmachine IMAGE="$one" ROUTE=push REGISTRY_IMAGE=
like '... is told by ROUTE, the reason and the remedy' "$(last)" \
	"^1 of 1 failed: $one: serve: ROUTE: push takes a registry container where the engine cannot push to us, .*; leave ROUTE out, or give REGISTRY_IMAGE="
unset FAKE_DOCKER_FAULT

topic 'What is missing is told before the build'
must make_context fresh
echo "$image" >>"$tmp/.images"
must_fail 'a build beside no smolvm' run_make smolmachine IMAGE="$image" CONTEXT="$context" SMOLVM=no-smolvm
like '... is begun with a warning' "$(sed '/BUILD/q' "$err")" "^warning: SMOLVM: 'no-smolvm' is not installed.*; get it from .*, or give SMOLVM=<path>"
like '... and ends with the remedy' "$(last)" "^1 of 1 failed: $image: pack: 'no-smolvm' is not installed; get it from .*, or give SMOLVM=<path>"
run_make smolmachine IMAGE="$image" SMOLVM=no-smolvm
unlike 'where nothing is built there is no warning' "$(cat "$err")" warning
ok 'with a smolvm there is none either' run_make smolmachine IMAGE="$image" CONTEXT="$context"
unlike '...' "$(cat "$err")" warning

topic 'A pack that fails while others wait for it'
rm -f "$CACHE_DIR"/*.smolmachine
mkdir "$tmp/latch"
tried=
export FAKE_SMOLVM_LATCH="$tmp/latch"
try() { # NAME ARGUMENT...: in the background; its stderr in err.NAME, its status in status.NAME
	_name=$1
	shift
	(timeout 300 "$top/tests/make" -s -C "$top" smolmachine "$@" 2>"$tmp/err.$_name" >/dev/null; echo $? >"$tmp/status.$_name") &
	tried="$tried $!"
}
finish() { # all that was tried
	# shellcheck disable=SC2086 # a list
	wait $tried
	tried=
}
arrived() { [ -n "$(find "$tmp/latch" -name 'at.*')" ]; }
waiting() { [ "$(grep -l 'waiting for' "$tmp"/err.* 2>/dev/null | wc -l)" = "$1" ]; }
again() { # a pack is held at the latch
	rm -f "$tmp/latch"/* "$tmp"/err.* "$tmp"/status.*
	: >"$FAKE_SMOLVM_LOG"
	try 1 IMAGE="$one"
	must wait_for arrived 60
}
statuses() { cat "$tmp"/status.* | tr '\n' ' '; }
export FAKE_SMOLVM_FAULT=latch-pull,fail
again
for n in 2 3 4 5 6 7; do try $n IMAGE="$one"; done
try 8 IMAGES="$one smolmake-test/other-$mine:v2"
must wait_for 'waiting 7' 100
: >"$tmp/latch/go"
finish
is 'of eight makes on one image whose pack fails all fail' "$(statuses)" '2 2 2 2 2 2 2 2 '
is '... of one pack' "$(packs)" 1
for n in 2 8; do
	like "... and say whose failure it was ($n)" "$(cat "$tmp/err.$n")" \
		"^with-lock: $one: the pack of pid [0-9]+ failed meanwhile: .*Input/output error.*; taken as ours\$"
done
like '... in their last lines too' "$(tail -n 2 "$tmp/err.2")" "^1 of 1 failed: $one: pack: the pack of pid [0-9]+ failed meanwhile: "
like '... for each name' "$(tail -n 2 "$tmp/err.8")" "^2 of 2 failed: $one, smolmake-test/other-$mine:v2\$"
must_fail 'who comes later' run_make smolmachine IMAGE="$one"
is '... packs anew' "$(packs)" 2

again
for n in 2 3; do try $n IMAGE="$one"; done
try longer IMAGE="$one" PACK_TIMEOUT=1801
must wait_for 'waiting 3' 100
: >"$tmp/latch/go"
finish
is 'who waits with other settings packs for itself, the others do not' "$(packs) $(statuses)" '2 2 2 2 2 '
unlike '...' "$(cat "$tmp/err.longer")" 'taken as ours'

again
(unset FAKE_SMOLVM_FAULT && fake_program "$tmp/another" "unset FAKE_SMOLVM_FAULT; exec '$SMOLVM' \"\$@\"")
try other IMAGE="$one" SMOLVM="$tmp/another"
must wait_for 'waiting 1' 100
: >"$tmp/latch/go"
finish
is 'another smolvm packs what the first could not' "$(packs) $(statuses)" '2 2 0 '

rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=latch-pull
again
try 2 IMAGE="$one"
must wait_for 'waiting 1' 100
holder=$(sed -n 's/.*held by pid \([0-9]*\) .*/\1/p' "$tmp/err.2")
kill -s KILL "$holder"
must wait_for '[ "$(packs)" = 2 ]' 60
: >"$tmp/latch/go"
finish
is 'a holder that is killed shares nothing' "$(cat "$tmp/status.2") $(grep -c meanwhile "$tmp/err.2")" '0 0'
unset FAKE_SMOLVM_FAULT FAKE_SMOLVM_LATCH

topic 'Interrupted is not failed'
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=hang
: >"$FAKE_SMOLVM_LOG"
start_make smolmachine IMAGE="$one"
must wait_for '[ "$(packs)" = 1 ]' 30
kill -s INT -- "-$make_pid"
finish_make 30
unlike 'Ctrl-C: nothing is called a failure' "$(cat "$err")" failed
unset FAKE_SMOLVM_FAULT
assert_nothing_left 'nothing is left of all that' 3
done_testing
