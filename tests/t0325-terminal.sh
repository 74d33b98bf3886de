#!/bin/sh
# t0325-terminal: a run on a terminal: `stty tostop`, Ctrl-Z and fg, Ctrl-C and Ctrl-\ at each moment, the background, a hang-up.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo script
need_engine
[ "$(uname)" = Linux ] || skip_all 'script(1) is another one here'

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_GATE="$tmp/gate" FAKE_SMOLVM_LATCH='' SESSION="$tmp/session"
must make_image agent
mkdir "$tmp/gate"
mkfifo "$tmp/gate/go" "$tmp/keys"

# A shell with job control on a terminal of its own runs what is in $SESSION; what it printed is in $tmp/screen, what it noted
# in $tmp/note. The environment is ours.
make_words="'$top/tests/make' --no-print-directory -C '$top'"
begin() { # SESSION-TEXT, in which MAKE stands for make's command line
	printf 'trap : INT QUIT\nstty tostop\nnote() { echo "$*" >>"%s/note"; }\n%s\n' "$tmp" "$1" | sed "s|MAKE|$make_words|g" >"$SESSION"
	: >"$tmp/note"
	: >"$FAKE_SMOLVM_LOG"
	rm -f "$CACHE_DIR"/*.smolmachine "$tmp/gate/at"
	# what is started in the background has SIGINT ignored, and a terminal's session has not
	env --default-signal=INT,QUIT script -qefc 'sh -m "$SESSION"' /dev/null <"$tmp/keys" >"$tmp/screen" 2>&1 &
	terminal=$!
	exec 8>"$tmp/keys"
}
# shellcheck disable=SC2059
type_keys() { printf "$1" >&8; }
finish() { # DESCRIPTION NOTE: the session ends, and noted that
	wait_for "! alive $terminal" 120 || kill -s KILL $terminal
	exec 8>&-
	wait $terminal 2>/dev/null
	is "$1" "$(cat "$tmp/note")" "$2" || diag_file 'on the screen' "$tmp/screen"
}
noted() { grep -qx "$1" "$tmp/note"; }
at_gate() { [ -s "$tmp/gate/at" ]; }
# What of the run is not stopped: neither the terminal's own nor this script's.
running() {
	for _pid in $(processes); do
		case $(cat "/proc/$_pid/comm" 2>/dev/null) in make | with-* | run.sh | pack.sh | docker | smolvm | sleep | skopeo) ;; *) continue ;; esac
		case $(sed 's/.*) //' "/proc/$_pid/stat" 2>/dev/null) in '' | T* | Z*) ;; *) echo "$_pid" ;; esac
	done
}

topic 'stty tostop'
export IMAGE="$image"
begin 'MAKE smolmachine; note status $?'
finish 'a run that writes to its terminal is not stopped by `stty tostop`' 'status 0'
like 'what it had to say is on the screen' "$(cat "$tmp/screen")" '  PACK  '
begin 'MAKE smolmachine | cat; note status $?'
finish 'nor in a pipeline' 'status 0'
begin 'sh -c '\''MAKE -j4 smolmachine V=1; exit $?'\''; note status $?'
finish 'nor under -j4 and a shell without job control' 'status 0'
begin 'MAKE smolmachine & wait; note done; MAKE -s smolmachine; note status $?'
finish 'nor in the background' 'done
status 0'
fake_program "$tmp/on-tty" "case \$* in *create*) echo out >/dev/tty; read -r x </dev/tty && echo \"\$x\" >'$tmp/answer' ;; esac
exec '$top/tests/fake/smolvm' \"\$@\""
SMOLVM=$tmp/on-tty begin 'MAKE smolmachine; note status $?'
type_keys 'secret\n'
finish 'a smolvm that asks the terminal gets no answer, and is not stopped' 'status 0'
ok '... none at all' test ! -e "$tmp/answer"

topic 'Ctrl-Z'
mkdir "$tmp/latch"
export FAKE_SMOLVM_LATCH="$tmp/latch"
for route in direct push; do
	export ROUTE=$route
	begin 'MAKE smolmachine; note stopped $?; read -r go <"$SESSION.go"; fg; note status $?'
	rm -f "$SESSION.go" "$tmp/latch"/*
	mkfifo "$SESSION.go"
	ok "ROUTE=$route: a pack is under way" wait_for 'ls "$tmp/latch" | grep -q at.' 60
	type_keys '\032'
	ok '... Ctrl-Z gives the shell back' wait_for 'noted "stopped 148"' 30
	ok '... and stops all that was running' wait_for '[ -z "$(running)" ]' 30 || ps -o pid,ppid,pgid,stat,args -p "$(running | paste -sd, -)" >&2
	isnt '... which is still there' "$(processes)" ''
	: >"$tmp/latch/go"
	echo go >"$SESSION.go"
	finish '... fg goes on to the end' 'stopped 148
status 0'
done
unset ROUTE
export CONTEXT_OF_IT="$context" FAKE_DOCKER_FAULT=build:gate
begin 'MAKE smolmachine CONTEXT="$CONTEXT_OF_IT"; note stopped $?; kill %1; kill -s CONT %1; wait; note killed'
must wait_for at_gate 60
type_keys '\032'
finish 'what is stopped can be killed' 'stopped 148
killed'
assert_nothing_left '... and leaves nothing' 30

topic 'Ctrl-C and Ctrl-\, which are make'\''s usual status'
for key in 003:130:130 034:1:131; do # make itself dies of no SIGQUIT, cat does
	piped=${key##*:} key=${key%:*}
	export FAKE_DOCKER_FAULT=build:gate
	begin 'MAKE smolmachine CONTEXT="$CONTEXT_OF_IT"; note status $?'
	must wait_for at_gate 60
	type_keys "\\${key%:*}"
	finish "key \\${key%:*} at the build" "status ${key#*:}"
	assert_nothing_left '... leaves nothing' 30
	export FAKE_DOCKER_FAULT=push:gate ROUTE=push
	begin 'MAKE smolmachine; note status $?'
	must wait_for at_gate 60
	type_keys "\\${key%:*}"
	finish '... at the push' "status ${key#*:}"
	assert_nothing_left '... leaves nothing' 30
	unset FAKE_DOCKER_FAULT ROUTE
	rm -f "$tmp/latch"/*
	begin 'MAKE smolmachine | cat; note status $?'
	must wait_for 'ls "$tmp/latch" | grep -q at.' 60
	type_keys "\\${key%:*}"
	finish '... at the pack, in a pipeline' "status $piped"
	assert_nothing_left '... leaves nothing' 30
done

topic 'The background, and a terminal that goes'
rm -f "$tmp/latch"/*
begin 'stty -tostop; MAKE smolmachine & until ls "$FAKE_SMOLVM_LATCH" | grep -q at.; do sleep 0.1; done; kill %1; wait %1; note status $?'
finish 'kill %1 ends what runs in the background' 'status 143'
assert_nothing_left '... and leaves nothing' 30
rm -f "$tmp/latch"/*
begin 'MAKE smolmachine; note status $?'
must wait_for 'ls "$tmp/latch" | grep -q at.' 60
kill -s KILL $terminal
wait $terminal 2>/dev/null
exec 8>&-
assert_nothing_left 'a terminal that is closed takes all of it with it' 30
unset FAKE_SMOLVM_LATCH
ok 'and after all that the next run packs' run_make smolmachine
done_testing
