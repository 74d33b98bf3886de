#!/bin/sh
# t0106-checkout: one checkout, several users: compiled by root and used by another, read-only, and what cannot be compiled.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo setpriv
need_private # root: to be two users

them=65534
home=/run/$mine # nobody but root can look into the folders of the tests
copy=$home/copy
trap 'rm -rf "$home"; _cleanup' EXIT
must make_image agent
must mkdir -p "$copy/cache" "$copy/tests" "$home/home" "$home/context"
must cp -R "$tmp/context/agent" "$home/context"
must cp -Rp "$top/GNUmakefile" "$top/mk" "$top/helpers" "$copy"
must cp -Rp "$top/tests/fake" "$copy/tests"
must cp -Rp "$top/cache/bin" "$top/cache/obj" "$top/cache/tests" "$copy/cache"
must chmod -R go+rX,go-w "$copy"
must chown -R $them "$home/home"
socket=${DOCKER_HOST#unix://}
must chmod 666 "$socket"
must chmod 755 "${socket%/*}"
as_them() { # MAKE ARGS...
	setpriv --reuid="$them" --regid="$them" --clear-groups env HOME="$home/home" TMPDIR=/tmp SMOLMAKE_SMOLVM="$copy/tests/fake/smolvm" \
		FAKE_SMOLVM_LOG="$home/home/smolvm.log" make --no-print-directory -C "$copy" "$@" >"$out" 2>"$err"
}
unset CACHE_DIR XDG_CACHE_HOME
lines() { grep -v '^make' "$err"; }

ok 'compiled by root, another user packs' as_them smolmachine IMAGE="$image"
like '... into a cache of their own' "$(cat "$out")" "^$home/home/\\.cache/"
ok '... and finds it again' as_them smolmachine IMAGE="$image"
is '... without another word' "$(told)" ''
is '... and nothing of theirs is in the checkout' "$(find "$copy" -uid $them)" ''
must mount --bind "$copy" "$copy"
must mount -o remount,bind,ro "$copy"
ok 'a read-only checkout: a hit' as_them smolmachine IMAGE="$image"
rm -rf "$home/home/.cache"
ok '... a miss' as_them smolmachine IMAGE="$image"
ok '... a build' as_them image-id IMAGE="$image" CONTEXT="$home/context/agent"
must umount "$copy"

must touch "$copy/helpers/lib/lib.h"
for flags in -s -j4 '-j4 -k'; do
	# shellcheck disable=SC2086
	must_fail "what has to be compiled, where it cannot be written ($flags)" as_them $flags smolmachine IMAGE="$image"
	is '... is one line' "$(wc -l <"$err")" 1
	like '... that says what to do' "$(cat "$err")" "$copy/cache/obj' cannot be written.*make all.*checkout of your own"
done
must_fail 'make clean by somebody else' as_them clean
is '... is one line' "$(lines | wc -l)" 1
like '... that says why' "$(lines)" "^error: clean: '$copy/cache' .*"
ok 'help needs nothing' as_them help
must chmod 700 "$copy/cache/obj" "$copy/cache/bin"
must_fail 'folders that are not open to them' as_them smolmachine IMAGE="$image"
like '... the same line' "$(grep -c 'cannot be written' "$err")" '^1$' || diag_file stderr "$err"
rm -rf "$copy/cache/bin" "$copy/cache/obj" "$copy/cache/tests"
(umask 077 && make --no-print-directory -C "$copy" all cache/tests/write-sidecar >"$out" 2>"$err")
# shellcheck disable=SC2012 # names of ours
is 'make all compiles' "$?$(ls "$copy/cache/bin" | wc -l)" "0$(ls "$copy"/helpers/*.c | wc -l)"
ok '... for everybody, whatever the umask' as_them smolmachine IMAGE="$image" || diag_file stderr "$err"
rm -rf "$copy/cache/bin" "$copy/cache/obj"
must_fail 'a checkout that was never compiled' as_them smolmachine IMAGE="$image"
like '... is the same line' "$(cat "$err")" "cannot be written.*make all"
done_testing
