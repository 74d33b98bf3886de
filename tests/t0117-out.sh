#!/bin/sh
# t0117-out: what OUT must not replace, and that the pair there is the old one or the new one, whatever fails.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo socat setpriv
need_private # root, which may replace anything; and mounts

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
must make_image agent
must run_make smolmachine IMAGE="$image"
one=$(cat "$out")
must make_image other 'ENV OTHER=1'
other=$image
must run_make smolmachine IMAGE="$other"
two=$(cat "$out")
launcher_one=${one%.smolmachine} launcher_two=${two%.smolmachine}
work=$tmp/work
must mkdir -p "$work/folder"

topic "What is no file of the user's"
refused() { # WHAT WHY OUT [THING, which stays as it is]
	: >"$FAKE_DOCKER_LOG"
	before=$(stat -c '%i %f %t %T' "${4-$3}" 2>/dev/null)
	must_fail "$1" run_make smolmachine IMAGE="$image" CONTEXT="$tmp/context/other" OUT="$3"
	like '... is refused, by its name' "$(grep -v '^make' "$err")" "^error: OUT: '[^']*'.* $2"
	is '... in one line, before anything is built' "$(grep -vc '^make' "$err")$(cat "$FAKE_DOCKER_LOG" "$out")" 1
	is '... and is as it was' "$(stat -c '%i %f %t %T' "${4-$3}" 2>/dev/null)" "$before"
}
must mkfifo "$work/pipe" "$work/side-pipe.smolmachine"
must mknod "$work/null" c 1 3
must mknod "$work/loop" b 7 99
socat UNIX-LISTEN:"$work/socket" /dev/null &
listener=$!
wait_for "[ -S '$work/socket' ]" 10
must ln -s null "$work/link-to-null"
must ln -s folder "$work/link-to-folder"
must mkdir "$work/side-folder.smolmachine"
refused 'a pipe' 'is a pipe' "$work/pipe"
refused 'a device' 'is a device' "$work/null"
refused 'a disk' 'is a device' "$work/loop"
refused 'a socket' 'is a socket' "$work/socket"
refused 'a link to a device' 'is a device' "$work/link-to-null"
refused 'a folder' "is a folder; give the launcher's path" "$work/folder"
refused 'a link to a folder' 'is a folder' "$work/link-to-folder"
refused 'a path that ends with a slash' 'is a folder' "$work/new/"
refused '/dev/null' 'is in ./dev., which holds no files|is a device' /dev/null
refused 'a new name in /dev' 'is in ./dev., which holds no files' /dev/smolmake-test
refused 'a descriptor' '(is in .*, which holds no files|is a pipe|is a device)' /dev/stdout
refused 'a name in /proc' 'is in ./proc/sys/kernel., which holds no files|cannot write' /proc/sys/kernel/hostname
refused 'a folder where the sidecar goes' 'where the sidecar goes, is a folder' "$work/side-folder" "$work/side-folder.smolmachine"
refused 'a pipe where the sidecar goes' 'where the sidecar goes, is a pipe' "$work/side-pipe" "$work/side-pipe.smolmachine"
refused 'the name of a sidecar' "give OUT='$work/agent'" "$work/agent.smolmachine"
refused 'a folder that is not there' "cannot write to '$work/none'|\\(No such file" "$work/none/agent"
refused 'a name that is too long' 'is too long a name .*give a shorter one' "$work/$(printf %0250d 0)"
for name in "$launcher_one" "$one" "$CACHE_DIR/new" "$CACHE_DIR/.lock/new"; do
	refused "a name in CACHE_DIR (${name##*/})" "is in CACHE_DIR.*give a path elsewhere|give OUT=" "$name" "$one"
done
must ln -s "$CACHE_DIR" "$work/link-to-cache"
refused 'a path through a link to it' 'is in CACHE_DIR' "$work/link-to-cache/new" "$one"
must mkdir "$work/mounted"
must mount --bind "$CACHE_DIR" "$work/mounted"
refused 'a path through a mount of it' 'is in CACHE_DIR' "$work/mounted/new" "$one"
must umount "$work/mounted"
# shellcheck disable=SC2010 # names of ours
is 'nothing new is in CACHE_DIR' "$(ls "$CACHE_DIR" | grep -vE '^[0-9a-f]{16}\.|^by-name$')" ''
must_fail 'nothing came to be in the folder' ls "$work/new" "$work/agent.smolmachine.smolmachine"

kill "$listener"

topic "What is a file's place"
pair() { # WHAT LAUNCHER SIDECAR OUT
	same "$1: the launcher" "$4" "$2"
	same '... the sidecar' "$4.smolmachine" "$3"
	is '... and nothing else is there' "$(find "${4%/*}" -mindepth 1 -maxdepth 1 -name '.*')" ''
}
ok 'a new name' run_make smolmachine IMAGE="$other" OUT="$work/agent"
pair '...' "$launcher_two" "$two" "$work/agent"
ok 'again' run_make smolmachine IMAGE="$other" OUT="$work/agent"
pair '...' "$launcher_two" "$two" "$work/agent"
first=$(sed -n 1p "$tmp/.images")
ok 'another image there' run_make smolmachine IMAGE="$first" OUT="$work/agent"
pair '...' "$launcher_one" "$one" "$work/agent"
must ln "$one" "$work/hard"
ok 'a hard link of a machine is replaced' run_make smolmachine IMAGE="$other" OUT="$work/hard"
pair '... by the other' "$launcher_two" "$two" "$work/hard"
ok '... and the machine itself is whole' "$top/cache/bin/verify-machine" "$one"

topic 'What fails leaves the old pair'
copy() { "$top/cache/bin/copy-machine" "$@" >"$tmp/said" 2>&1; } # KEY OUT
key_two=${launcher_two##*/} key_two=${key_two%.smolmachine}
small=$tmp/small
must mkdir "$small"
must mount -t tmpfs -o size=64m tmpfs "$small"
ok 'on another filesystem, a copy' run_make smolmachine IMAGE="$first" OUT="$small/agent"
pair '...' "$launcher_one" "$one" "$small/agent"
for left in 0 8192 "$(($(stat -c %s "$launcher_two") + 4096))"; do
	rm -f "$small/full"
	head -c "$(($(df --output=avail -B1 "$small" | tail -n 1) - left))" /dev/zero >"$small/full"
	must_fail "a disk with $left bytes left" copy "$key_two" "$small/agent"
	like '... is a line that says so' "$(cat "$tmp/said")" "OUT: cannot write '$small/agent(.smolmachine)?', .*: No space left"
	pair '... and the old pair is whole' "$launcher_one" "$one" "$small/agent"
done
rm -f "$small/full"
: >"$tmp/busy"
must mount --bind "$tmp/busy" "$small/agent.smolmachine"
must_fail 'a sidecar whose place cannot be taken' copy "$key_two" "$small/agent"
like '... is named' "$(cat "$tmp/said")" "OUT: cannot write '$small/agent.smolmachine', .*busy"
must umount "$small/agent.smolmachine"
pair '... and the launcher that was there is back' "$launcher_one" "$one" "$small/agent"
: >"$small/fresh.smolmachine"
must mount --bind "$tmp/busy" "$small/fresh.smolmachine"
must_fail 'the same without a launcher' copy "$key_two" "$small/fresh"
ok '... leaves none' test ! -e "$small/fresh"
must umount "$small/fresh.smolmachine"
must rm "$small/fresh.smolmachine"
must mount -o remount,ro "$small"
must_fail 'a read-only filesystem' run_make smolmachine IMAGE="$other" OUT="$small/agent"
like '... is told before anything is built' "$(grep -v '^make' "$err")" "^error: OUT: cannot write to '$small' \\(Read-only"
must mount -o remount,rw "$small"
pair '... with the old pair' "$launcher_one" "$one" "$small/agent"

topic 'What a killed copy left'
hash() { printf %s "$1" | sha256sum | cut -c1-16; } # NAME
sh -c 'exec sleep 0' &
wait $!
dead=$(tr -d - </proc/sys/kernel/random/boot_id | cut -c1-12)-$(stat -Lc %i /proc/self/ns/pid)-$!-1
name=$small/.smolmake-$(hash agent)
touch "$name-$dead.abcdef.tmp" "$name-$dead.abcdef.tmp.old" "$name-$dead.abcdef.tmp.link" "$small/.smolmake-$(hash b)-$dead.abcdef.tmp" "$name-somebody.tmp"
ok 'a copy to the same OUT' copy "$key_two" "$small/agent"
# shellcheck disable=SC2011,SC2012 # names of ours
is '... removes what a dead one to it left, and nothing of others' "$(ls -A "$small" | sort | xargs)" \
	"$(printf '%s\n' ".smolmake-$(hash agent)-somebody.tmp" ".smolmake-$(hash b)-$dead.abcdef.tmp" agent agent.smolmachine | sort | xargs)"
rm -f "$small"/.smolmake*
pair '... and the machine is there' "$launcher_two" "$two" "$small/agent"
# killed in the middle: held by a pipe-slow disk it is not, so at any moment
for delay in 0 0.001 0.002 0.005 0.01 0.02; do
	rm -f "$small/agent"*
	"$top/cache/bin/copy-machine" "$key_two" "$small/agent" &
	sleep "$delay"
	kill -s KILL $! 2>/dev/null
	wait $! 2>/dev/null
	must copy "$key_two" "$small/agent"
	# shellcheck disable=SC2011,SC2012 # names of ours
	is "killed after $delay s: the next leaves the pair alone" "$(ls -A "$small" | xargs)" 'agent agent.smolmachine'
done
pair '...' "$launcher_two" "$two" "$small/agent"
# two makes, two images, one OUT
for turn in 1 2 3 4 5 6; do
	copy "$key_two" "$small/agent" &
	first=$!
	"$top/cache/bin/copy-machine" "$(basename "$launcher_one" .smolmachine)" "$small/agent" &
	wait "$first" "$!"
	if cmp -s "$small/agent.smolmachine" "$two"; then expected=$launcher_two; else expected=$launcher_one; fi
	same "two at once ($turn): the launcher is the sidecar's" "$small/agent" "$expected"
done
must umount "$small"
assert_nothing_left 'nothing is left of all that'
done_testing
