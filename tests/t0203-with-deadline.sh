#!/bin/sh
# with-deadline: a foreign program as a stage: its deadline, its whole process group, its log, and what the user sees of it.
. "$(dirname "$0")/lib.sh"
must run_make -s cache/bin/with-deadline
with_deadline=$top/cache/bin/with-deadline
cd "$tmp" || exit 1

run() { # ARGUMENT...: stdout in $out, stderr in $err, the status in $rc, whole seconds in $took
	took=$(date +%s)
	timeout -k 5 60 "$with_deadline" "$@" >"$out" 2>"$err"
	rc=$?
	took=$(($(date +%s) - took))
}
did() { # DESCRIPTION STATUS STDERR: of the last run, which printed nothing on stdout
	is "$1" "$rc
$(cat "$out" "$err")" "$2
$3"
}
gone() { ! alive "$1"; }

topic 'The program'
run sh -c 'exit 3'
did 'the status is the program'\''s' 3 ''
run sh -c 'exit 200'
did '... beyond 128 too' 200 ''
run sh -c 'kill -KILL $$'
did 'one that dies of a signal is 128 + its number, and that is said' 137 "with-deadline: sh: 'sh' died of signal 9"
run ./none
did 'one that is not there is 127' 127 "with-deadline: cannot run './none': No such file or directory"
: >data
run ./data
did 'one that cannot be run is 126' 126 "with-deadline: cannot run './data': Permission denied"
run printf '%s|' 'x y' '' '$(id)' "a'b"
did 'its arguments reach it whole; what it prints goes to stderr' 0 'x y||$(id)|a'"'b|"
echo input | "$with_deadline" cat 2>"$err"
is 'it has no input' "$(cat "$err")" ''
mkdir 'a folder'
run -d 'a folder' pwd
did '-d: it runs there' 0 "$tmp/a folder"
run -d none true
did '-d: a folder that is not there' 127 "with-deadline: cannot run 'true' in 'none': No such file or directory"
printf 'x y\0\0$(id)\n\0-Z' >rest
run -a rest printf '%s|' first
did '-a: more arguments from a file, of any bytes' 0 'first|x y||$(id)
|-Z|'
run -a none true
did '-a: a file that is not there' 111 "with-deadline: cannot read 'none': No such file or directory"
run -o 'the output' sh -c 'echo out; echo err >&2'
did '-o: its output goes there, its errors do not' 0 err
is '... and is there' "$(cat 'the output')" out
"$with_deadline" -o closed sh -c 'echo out; echo err >&2' <&- 2>"$err"
is '-o: with our input closed too' "$? $(cat closed) $(cat "$err")" '0 out err'
echo precious >victim
ln -s victim link
run -o link true
did '-o: through no link' 111 "with-deadline: cannot create 'link': Too many levels of symbolic links"
is '... what it names is as it was' "$(cat victim)" precious
# whatever makes a list of descriptors opens one itself, which is gone by the time it is looked at
exec 7<victim
run sh -c 'for fd in /proc/$$/fd/*; do n=${fd##*/}; [ "$n" -lt 3 ] || [ ! -e "$fd" ] || echo "$n"; done'
exec 7<&-
[ -d /proc/self/fd ] || skip_kernel 'descriptors' 'no /proc'
did 'it has no descriptor of ours' 0 ''

topic 'The deadline'
run -t 1 -n pack sh -c 'echo $$ >leader; sleep 60 & echo $! >child; (sleep 61 & echo $! >grandchild; wait) & wait'
did 'a deadline that passes is 124, and is said' 124 "with-deadline: pack: 'sh' did not end within 1 s and was stopped"
ok '... in time' test $took -le 3
for who in leader child grandchild; do
	ok "... the $who is gone" wait_for 'gone "$(cat $who)"' 60
done
run -t 1 -n pack sh -c 'trap "echo asked >asked; exit" TERM; while :; do sleep 0.05; done'
is 'it is asked first, so that it can clear up' "$rc $(cat asked)" '124 asked'
run -t 1 -n pack sh -c 'trap "" TERM; echo $$ >leader; while :; do sleep 0.5; done'
is 'who does not listen is killed 5 s later' "$rc $((took >= 6 && took <= 8))" '124 1'
ok '... and is gone' gone "$(cat leader)"
run -t 30 true
did 'a deadline that does not pass costs nothing' 0 ''
ok '... no time either' test $took -le 1
run -t 0 sleep 0.1
did '-t 0 is none' 0 ''

topic 'Log'
run -l log sh -c 'echo out; echo err >&2'
did '-l: what was quick and succeeded is silent' 0 ''
is '... and is in the log' "$(cat log)" 'out
err'
ok '... nobody else'\''s to read' test -n "$(find log -perm 600)"
run -l log sh -c 'echo out; echo err >&2; exit 3'
did '-l: what failed is shown in full' 3 'out
err'
run -l log -p x/y sh -c 'echo out; echo err >&2; printf end; exit 3'
did '-p: a prefix before each line, and the last has an end' 3 'x/y: out
x/y: err
x/y: end'
run -l log -t 1 -n push sh -c 'printf half; sleep 60'
did '-l: what was stopped too, and why on a line of its own' 124 "half
with-deadline: push: 'sh' did not end within 1 s and was stopped"
V=1 SILENT=
export V SILENT
run -l log sh -c 'echo out'
did '-l: V=1 shows what succeeded' 0 out
: >"$err"
for name in a b; do
	"$with_deadline" -l log.$name -p $name sh -c 'yes text | head -n 2000' 2>>"$err" &
done
wait
is '... and lines of two at once do not mix' "$(sort "$err" | uniq -c | tr -s ' \n' ' ')" ' 2000 a: text 2000 b: text '
: >"$err"
"$with_deadline" -l log.a -p a sh -c 'printf half; until [ -e between ]; do sleep 0.05; done; sleep 0.5; echo " line"' 2>>"$err" &
"$with_deadline" -l log.b -p b sh -c 'sleep 0.5; echo b; : >between' 2>>"$err" &
wait
is '... not where one is written in pieces either' "$(sort "$err")" 'a: half line
b: b'
unset V SILENT
"$with_deadline" -l log sh -c 'echo early; sleep 4; echo late; sleep 2' 2>"$err" &
pid=$!
sleep 1
is '-l: a while nothing is shown' "$(cat "$err")" ''
ok '... then what came, while it runs' wait_for '[ "$(cat "$err")" = early ] && alive $pid' 60
ok '... and what comes' wait_for '[ "$(tail -n 1 "$err")" = late ] && alive $pid' 4
wait $pid
is '... each once' "$? $(tr '\n' ' ' <"$err")" '0 early late '
SILENT=s
export SILENT
run -l log sh -c 'echo early; sleep 2.5'
did '-l: make -s shows nothing of what succeeds' 0 ''
run -l log sh -c 'echo early; exit 3'
did '... but all of what fails' 3 early
unset SILENT
run -q -l log sh -c 'echo early; sleep 2.5'
did '-q: nothing of what succeeds' 0 ''
run -q -l log sh -c 'echo early; exit 3'
did '... but all of what fails' 3 early
V=1
export V
run -q -l log sh -c 'echo early'
did '... and with V=1 all' 0 early
run -l log -p a sh -c 'printf "1 %%\r\033[31m2 %%\033[0m\r\n\033]0;title\007x\ty\n\r\rz"'
did '-l: what moves a cursor is not passed on' 0 "a: 2 %
a: x	y
a: z"
unset V
WATCHED=screen
export WATCHED
run -l log sh -c 'echo early; sleep 2.5'
did '-l: where the image has a line of its own, what succeeds is not shown' 0 ''
unset WATCHED
run -l log -o output sh -c 'echo out; echo err >&2; exit 3'
did '-l -o: the output is no log' 3 err
is '... and goes where it should' "$(cat output)" out
head -c 300000 /dev/zero | tr '\0' x >long
run -l log sh -c 'cat long; exit 3'
is '-l: a long log is shown whole' "$(tr -d '\n' <"$err" | wc -c)" 300000
run -l link true
did '-l: through no link' 111 "with-deadline: cannot create 'link': Too many levels of symbolic links"
run -l none/log true
did '-l: no folder for it' 111 "with-deadline: cannot create 'none/log': No such file or directory"

topic 'What it leaves for others'
run -n tag -s seconds true
run -n push -s seconds sleep 0.2
run -n pack -s seconds false
like '-s: a line a stage that succeeded' "$(cat seconds)" '^tag [0-9]+$'
is '... and only of those' "$(cut -d ' ' -f 1 seconds | tr '\n' ' ')" 'tag push '
ok '... in milliseconds' test "$(sed -n 's/^push //p' seconds)" -ge 150 -a "$(sed -n 's/^push //p' seconds)" -lt 60000
run -s seconds2 true
like '-s: without a stage it has the program'\''s name' "$(cat seconds2)" '^true [0-9]+$'
run -c finished false
is '-c: what failed is not done' "$rc $(ls finished 2>/dev/null)" '1 '
run -c finished true
is '-c: what succeeded is' "$rc $(ls finished)" '0 finished'
run -n pack -b -i a true
did '-b: a line says what is done, and of what' 0 '  PACK    a'
run -n registry -b -i "$(printf 'a\033[31m\nb')" true
did '... on one line, whatever the text' 0 '  REGISTR a?[31m?b'
run -n pack -b true
did '... of nothing, none' 0 ''
WATCHED=screen
export WATCHED
run -n pack -b -i a true
did '... nor where the image has a line of its own' 0 ''
unset WATCHED
SILENT=s
export SILENT
run -n pack -b -i a true
did '... nor under make -s' 0 ''
unset SILENT

topic 'However we end'
for signal in TERM INT HUP; do
	rm -f child asked
	env --default-signal "$with_deadline" -c finished3 \
		sh -c 'trap "echo asked >asked; exit" TERM; sleep 60 & echo $! >child; while :; do sleep 0.05; done' 2>/dev/null &
	pid=$!
	must wait_for '[ -s child ]' 60
	kill -s $signal $pid
	wait $pid 2>/dev/null
	rc=$?
	is "SIG$signal: the program is asked to end, then we end by that signal" "$(cat asked) $(kill -l $rc)" "asked $signal"
	ok '... and its child is gone' wait_for 'gone "$(cat child)"' 60
done
ok '... and it was not done' test ! -e finished3
rm -f leader
"$with_deadline" sh -c 'trap "" TERM; echo $$ >leader; while :; do sleep 0.05; done' &
pid=$!
must wait_for '[ -s leader ]' 60
kill -s KILL $pid
wait $pid 2>/dev/null
if [ "$(uname)" = Linux ]; then
	ok 'kill -9 of us: the program is killed' wait_for 'gone "$(cat leader)"' 60
fi
rm -f leader
sh -c '"$1" sh -c "echo \$\$ >leader; exec sleep 60" & wait' sh "$with_deadline" &
pid=$!
must wait_for '[ -s leader ]' 60
kill -s KILL $pid
wait $pid 2>/dev/null
ok 'kill -9 of our parent: the program ends' wait_for 'gone "$(cat leader)"' 60
(
	trap '' HUP
	exec "$with_deadline" sh -c 'kill -HUP $PPID $$; sleep 0.2; echo on >went'
)
is 'nohup: SIGHUP ends neither' "$? $(cat went)" '0 on'

topic 'Usage'
for arguments in '' '-t 1' '-t' '-x true' '-l'; do
	# shellcheck disable=SC2086 # a list
	run $arguments
	is "with-deadline $arguments: called wrongly" "$rc $(wc -c <"$out")" '100 0'
done
for seconds in -1 1.5 1000001 x ''; do
	run -t "$seconds" true
	did "with-deadline -t '$seconds': called wrongly" 100 \
		"with-deadline: -t: '$seconds' is not a whole number from 0 to 1000000"
done
done_testing
