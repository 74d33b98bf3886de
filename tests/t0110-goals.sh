#!/bin/sh
# t0110-goals: several images, the images file, and Make's own flags: -j -k -n -q -t -s V=1 V=2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
forget() { rm -f "$FAKE_DOCKER_LOG" "$FAKE_SMOLVM_LOG" && : >"$FAKE_DOCKER_LOG" && : >"$FAKE_SMOLVM_LOG"; }
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
runs() { grep -c '^run' "$FAKE_DOCKER_LOG"; }

for n in one two three four; do
	must make_image "$n" # one after the other: built in parallel for the first time, each would find another's steps later
	eval "$n=\$image"
done
printf 'ARG A\nARG B\nENV A="$A" B="$B"\n' >>"$tmp/context/two/Dockerfile"
# shellcheck disable=SC2154 # set by the eval above
jq -n --arg one "$one" --arg two "$two" --arg three "$three" --arg four "$four" '{images: [
	{image: $one, context: "context/one"},
	{image: $two, context: "context/two", build_args: {A: "with  blanks", B: "$(touch pwned)"}},
	{image: $three, context: "context/three", dockerfile: "context/three/Dockerfile", cpus: 2},
	{image: $four, context: "context/four"}]}' >"$tmp/images.json"
file=IMAGES_FILE="$tmp/images.json"

forget
ok 'an images file is packed under -j4' run_make -j4 smolmachines "$file"
is 'all four' "$(packs)" 4
is 'behind one registry' "$(runs)" 1
cp "$out" "$tmp/first"
ok 'each path is there' xargs -d '\n' -a "$tmp/first" ls
is 'in the order of the file' "$(jq -r .image <"$(sed -n 2p "$tmp/first" | sed 's/\.smolmachine\.smolmachine$/.json/')")" "$two"
like 'an option in the file counts' "$(sed -n 3p "$tmp/first")" '/[0-9a-f]{16}-[0-9a-f]{8}\.smolmachine'
is 'build arguments arrive as they are' \
	"$(docker image inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$two" | grep '^[AB]=')" 'A=with  blanks
B=$(touch pwned)'
forget
ok 'again' run_make smolmachines "$file"
is 'is four hits' "$(packs) $(runs)" '0 0'
same 'with the same answer' "$out" "$tmp/first"

topic '-n, -q, -t, -s, V'
forget
echo 'ENV MORE=1' >>"$tmp/context/one/Dockerfile"
ok '-n' run_make -n smolmachines "$file"
like 'shows builds' "$(cat "$out")" '"\$DOCKER" build .*--iidfile'
rm "$(sed -n 4p "$tmp/first")"
ok '-n for a machine that is not there' run_make -n smolmachines "$file"
like 'shows tag' "$(cat "$out")" '"\$DOCKER" tag'
like 'push' "$(cat "$out")" '"\$DOCKER" push'
like 'and pack' "$(cat "$out")" '"\$SMOLVM" pack create'
expect_code '-q is always 1' 1 run_make -q smolmachines "$file"
must_fail '-t is an error' run_make -t smolmachines "$file"
like 'that says why' "$(cat "$err")" 'empty machines'
for goal in help clean; do
	run_make -n $goal
done
is 'none of them asks the engine or packs' "$(cat "$FAKE_DOCKER_LOG" "$FAKE_SMOLVM_LOG")" ''
ok '-s' run_make -s smolmachines "$file"
is 'is silent but for the answer' "$(cat "$err")" ''
is 'which is four paths' "$(wc -l <"$out")" 4
ok 'V=1' run_make V=1 smolmachine IMAGE="$one" CONTEXT="$tmp/context/one"
like 'prints the commands' "$(cat "$err")" 'with-deadline'
is 'and nothing but the path on stdout' "$(grep -cv '^/' "$out")" 0
echo 'ENV MORE=2' >>"$tmp/context/one/Dockerfile"
ok 'V=2' run_make V=2 smolmachine IMAGE="$one" CONTEXT="$tmp/context/one"
like 'says why each target is remade' "$(cat "$err")" 'target .* (due to|does not exist)'
like 'the path stands alone on stdout' "$(cat "$out")" '^/.*\.smolmachine$'
ok 'a value that looks like flags' run_make smolmachine IMAGE="$one" ENTRYPOINT=sss
like 'does not silence anything' "$(cat "$err")" 'PACK'

topic '-k: a failed build never yields success, the others are finished'
printf 'FROM scratch\nCOPY nothing /\n' >"$tmp/context/two/Dockerfile"
echo 'ENV K=1' >>"$tmp/context/four/Dockerfile"
forget
must_fail 'a failed build fails the run' run_make smolmachines "$file"
is 'and nothing is answered' "$(cat "$out")" ''
is 'nor packed' "$(packs)" 0
like 'it shows what the build said' "$(cat "$err")" 'nothing'
must_fail 'under -k it fails as well' run_make -k -j2 smolmachines "$file"
is 'but the others are finished' "$(wc -l <"$out") $(packs)" '3 1'
ok 'and whole' xargs -d '\n' -a "$out" "$top/cache/bin/verify-machine"
export FAKE_SMOLVM_FAULT=fail
cp "$tmp/context/four/Dockerfile" "$tmp/context/two/Dockerfile"
echo 'ENV K=2' >>"$tmp/context/four/Dockerfile"
must_fail 'a failed pack fails the run' run_make -k -j2 smolmachines "$file"
is 'under -k the hits are answered' "$(wc -l <"$out")" 2
unset FAKE_SMOLVM_FAULT

topic 'values are data all the way'
is 'nothing of a value was executed' "$(ls "$top/pwned" "$tmp/pwned" "$tmp/context/two/pwned" 2>/dev/null)" ''

topic 'compiled once, and again only for a reason'
stamp=$(stat -c %y "$top/cache/bin/image-id")
run_make cache/bin/image-id
is 'a helper is compiled once' "$(stat -c %y "$top/cache/bin/image-id")" "$stamp"

assert_nothing_left 'nothing is left of all that'
done_testing
