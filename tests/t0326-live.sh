#!/bin/sh
# t0326-live: what somebody sees while a run goes on: lines that change on a terminal, of each width; plain lines elsewhere.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo tmux script
need_engine

mkdir "$tmp/latch"
export FAKE_SMOLVM_LATCH="$tmp/latch" PACK_JOBS=4 PACK=smolvm ROUTE=direct
must make_image two
two=$image
must make_image one
one=$image

# --- A terminal of its own. The command line is in a file, since tmux has the environment of its first session.
tmux_here() { tmux -S "$tmp/tmux" -f /dev/null "$@"; }
begin() { # COLUMNS ARGS... of make: they see our environment
	columns=$1
	shift
	rm -f "$tmp/latch"/* "$CACHE_DIR"/*.smolmachine "$tmp/ended"
	{
		export -p | grep -v '^export \(TERM\|TMUX\)'
		printf "export TERM=tmux-256color\ncd '%s'\n" "$top"
		printf "'%s' --no-print-directory -C '%s'" "$top/tests/make" "$top"
		printf " '%s'" "$@"
		printf "\necho \"ended \$?\"\necho >'%s'\nexec sleep 1000\n" "$tmp/ended"
	} >"$tmp/session"
	tmux_here new-session -d -s live -x "$columns" -y 24 "sh '$tmp/session'"
}
screen() { tmux_here capture-pane -p -t live | sed 's/ *$//'; }
shows() { screen | grep -Eq "$1"; }
held() { [ "$(find "$tmp/latch" -name 'at.*' | wc -l)" -ge "$1" ]; }
go_on() {
	: >"$tmp/latch/go"
	must wait_for '[ -e "$tmp/ended" ]' 60
	must wait_for "shows '^ended '" 10
}
finish() { tmux_here kill-session -t live; }
# Live rows: nothing else has seconds behind the verb.
live='^  (BUILD|EXPORT|PUSH|PACK|VERIFY) +[0-9]+ s  '

topic 'A terminal, two images'
begin 100 -j4 smolmachine IMAGES="$one $two"
ok 'both are at their packs' wait_for 'held 2' 60
ok 'each has a line' wait_for "shows '${live}$one' && shows '${live}$two'" 10
is '... and no more' "$(screen | grep -Ec "$live")" 2
is '... one below the other, at the bottom' "$(screen | grep -v '^$' | tail -n 2 | grep -Ec "$live")" 2
ok '... whose seconds go on' wait_for "shows '^  PACK +[2-9] s  $one'" 10
is '... in place' "$(screen | grep -Ec "$live")" 2
unlike '... and smolvm'\''s own output is not there' "$(screen)" 'Run with'
go_on
is 'at the end no line is left' "$(screen | grep -Ec "$live")" 0
is '... each answer begins a line' "$(screen | grep -c "^${CACHE_DIR%/*}/")" 2
is 'a table says what was made' "$(screen | sed -nE 's/^  DONE    (.*)  [0-9a-f]{16} +[0-9.]+ [kM]B in [0-9.]+ s$/\1/p' | sed 's/ *$//' | tr '\n' '|')" "$one|$two|"
finish
run_make smolmachine IMAGES="$one $two"
is 'what was there is in the table too' "$(sed -nE 's/^  CACHED  (.*[^ ]) +[0-9a-f]{16} +[0-9.]+ [kM]B$/\1/p' "$err" | tr '\n' '|')" "$one|$two|"

topic 'More images than packs'
begin 100 -j4 smolmachine IMAGES="$one $two" PACK_JOBS=1
must wait_for 'held 1' 60
ok 'one of them waits, and says so' wait_for "shows '^  WAIT +[1-9] s  ($one|$two)\$'" 10
is '... while the other is packed' "$(screen | grep -Ec '^  (PACK|WAIT) +[0-9]+ s  ')" 2
go_on
is '... and is packed then' "$(screen | grep -Ec '^  DONE ')" 2
finish

topic 'A narrow one, and one that changes'
for columns in 40 20; do
	begin $columns smolmachine IMAGE="$one"
	must wait_for 'held 1' 60
	ok "$columns columns: its line is there" wait_for "shows '^  PACK +[0-9]+ s '" 10
	sleep 2.5
	is '... once' "$(screen | grep -Ec '^  PACK +[0-9]+ s ')" 1
	go_on
	finish
done
begin 80 -j4 smolmachine IMAGES="$one $two"
must wait_for 'held 2' 60
must wait_for "shows '$live'" 10
for columns in 200 60 100; do
	tmux_here resize-window -t live -x "$columns" -y 24
	ok "made $columns columns wide: each image has one line" wait_for "[ \"\$(screen | grep -Ec '$live')\" = 2 ]" 10
	sleep 1.5
	is '... also when the seconds have gone on' "$(screen | grep -Ec "$live")" 2
done
go_on
is 'and none at the end' "$(screen | grep -Ec "$live")" 0
finish

topic 'A build'
export FAKE_DOCKER_GATE="$tmp/gate" DOCKER="$tmp/docker"
mkdir "$tmp/gate"
real_docker=$(command -v docker)
fake_program "$tmp/docker" "case \$1 in build) i=0; while [ ! -e '$tmp/gate/go' ]; do i=\$((i + 1)); printf 'step %s \\033[31mred\\033[0m\\033]0;title\\007 50%%\\r 90%%\\tdone\\n' \$i; sleep 0.2; done ;; esac
exec '$real_docker' \"\$@\""
begin 80 smolmachine IMAGE="$one" CONTEXT="$context"
ok 'what it says last stands behind its name' wait_for "shows '^  BUILD +[0-9]+ s  $one   90% done\$'" 30
ok '... also later' wait_for "shows '^  BUILD +[3-9] s  $one   90% done\$'" 10
is '... in one line' "$(screen | grep -c 90%)" 1
: >"$tmp/gate/go"
go_on
unlike 'and nothing of it stays' "$(screen)" 90%
finish
rm "$tmp/gate/go"
: >"$tmp/latch/go"
start_make smolmachine IMAGE="$one" CONTEXT="$context"
must wait_for 'grep -q done "$err"' 60
: >"$tmp/gate/go"
finish_make 60
like 'elsewhere all of it is shown, plain, behind the name' "$(grep -m 1 90% "$err" | tr '\t' '>')" "^$one:  90%>done\$"
unlike '... without what moves a cursor' "$(tr '\r\033' '\001\001' <"$err")" "$(printf '\001')"
unset DOCKER FAKE_DOCKER_GATE

topic 'Not a terminal'
rm -f "$tmp/latch"/* "$CACHE_DIR"/*.smolmachine
start_make -j4 smolmachine IMAGES="$one $two"
must wait_for 'held 2' 60
ok 'each image says within two seconds that it is packed' wait_for "grep -q '^  PACK    $one [12] s' '$err' && grep -q '^  PACK    $two [12] s' '$err'" 10
ok '... and again' wait_for "grep -q '^  PACK    $one [3-6] s' '$err'" 10
: >"$tmp/latch/go"
finish_make 60
is '... and that is all that moves' "$(tr '\r\033' '\001\001' <"$err" | grep -c "$(printf '\001')")" 0
rm -f "$tmp/latch"/* "$CACHE_DIR"/*.smolmachine
start_make -s smolmachine IMAGE="$one"
must wait_for 'held 1' 60
sleep 2.5
: >"$tmp/latch/go"
finish_make 60
is 'under -s there is nothing' "$(cat "$err")" ''
rm -f "$tmp/latch"/* "$CACHE_DIR"/*.smolmachine
start_make smolmachine IMAGE="$one" PROGRESS=json
must wait_for 'held 1' 60
sleep 2.5
: >"$tmp/latch/go"
finish_make 60
unlike 'beside lines of JSON neither' "$(cat "$err")" '^  PACK    .* s$'

topic 'A terminal that cannot, and CI'
for setting in TERM=dumb CI=true; do
	rm -f "$tmp/latch"/* "$CACHE_DIR"/*.smolmachine
	{
		until held 1; do sleep 0.1; done
		sleep 3
		: >"$tmp/latch/go"
	} &
	opener=$!
	env TERM=xterm "$setting" script -qefc "'$top/tests/make' --no-print-directory -C '$top' smolmachine IMAGE='$one'" /dev/null >"$tmp/typescript" </dev/null 2>&1
	unlike "$setting: no escape" "$(tr '\033' '\001' <"$tmp/typescript")" "$(printf '\001')"
	like '... but lines' "$(tr -d '\r' <"$tmp/typescript")" "^  PACK    $one [12] s"
	wait $opener
done

topic 'What a program passes on'
fake_program "$tmp/loud" "case \$* in *create*) printf 'one\\rtwo\\n\\033[2Jthree\\n' ;; esac
exec '$top/tests/fake/smolvm' \"\$@\""
rm -f "$CACHE_DIR"/*.smolmachine
run_make smolmachine IMAGE="$one" SMOLVM="$tmp/loud"
unlike 'smolvm'\''s own output is not shown' "$(cat "$err")" 'two|three'
rm -f "$CACHE_DIR"/*.smolmachine
run_make smolmachine IMAGE="$one" SMOLVM="$tmp/loud" V=1
is '... but with V=1, plain, behind the name' "$(grep -E 'two|three' "$err" | tr '\r\033\n' '123')" "$one: two3$one: three3"
rm -f "$CACHE_DIR"/*.smolmachine
export FAKE_SMOLVM_FAULT=fail
must_fail 'where it fails' run_make smolmachine IMAGE="$one" SMOLVM="$tmp/loud"
is '... it is shown, once' "$(grep -E 'two|three' "$err" | tr '\r\033\n' '123')" "$one: two3$one: three3"
unset FAKE_SMOLVM_FAULT
done_testing
