#!/bin/sh
# t0170-trust: what others own or may write to is none of the cache, and nothing follows a link out of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo setpriv
need_private # root: to be two users

them=65534
must make_image agent
must run_make smolmachine IMAGE="$image"
sidecar=$(cat "$out")
launcher=${sidecar%.smolmachine}
record=${launcher%.smolmachine}.json
key=${record##*/} key=${key%.json}
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_SMOLVM_LOG"; }
owner() { stat -c '%u %a' "$1"; }
as_them() { setpriv --reuid="$them" --regid="$them" --clear-groups "$@"; }

topic 'Who else can look or reach into the cache'
is 'CACHE_DIR is the user'"'"'s alone' "$(stat -c %a "$CACHE_DIR")" 700
must chmod 755 "$tmp" # so that it is CACHE_DIR that stops them
must_fail 'another user cannot list it' as_them ls "$CACHE_DIR"
must_fail '... nor read a machine' as_them cat "$sidecar"
must_fail '... nor write a lock' as_them sh -c ': >>"$1"' sh "$CACHE_DIR/.lock/$key"

topic "Entries of somebody else's"
refused_then_packed() { # WHAT WHY FILE
	forget
	ok "$1: make does not take it" run_make smolmachine IMAGE="$image"
	like '... and says why' "$(cat "$err")" "$2"
	is '... but packs anew' "$(packs)" 1
	is '... to a file of our own' "$(owner "$3")" "$4"
	ok '... that is whole' "$top/cache/bin/verify-machine" "$sidecar"
	forget
	ok '... and the next is a hit' run_make smolmachine IMAGE="$image"
	is '... without a pack' "$(packs)" 0
}
must chown $them "$sidecar"
refused_then_packed 'a sidecar of another user' "not whole: it belongs to another user \(uid $them\)" "$sidecar" '0 644'
must chmod 664 "$sidecar"
refused_then_packed 'a sidecar that a group may write to' 'not whole: others may write to it \(mode 664\)' "$sidecar" '0 644'
must chmod 646 "$sidecar"
refused_then_packed 'a sidecar that everybody may write to' 'not whole: others may write to it \(mode 646\)' "$sidecar" '0 644'
must chown $them "$launcher"
refused_then_packed 'a launcher of another user' "its launcher: it belongs to another user" "$launcher" '0 755'
must chmod 757 "$launcher"
refused_then_packed 'a launcher that everybody may write to' 'its launcher: others may write to it' "$launcher" '0 755'
must chown $them "$record"
refused_then_packed 'a record of another user' 'its record cannot be read' "$record" '0 600'
must chmod 622 "$record"
refused_then_packed 'a record that others may write to' 'its record cannot be read' "$record" '0 600'

# A word that all of it was read, from somebody else, about a damaged file.
flip() { # a byte in the middle, and put the word of its being verified right
	printf '\377\376\375\374' | dd of="$sidecar" bs=1 seek=$(($(stat -c %s "$sidecar") / 2)) conv=notrunc 2>/dev/null
	stat -c '%d %i %s %.9Y %.9Z' "$sidecar" >"$CACHE_DIR/.verified/$key"
}
must flip
forget
must run_make smolmachine IMAGE="$image"
is 'our own word that a file was read counts' "$(packs)" 0
must chown $them "$CACHE_DIR/.verified/$key"
refused_then_packed "another's does not" 'CRC-32 .* damaged' "$CACHE_DIR/.verified/$key" '0 600'
must flip
must mv "$CACHE_DIR/.verified/$key" "$tmp/word"
must ln -s "$tmp/word" "$CACHE_DIR/.verified/$key"
refused_then_packed 'nor one behind a link' 'CRC-32 .* damaged' "$CACHE_DIR/.verified/$key" '0 600'

topic 'What is packed under a lax umask'
must rm "$sidecar"
(umask 000 && run_make smolmachine IMAGE="$image")
is 'umask 0: launcher, sidecar and record are nobody else'"'"'s to write' \
	"$(stat -c %a "$launcher" "$sidecar" "$record" | tr '\n' ' ')" '755 644 600 '
is '... nor is anything else in the cache' "$(find "$CACHE_DIR" ! -type l -perm /022)" ''
must rm -rf "$tmp/lax"
(umask 000 && run_make smolmachine IMAGE="$image" CACHE_DIR="$tmp/lax/a/b")
is '... nor what is made for it' "$(find "$tmp/lax" ! -type l -perm /022)" ''

topic "The cache's own folders, and what is above it"
refuses() { # WHAT WHY [MAKE ARGS...]
	_what=$1 _why=$2
	shift 2
	must_fail "$_what is refused" run_make smolmachine IMAGE="$image" "$@"
	like '... with one line and its remedy' "$(grep -v '^make: ' "$err")" "^error: CACHE_DIR: $_why"
	is '... and that is all it says' "$(grep -vc '^make: ' "$err")" 1
}
must mkdir "$tmp/elsewhere"
for folder in .lock .run .id .key .verified .parts .used; do
	must mv "$CACHE_DIR/$folder" "$tmp/aside"
	must ln -s "$tmp/elsewhere" "$CACHE_DIR/$folder"
	refuses "$folder: a link" "'.*/$folder' is no folder; move it away"
	must rm "$CACHE_DIR/$folder"
	must mv "$tmp/aside" "$CACHE_DIR/$folder"
	must chown $them "$CACHE_DIR/$folder"
	refuses "$folder: another user's" "'.*/$folder' is not yours alone: it belongs to another user"
	must chown 0 "$CACHE_DIR/$folder"
	must chmod 777 "$CACHE_DIR/$folder"
	refuses "$folder: everybody's" "'.*/$folder' is not yours alone: others may write"
	must chmod 700 "$CACHE_DIR/$folder"
done
# The layers that were pushed only save time: no .store, or none that can be trusted, and it goes without.
pushed() { # ARG...: packs by our own registry
	rm -f "$sidecar"
	run_make smolmachine IMAGE="$image" ROUTE=push REGISTRY_IMAGE= SQUASH=0 "$@"
}
kept() { find "$1" -name '*.record' 2>/dev/null | wc -l; }
without() { # WHAT WHY
	ok ".store: $1" pushed
	like '... make goes on without, and says why' "$(cat "$err")" "^with-registry: '.store' $2; going on without"
	is '... and keeps nothing there' "$(kept "$CACHE_DIR/.store/")" 0
}
must mkdir -p "$CACHE_DIR/.store"
must chown $them "$CACHE_DIR/.store"
without "another user's" "is not yours alone: it belongs to another user \(uid $them\)"
must chown 0 "$CACHE_DIR/.store"
must chmod 777 "$CACHE_DIR/.store"
without "everybody's" 'is not yours alone: others may write to it \(mode 777\)'
must rm -r "$CACHE_DIR/.store"
must ln -s "$tmp/elsewhere" "$CACHE_DIR/.store"
without 'a link' 'is no folder of ours'
must rm "$CACHE_DIR/.store"
is 'nothing was put where a link led' "$(ls -A "$tmp/elsewhere")" ''
ok '.store: our own' pushed
is '... is used' "$(kept "$CACHE_DIR/.store")" 1
layer=$(find "$CACHE_DIR/.store" -name '*.record') layer=${layer%.record}
must chown $them "$layer"
ok "a kept layer of another user's" pushed
is '... comes again, to a file of our own' "$(owner "$layer" | cut -d' ' -f1)" 0
must chown $them "$layer.record"
ok 'a record of one' pushed
is '... is not believed' "$(owner "$layer.record" | cut -d' ' -f1)" 0
above=$tmp/above
must mkdir -p "$above/cache"
must chown $them "$above"
refuses 'a folder above that is another user'"'"'s' "'.*/above' belongs to another user" CACHE_DIR="$above/cache"
must chown 0:$them "$above"
must chmod 775 "$above"
refuses 'a folder above that a group may write to' "a group can write to '.*/above'" CACHE_DIR="$above/cache"
must chmod 1777 "$above"
ok 'one with the sticky bit is not: nobody can take away what is ours' run_make smolmachine IMAGE="$image" CACHE_DIR="$above/cache"
must chmod 777 "$above"
refuses 'one without it' "everybody can write to '.*/above'" CACHE_DIR="$above/cache"
if [ "$(getent group 0 | cut -d: -f4)$(getent passwd | awk -F: '$4 == 0' | wc -l)" = 1 ]; then
	must chown 0:0 "$above"
	must chmod 775 "$above"
	ok 'a group that is only the user'"'"'s own may write above' run_make smolmachine IMAGE="$image" CACHE_DIR="$above/cache"
else
	skip 'a group that is only the user'"'"'s own may write above' "root's group has others here"
fi
must ln -s "$tmp/elsewhere" "$above/link"
must chown -h $them "$above/link"
must chmod 755 "$above"
must run_make smolmachine IMAGE="$image" CACHE_DIR="$above/link"
is 'a CACHE_DIR that is a link means what it leads to, checked' "$(cat "$out")" "$tmp/elsewhere/$key.smolmachine.smolmachine"

topic 'Links that lead out of it'
victim=$tmp/victim
must mkdir "$victim"
untouched() { # WHAT
	is "$1: what the link leads to is as it was" "$(cd "$victim" && find . -type f -exec sh -c 'echo "$1 $(cat "$1")"' sh {} \; | sort)" "$precious"
}
echo precious >"$victim/file"
echo "127.0.0.1:1/$image" >"$victim/key.tag"
precious=$(cd "$victim" && find . -type f -exec sh -c 'echo "$1 $(cat "$1")"' sh {} \; | sort)

for name in "$sidecar" "$launcher" "$record"; do
	must ln -sf "$victim/file" "$name"
	ok "${name##*/}: a link" run_make smolmachine IMAGE="$image"
	untouched '...'
	is '... and a file is in its place' "$(stat -c %F "$name")" 'regular file'
done
for folder in .verified .id; do
	for name in "$CACHE_DIR/$folder"/*; do
		must ln -sf "$victim/file" "$name"
	done
	must rm -f "$sidecar"
	ok "$folder: links" run_make smolmachine IMAGE="$image"
	untouched '...'
	is '... and files are in their place' "$(find "$CACHE_DIR/$folder" -name "*$key*" -type l)" ''
done
must rm "$sidecar"
must ln -sf "$victim/file" "$CACHE_DIR/.lock/$key"
must_fail 'a lock that is a link' run_make smolmachine IMAGE="$image"
like '... is named' "$(cat "$err")" "cannot open the lock '.*/.lock/$key': Too many levels"
untouched '...'
must rm "$CACHE_DIR/.lock/$key"
must install -m 600 -o $them /dev/null "$CACHE_DIR/.lock/$key"
must_fail 'a lock of another user' run_make smolmachine IMAGE="$image"
like '... is named' "$(cat "$err")" "the lock '.*/.lock/$key' is not yours alone: it belongs to another user"
must rm "$CACHE_DIR/.lock/$key"

# A dead run's folder: its owner's name is one of this boot and namespace whose process is gone.
sh -c 'exec sleep 0' &
wait $!
boot=$(tr -d - </proc/sys/kernel/random/boot_id | cut -c1-12)
dead=$boot-$(stat -Lc %i /proc/self/ns/pid)-$!-1
run=$CACHE_DIR/.run/$dead
must docker tag "$image" "127.0.0.1:1/$image"
must ln -s "$victim" "$run"
must run_make smolmachine IMAGE="$image"
untouched "a dead run's folder that is a link"
must_fail '... goes itself' test -L "$run"
must mkdir "$run"
must ln -s "$victim" "$run/work"
must ln -s "$victim/key.tag" "$run/key.tag"
must ln -s "$victim/file" "$run/group"
must run_make smolmachine IMAGE="$image"
untouched 'a link in such a folder'
must_fail '... goes with it' test -e "$run"
ok '... and the tag that it leads to stays' docker image inspect "127.0.0.1:1/$image"
must mkdir "$run"
must cp "$victim/key.tag" "$run"
must chown $them "$run"
must run_make smolmachine IMAGE="$image"
ok "another user's: what it names stays" docker image inspect "127.0.0.1:1/$image"
must mkdir -p "$run"
must cp "$victim/key.tag" "$run"
must run_make_until '[ ! -e "$run" ]' smolmachine IMAGE="$image"
must_fail "our own: what it names goes" docker image inspect "127.0.0.1:1/$image"
must_fail '... and it too' test -e "$run"

topic 'OUT, in a folder where others put things too'
must mkdir "$tmp/shared"
must chmod 1777 "$tmp/shared"
must ln -s "$victim/file" "$tmp/shared/out"
must ln -s "$victim/file" "$tmp/shared/out.smolmachine"
must run_make smolmachine IMAGE="$image" OUT="$tmp/shared/out"
untouched 'an OUT that is a link'
ok '... is replaced by the machine' "$top/cache/bin/verify-machine" "$tmp/shared/out.smolmachine"
is '... and nothing else is there' "$(find "$tmp/shared" -type f | wc -l)$(find "$tmp/shared" ! -type f -mindepth 1)" 2
must mount -t tmpfs -o size=64m tmpfs "$tmp/shared" # another filesystem: a copy
must run_make smolmachine IMAGE="$image" OUT="$tmp/shared/out"
same 'a copy is the machine' "$tmp/shared/out.smolmachine" "$sidecar"
is '... with its modes' "$(stat -c %a "$tmp/shared/out" "$tmp/shared/out.smolmachine" | tr '\n' ' ')" '755 644 '
must umount "$tmp/shared"
assert_nothing_left 'nothing is left of all that'
done_testing
