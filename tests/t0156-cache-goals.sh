#!/bin/sh
# t0156-cache-goals: what the cache remembers of its machines' use; list, describe, verify, prune, pin, stats, CACHE_MAX.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

goal() { run_make "$@"; }
used() { touch -d "$2" "$CACHE_DIR/.used/$1"; } # KEY WHEN
keys() { (cd "$CACHE_DIR" && ls -1 -- *.smolmachine.smolmachine 2>/dev/null) | sed 's/\.smolmachine\.smolmachine$//' | sort | xargs; }
key_of() { basename "$(cat "$out")" .smolmachine.smolmachine; }

topic 'Nothing is there yet'
for what in list stats verify 'prune KEEP=1'; do
	# shellcheck disable=SC2086 # a goal and its setting
	ok "make $what" goal $what CACHE_DIR="$tmp/none"
	unlike '... says no error' "$(cat "$err")" error
done
must_fail '... and makes nothing' test -e "$tmp/none"
ok 'as JSON' goal list FORMAT=json CACHE_DIR="$tmp/none"
is '... a list' "$(jq length "$out")" 0

topic 'A miss, a hit, another name'
must make_image agent
agent=$image
ok 'a miss' run_make smolmachine IMAGE="$agent"
key=$(key_of)
like '... says what was made, of how many bytes, in how many seconds' "$(cat "$err")" "^  DONE    $agent $key, [0-9.]+ MB in [0-9.]+ s\$"
like '... and how to boot it' "$(cat "$err")" "boot it: '$CACHE_DIR/$key.smolmachine' run\$"
ok 'a hit' run_make smolmachine IMAGE="$agent"
is '... says that' "$(cat "$err")" "  CACHED  $agent $key"
ok 'a hit under -s' run_make -s smolmachine IMAGE="$agent"
is '... says nothing' "$(cat "$err")" ''
docker tag "$agent" "other-$mine:v2"
ok 'the same by another name' run_make smolmachine IMAGE="other-$mine:v2"
ok 'the same by its ID' run_make smolmachine IMAGE="$(docker image inspect --format '{{.Id}}' "$agent")"
ok 'list' goal list FORMAT=json
is '... knows each name once' "$(jq -c '.[0].names' "$out")" "[\"$agent\",\"other-$mine:v2\"]"
is '... and what it is' "$(jq -r '.[0] | "\(.key) \(.image_id) \(.packed_by) \(.pinned) \(.sidecar)"' "$out")" \
	"$key $(docker image inspect --format '{{.Id}}' "$agent") smolvm false $CACHE_DIR/$key.smolmachine.smolmachine"
is '... its bytes are those of both files' "$(jq '.[0].bytes' "$out")" "$(cat "$CACHE_DIR/$key.smolmachine" "$CACHE_DIR/$key.smolmachine.smolmachine" | wc -c)"
for name in "$agent" "other-$mine:v2"; do
	same "by-name/$name leads to the launcher" "$CACHE_DIR/by-name/$name" "$CACHE_DIR/$key.smolmachine"
	same '... and to the sidecar' "$CACHE_DIR/by-name/$name.smolmachine" "$CACHE_DIR/$key.smolmachine.smolmachine"
done
ok 'stats' goal stats FORMAT=json
is '... count them' "$(jq -c '[.hits, .misses]' "$out")" '[4,1]'
ok 'stats for people' goal stats
like '...' "$(cat "$out")" '^hits    4, which have saved [0-9.]+ s of packing$'

docker tag "$agent" "$agent.smolmachine"
ok 'a name that ends like a sidecar'"'"'s' run_make smolmachine IMAGE="$agent.smolmachine"
same '... takes no other name away' "$CACHE_DIR/by-name/$agent.smolmachine" "$CACHE_DIR/$key.smolmachine.smolmachine"
docker rmi "$agent.smolmachine" >/dev/null
docker tag "$agent" "deep.example:5000/a/b/c-$mine:v1"
ok 'a name in folders' run_make smolmachine IMAGE="deep.example:5000/a/b/c-$mine:v1"
same '... leads there too' "$CACHE_DIR/by-name/deep.example:5000/a/b/c-$mine:v1" "$CACHE_DIR/$key.smolmachine"
docker rmi "deep.example:5000/a/b/c-$mine:v1" >/dev/null

topic 'Another image of that name'
must change_image 'LABEL changed=1'
ok 'is packed' run_make smolmachine IMAGE="$agent"
second=$(key_of)
same '... and the name leads to it' "$CACHE_DIR/by-name/$agent.smolmachine" "$CACHE_DIR/$second.smolmachine.smolmachine"
same '... the other name stays where it was' "$CACHE_DIR/by-name/other-$mine:v2" "$CACHE_DIR/$key.smolmachine"
ok 'list as a table' goal list
is '... the last used first' "$(awk 'NR == 2 { print $1 }' "$out")" "$second"
like '... with a sum' "$(tail -n 1 "$out")" '^2 machines, [0-9.]+ MB$'
ok 'with options it is a machine of its own' run_make smolmachine IMAGE="$agent" CPUS=2
third=$(key_of)
ok '...' goal list
like '... whose options are shown' "$(grep "^$third" "$out")" 'CPUS=2'
ok 'several are told one by one' run_make smolmachine IMAGES="$agent other-$mine:v2"
is '...' "$(grep -c '^  CACHED ' "$err")" 2

topic 'describe'
ok 'by name' goal describe IMAGE="$agent"
like '... says what the manifest says' "$(cat "$out")" '^platform +linux/'
unlike '... but no value of a variable' "$(cat "$out")" '=/usr'
ok 'by 16 digits' goal describe IMAGE="$key" FORMAT=json
is '...' "$(jq -r '.key + " " + .manifest.digest' "$out")" "$key $(jq -r .digest "$CACHE_DIR/$key.json")"
cp "$CACHE_DIR/$key.smolmachine.smolmachine" "$tmp/foreign"
ok 'any sidecar' goal describe FILE="$tmp/foreign" FORMAT=json SMOLVM=/nowhere DOCKER=/nowhere
is '...' "$(jq -r .manifest.digest "$out")" "$(jq -r .digest "$CACHE_DIR/$key.json")"
refused() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	must_fail "$_what" goal "$@"
	like '... one line says why' "$(grep -c '^[^ ]*error: ' "$err") $(grep 'error: ' "$err")" "^1 .*$_pattern"
}
before=$(keys)
refused 'one that is not there' "IMAGE: no machine is called 'nobody'" describe IMAGE=nobody
refused 'nothing at all' 'give IMAGE=<name or ID>, or FILE=' describe
refused 'both' 'give one of them' describe IMAGE="$agent" FILE="$tmp/foreign"
refused 'a file that is none' "is not|cannot|too few|no SMOLPACK" describe FILE="$0"
refused 'a file that is not there' "FILE: '/nowhere' cannot be opened" describe FILE=/nowhere
refused 'another form' "FORMAT: 'yaml' is not known; give FORMAT=json, or leave it out" list FORMAT=yaml
refused 'a form where there is none' 'has no other form' prune KEEP=1 FORMAT=json
refused 'prune without a word' 'give KEEP=.*DAYS=.*MAX=' prune
refused 'KEEP' "KEEP: 'x'" prune KEEP=x
refused 'DAYS' "DAYS: '-1'" prune DAYS=-1
refused 'MAX' "MAX: '1Q'" prune MAX=1Q
refused 'a pin of what is not there' "no machine is called 'nobody'" pin IMAGE=nobody
refused 'CACHE_MAX' "CACHE_MAX: 'much'" smolmachine IMAGE="$agent" CACHE_MAX=much
is 'nothing of that has removed anything' "$(keys)" "$before"

topic 'prune'
ok 'leaves what was used in this hour' goal prune KEEP=0 DAYS=0 MAX=0
is '...' "$(keys)" "$before"
like '... and says that it does, of each once' "$(cat "$out")" '^0 machines, 0 B removed; 3, [^,]* stay, 3 of them since they are pinned, held by a run, or were used in this hour$'
used "$key" '3 days ago' && used "$second" '2 days ago' && used "$third" '2 hours ago'
ok 'make -n says what would go' goal -n prune DAYS=1
is '... the oldest first' "$(awk '/^would go:/ { print $3 }' "$out" | tr -d , | xargs)" "$key $second"
is '... and removes nothing' "$(keys)" "$before"
ok 'a pin' goal pin IMAGE="$key"
ok 'keeps one' goal prune DAYS=1
is '...' "$(keys)" "$(printf '%s\n' "$key" "$third" | sort | xargs)"
must_fail '... of what went, nothing stays' sh -c 'ls -A "$1" "$1/.used" "$1/.verified" | grep -F "$2" | grep -v "$2-"' sh "$CACHE_DIR" "$second"
ok 'unpin' goal unpin IMAGE="other-$mine:v2"
exec 9>>"$CACHE_DIR/.lock/$key"
must flock -n 9
ok 'make -n knows of one that a run holds' goal -n prune DAYS=1
like '...' "$(cat "$out")" '^0 machines, 0 B would go; 2, [^,]* would stay, 1 of them since'
ok 'one that a run holds' goal prune DAYS=1
is '... stays' "$(keys)" "$(printf '%s\n' "$key" "$third" | sort | xargs)"
exec 9>&-
ok 'then' goal prune DAYS=1
is '... it goes' "$(keys)" "$third"
must_fail '... and its name' test -e "$CACHE_DIR/by-name/other-$mine:v2" -o -h "$CACHE_DIR/by-name/other-$mine:v2"
ok 'KEEP=1 of a name' goal prune KEEP=1
is '... keeps its last' "$(keys)" "$third"
ok 'KEEP=0' goal prune KEEP=0
is '... none' "$(keys)" ''
ok 'a launcher and a record without a sidecar' run_make smolmachine IMAGE="$agent"
half=$(key_of)
rm "$(cat "$out")"
touch -d '2 hours ago' "$CACHE_DIR/$half.json"
ok 'of somebody who was killed' goal prune DAYS=9
must_fail '... go' test -e "$CACHE_DIR/$half.smolmachine" -o -e "$CACHE_DIR/$half.json"

topic 'CACHE_MAX'
must make_image one
ok 'a machine' run_make smolmachine IMAGE="$image"
one=$(key_of)
must make_image two
ok 'another' run_make smolmachine IMAGE="$image" CACHE_MAX=1
two=$(key_of)
is '... leaves a young one' "$(keys)" "$(printf '%s\n' "$one" "$two" | sort | xargs)"
used "$one" '2 hours ago'
ok 'a hit' run_make smolmachine IMAGE="$image" CACHE_MAX=1
is '... removes nothing' "$(keys)" "$(printf '%s\n' "$one" "$two" | sort | xargs)"
truncate -s 3M "$CACHE_DIR/$one.smolmachine" # more than the bound
ok 'a pack' run_make smolmachine IMAGE="$image" FORCE=1 CACHE_MAX=1
is '... removes what was not used for longest' "$(keys)" "$two"

topic 'verify'
ok 'of whole machines' goal verify
strace -f -qq -o /dev/null -e trace=pread64 -e inject=pread64:delay_enter=300000 "$top/cache/bin/verify-machine" -a >"$out" 2>"$err"
like 'that takes its time: how far it is' "$(cat "$err")" '^  VERIFY  [1-9] s, [0-9]+ of [0-9]+ machines, [0-9.]+ k?M?B of [0-9.]+ k?M?B$'
is '... on stderr alone' "$(grep -c VERIFY "$out")" 0
is '... says each' "$(cat "$out")" "whole: $two
1 machine"
printf x | dd of="$CACHE_DIR/$two.smolmachine.smolmachine" bs=1 seek=50 conv=notrunc 2>/dev/null
stat -c '%d %i %s %.9Y %.9Z' "$CACHE_DIR/$two.smolmachine.smolmachine" >"$tmp/word"
sed -i "1s/.*/$(cat "$tmp/word")/" "$CACHE_DIR/.verified/$two" # the word that it was read does not count
must_fail 'of one that is damaged' goal verify
like '... says so' "$(cat "$out")" "^not whole: $two: .*; it is in '.*/\.aside' now\$"
is '... and nobody finds it any more' "$(keys)" ''
ok 'the next run' run_make smolmachine IMAGE="$image"
is '... packs anew' "$(keys)" "$two"

ok 'what was set aside stays where the cache is kept small' run_make smolmachine IMAGE="$image" FORCE=1 CACHE_MAX=1
ok '...' test -e "$CACHE_DIR/.aside/$two.smolmachine.smolmachine"
ok '... and goes when somebody prunes' goal prune DAYS=9
must_fail '...' test -e "$CACHE_DIR/.aside"

topic 'Bytes that machines have in common'
first=aaaaaaaaaaaaaaaa
sidecar_of() { echo "$tmp/common/$1.smolmachine.smolmachine"; } # KEY
first_machine() { # in a new cache, of 3 MB, which no run knows
	mkdir -p "$tmp/common" && chmod 700 "$tmp/common" && mkdir "$tmp/common/.used" && head -c 3000000 /dev/urandom >"$(sidecar_of "$first")" &&
		touch -d '2 hours ago' "$tmp/common/.used/$first"
}
also() { # KEY HOURS CP-OPTION: a machine of the first one's bytes, used so long ago
	must cp "$3" "$(sidecar_of $first)" "$(sidecar_of "$1")"
	touch -d "$2 hours ago" "$tmp/common/.used/$1"
}
last_line() { goal "$@" CACHE_DIR="$tmp/common" && tail -n 1 "$out"; }
must first_machine
also bbbbbbbbbbbbbbbb 3 --link
also cccccccccccccccc 4 --no-preserve=all
is 'two names of one file count once' "$(last_line list)" '3 machines, 6.0 MB'
is '... so that a bound of 6 MiB is kept' "$(last_line -n prune MAX=6)" '0 machines, 0 B would go; 3, 6.0 MB would stay'
is '... and one of 4 takes the file that is another' "$(last_line -n prune MAX=4)" '1 machine, 3.0 MB would go; 2, 3.0 MB would stay'
is '... and the two go together' "$(last_line prune MAX=2)" '3 machines, 6.0 MB removed; 0, 0 B stay'
rm -rf "$tmp/common"
mkdir "$tmp/common"
truncate -s 120M "$tmp/disk"
if ! mkfs.btrfs -q "$tmp/disk" >/dev/null 2>&1 || ! mount -o loop "$tmp/disk" "$tmp/common" 2>/dev/null; then
	skip_kernel 'blocks that two files share count once' 'no disk that copies by reference can be mounted'
else
	must chmod 700 "$tmp/common"
	must first_machine
	also bbbbbbbbbbbbbbbb 3 --reflink=always
	also cccccccccccccccc 4 --reflink=never
	head -c 1000000 /dev/urandom | dd of="$(sidecar_of bbbbbbbbbbbbbbbb)" bs=1000000 conv=notrunc 2>/dev/null # a third of it is its own
	touch -d '3 hours ago' "$tmp/common/.used/bbbbbbbbbbbbbbbb"
	sync -f "$tmp/common"
	is 'blocks that two files share count once' "$(last_line list)" '3 machines, 7.0 MB'
	is '... and are free when nobody has them any more' "$(last_line prune MAX=3)" '2 machines, 4.0 MB removed; 1, 3.0 MB stay'
	must umount "$tmp/common"
fi

topic 'Two at once'
used "$two" '2 hours ago'
goal prune KEEP=0 &
"$top/tests/make" --no-print-directory -C "$top" prune KEEP=0 >"$tmp/other.out" 2>"$tmp/other.err"
other=$?
wait $!
is 'both end well' "$? $other" '0 0'
is '... and it is gone' "$(keys)" ''
docker rmi "other-$mine:v2" >/dev/null
done_testing
