#!/bin/sh
# t0196-answers: an answer that cannot be written is a failure with one line that says so, for every program and goal that prints one.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

# A full disk, a closed descriptor. What is said on stderr is in $err, the status in $rc.
nowhere() { # full|closed COMMAND...
	_how=$1
	shift
	case $_how in
	full) "$@" >/dev/full 2>"$err" ;;
	closed) "$@" >&- 2>"$err" ;;
	esac
	rc=$?
}
lost() { # DESCRIPTION COMMAND...: fails in both ways, with one line of ours
	_what=$1
	shift
	for _how in full closed; do
		nowhere $_how "$@"
		is "$_what, $_how: a failure, and one line says it" \
			"$([ $rc = 0 ] || echo failed) $(grep -c '^error: stdout: .*cannot write' "$err")" 'failed 1' || diag_file stderr "$err"
	done
}

topic 'Helpers: each has a usage that it prints, and some an answer'
for source in "$top"/helpers/*.c; do
	helper=${source##*/} helper=${helper%.c}
	helpers="${helpers-} $helper"
done
# shellcheck disable=SC2046,SC2086 # a list
must run_make -s $(printf 'cache/bin/%s ' $helpers)
for helper in $helpers; do
	lost "$helper -h" "$top/cache/bin/$helper" -h
done
id=sha256:$(printf %064d 7)
lost 'image-id' "$top/cache/bin/image-id" "$id"
is '... its status is that of trouble' $rc 111
lost 'host-port' "$top/cache/bin/host-port" '127.0.0.1:5000'
is 'a program that prints nothing has no answer to lose' "$("$top/cache/bin/with-deadline" true >&-; echo $?)" 0
"$top/cache/bin/with-deadline" -l "$tmp/log" -o "$tmp/from-closed" sh -c 'echo out; echo err >&2' <&- >&- 2>"$err"
is 'a file that is opened is not taken for the closed stdout' "$? $(cat "$tmp/from-closed") $(cat "$tmp/log")" '0 out err'

topic 'Goals'
goal() { "$top/tests/make" --no-print-directory -C "$top" "$@"; }
must make_context agent
echo "$image" >>"$tmp/.images"
lost 'image-id' goal image-id IMAGE="$image" CONTEXT="$context"
lost 'a miss, and then a hit' goal smolmachine IMAGE="$image" CONTEXT="$context"
machine=$(goal -s smolmachine IMAGE="$image")
lost 'a hit' goal -s smolmachine IMAGE="$image"
like '... which says where the machine is' "$(cat "$err")" "the machine is there: '$machine'"
printf '{"images":[{"image":"%s"}]}' "$image" >"$tmp/images.json"
lost 'an images file' goal -s smolmachines IMAGES_FILE="$tmp/images.json"
lost 'help' goal help
lost 'doctor' goal doctor
nowhere closed goal -n smolmachine IMAGE="$image"
is 'make -n, closed: a failure' "$([ $rc = 0 ] || echo failed) $(grep -c '^error: stdout: ' "$err")" 'failed 1'
nowhere full goal -n smolmachine IMAGE="$image"
is 'make -n on a full disk: a failure' "$([ $rc = 0 ] || echo failed) $(grep -c 'write error' "$err" | sed 's/[1-9]/said/')" 'failed said'
goal -s smolmachine IMAGE="$image" 2>"$err" | true
ok 'a reader that takes nothing hears of it, at most' sh -c '! grep -v "^error: stdout" "$0" | grep -v "^make"' "$err"
assert_nothing_left 'nothing is left of all that' 30
done_testing
