#!/bin/sh
# t0150-cache: what is not whole is never a hit, and heals; what is there is shared; nothing is published by half.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

must make_image agent
must run_make smolmachine IMAGE="$image"
sidecar=$(cat "$out")
launcher=${sidecar%.smolmachine}
record=${launcher%.smolmachine}.json
key=${record##*/} key=${key%.json}
must cp -p "$sidecar" "$tmp/good"
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_SMOLVM_LOG"; }
heals() { # WHAT
	forget
	ok "$1: make heals it" run_make smolmachine IMAGE="$image"
	is '... by one pack' "$(packs)" 1
	is '... with the same answer' "$(cat "$out")" "$sidecar"
	like '... and says so' "$(cat "$err")" "not whole|PACK"
	ok '... and the machine is whole' "$top/cache/bin/verify-machine" "$sidecar"
	forget
	ok '... and the next is a hit' run_make smolmachine IMAGE="$image"
	is '... without a pack' "$(packs)" 0
}

# No two packs are of one size: what is cut off or flipped is counted from either end.
for cut in 0 1 63 64 half -65 -1; do
	size=$(stat -c %s "$sidecar")
	case $cut in half) left=$((size / 2)) ;; -*) left=$((size + cut)) ;; *) left=$cut ;; esac
	must truncate -s $left "$sidecar"
	heals "a sidecar cut to $left of $size bytes"
done
for at in 0 half -70 -64 -12; do
	size=$(stat -c %s "$sidecar")
	case $at in half) at=$((size / 2)) ;; -*) at=$((size + at)) ;; esac
	byte=$(dd if="$sidecar" bs=1 skip="$at" count=1 2>/dev/null | od -An -tu1)
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$sidecar" bs=1 seek="$at" conv=notrunc 2>/dev/null
	heals "a bit flipped at byte $at"
done
must sh -c 'rm "$1" && mkdir "$1" && touch "$1/x"' sh "$sidecar"
heals 'a folder in its place'
must ln -sf "$tmp/good" "$sidecar"
heals 'a symlink in its place'
is '... which is not followed' "$(cmp "$tmp/good" "$tmp/good" && stat -c %F "$sidecar")" 'regular file'
must rm "$launcher"
heals 'the launcher missing'
must sh -c ': >"$1"' sh "$launcher"
heals 'the launcher emptied'
must sh -c 'echo >>"$1"' sh "$launcher"
heals 'the launcher changed'
must sh -c 'echo "{" >"$1"' sh "$record"
heals 'the record torn'
(
	must make_image other
	must run_make smolmachine IMAGE="$image"
	cp "$(cat "$out")" "$tmp/other"
)
must cp "$tmp/other" "$sidecar"
heals "another image's sidecar"

size=$(stat -c %s "$sidecar")
# When all of it is read: the first time, and when it is another file; not on every hit.
reads() { # of the sidecar's bytes by a hit: large only if all of it is read
	strace -f -e trace=pread64 -P "$sidecar" -o "$tmp/trace" "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" >/dev/null 2>&1
	awk '$NF ~ /^[0-9]+$/ { n += $NF } END { print n + 0 }' "$tmp/trace"
}
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	is 'a hit reads the footer and the manifest only' "$([ "$(reads)" -lt 65536 ] && echo few)" few
	must touch "$sidecar"
	is 'a touched sidecar is read in full' "$([ "$(reads)" -ge "$size" ] && echo all)" all
	is 'and then no more' "$([ "$(reads)" -lt 65536 ] && echo few)" few
else
	skip_kernel 'a hit reads the footer and the manifest only' 'no ptrace'
fi

# An entry of claude-bottle's own cache: the same names, no record.
must rm "$record"
rm -rf "$CACHE_DIR/.verified"
forget
ok "a machine that claude-bottle packed" run_make smolmachine IMAGE="$image"
is 'is a hit' "$(packs) $(cat "$out")" "0 $sidecar"

# Two images whose IDs begin alike.
must run_make smolmachine IMAGE="$image"
rm -f "$sidecar"
must run_make smolmachine IMAGE="$image"
jq '.image_id |= (.[:-1] + "x")' "$record" >"$tmp/record" && cp "$tmp/record" "$record"
must_fail "a hit whose record names another full ID is an error" run_make smolmachine IMAGE="$image"
like 'that says so' "$(cat "$err")" "another image's machine"
must rm "$record" "$sidecar"
must run_make smolmachine IMAGE="$image"

# Two packings whose options look alike once they are written one below the other.
must run_make smolmachine IMAGE="$image" ENTRYPOINT=x MEM=5
other=$(cat "$out")
ok 'an ENTRYPOINT of two lines is one option' run_make smolmachine IMAGE="$image" ENTRYPOINT="x
MEM=5"
isnt '... with a machine of its own' "$(cat "$out")" "$other"
# Two names that one 32-bit hash (FNV-1a) and 40 characters do not tell apart.
first=smolmake-test/two-names-with-one-beginning-aecad second=smolmake-test/two-names-with-one-beginning-139f10
(must make_image alike && docker tag "$image" "$second")
must docker tag "$image" "$first"
printf '%s\n' "$first" "$second" >>"$tmp/.images"
ok 'two names that begin alike' run_make smolmachine IMAGES="$first $second"
is '... are two machines' "$(sort -u "$out" | wc -l)" 2

# Two lists of options whose hashes begin alike (8 hex, 589481dd): in one run, and one after the other.
must docker tag "$first" "$first-too"
echo "$first-too" >>"$tmp/.images"
cat >"$tmp/alike.json" <<-END
	{"images": [{"image": "$first", "entrypoint": "/e44369"}, {"image": "$first-too", "entrypoint": "/e87116"}]}
END
must_fail 'options of one run whose hashes begin alike' run_make smolmachines IMAGES_FILE="$tmp/alike.json"
like '... are refused with both names and the option' "$(grep ^error "$err")" \
	"^error: IMAGE: '$first' and '$first-too' are not packed alike \(ENTRYPOINT\), .*'[0-9a-f]{16}-589481dd'; give one of them another"
ok 'the first of them alone' run_make smolmachine IMAGE="$first" ENTRYPOINT=/e44369
must_fail '... and then the other' run_make smolmachine IMAGE="$first" ENTRYPOINT=/e87116
like '... is refused with what the machine was packed with' "$(grep ^error "$err")" \
	"^error: '.*-589481dd\.smolmachine\.smolmachine' was packed with ENTRYPOINT='/e44369', and ENTRYPOINT='/e87116' is asked for"
ok '... while the first is a hit' run_make smolmachine IMAGE="$first" ENTRYPOINT=/e44369

# The Smolfile that is hashed is the one that is read, whatever happens to it between.
echo 'cpus = 2' >"$tmp/Smolfile"
fake_program "$tmp/smolvm" "[ \"\$1\" != --version ] || echo 'cpus = 7' >'$tmp/Smolfile'
exec '$SMOLVM' \"\$@\""
ok 'a Smolfile that is edited during the run' run_make smolmachine IMAGE="$image" SMOLFILE="$tmp/Smolfile" SMOLVM="$tmp/smolvm"
is '... was edited' "$(cat "$tmp/Smolfile")" 'cpus = 7'
with=$(cat "$out")
"$SMOLVM" pack run --sidecar "$with" --info >"$tmp/info"
is '... packs what it said when its key was made' "$(grep CPUs "$tmp/info")" 'CPUs:       2'
is '... and the record names the file' "$(jq -r .options.SMOLFILE "${with%.smolmachine.smolmachine}.json")" "$tmp/Smolfile"
ok '... and what it says now' run_make smolmachine IMAGE="$image" SMOLFILE="$tmp/Smolfile"
isnt '... is another machine' "$(cat "$out")" "$with"

# Half-published: whatever order the three files come in, only the sidecar commits.
must rm "$sidecar"
heals 'launcher and record without a sidecar'

# A disk that is full
if [ "$(id -u)" = 0 ] && mkdir -p "$tmp/small" && mount -t tmpfs -o size=600k tmpfs "$tmp/small" 2>/dev/null; then
	must_fail 'a full CACHE_DIR is an error' run_make smolmachine IMAGE="$image" CACHE_DIR="$tmp/small/cache"
	like 'that is shown' "$(cat "$err")" '[Nn]o space left'
	is 'and nothing is published' "$(find "$tmp/small/cache" -maxdepth 1 -name '*.smolmachine')" ''
	is 'nor left' "$(ls "$tmp/small/cache/.run")" ''
	must mount -o remount,size=100m "$tmp/small"
	ok 'with room again it is packed' run_make smolmachine IMAGE="$image" CACHE_DIR="$tmp/small/cache"
	umount "$tmp/small"
else
	skip_kernel 'a full CACHE_DIR is an error' 'no tmpfs can be mounted'
fi
assert_nothing_left 'nothing is left of all that'
done_testing
