#!/bin/sh
# with-lock: one at a time (or COUNT), nobody blocks for ever, and the lock goes with whoever had it, however that ends.
. "$(dirname "$0")/lib.sh"
must run_make -s cache/bin/with-lock cache/bin/with-deadline
with_lock=$top/cache/bin/with-lock
cd "$tmp" || exit 1

run() { # ARGUMENT...: stdout in $out, stderr in $err, the status in $rc
	timeout -k 5 60 "$with_lock" "$@" >"$out" 2>"$err"
	rc=$?
}
# A command in the background that holds FILE: its with-lock in $holder, itself in $(cat held); until `rm held` or killed.
hold() { # [-m TEXT] FILE...
	rm -f held
	"$with_lock" "$@" -- sh -c 'echo $$ >held.new; mv held.new held; while [ -e held ]; do sleep 0.05; done' 2>hold.err &
	holder=$!
	must wait_for '[ -e held ]' 60
}
release() {
	rm -f held
	wait $holder 2>/dev/null
}
free() { # FILE: can it be had at once?
	timeout 20 "$with_lock" -q "$1" -- true
}
gone() { ! alive "$1"; }

topic 'What it runs'
run a -- sh -c 'echo "$LOCKED"; exit 3'
is 'the status and the output are those of the command' "$rc $(cat "$out" "$err")" '3 a'
run a -- sh -c 'kill -KILL $$'
is 'a command that dies of a signal is 128 + its number' $rc 137
run a -- sh -c 'exit 200'
is 'a status beyond 128 is what it was' $rc 200
run a -- printf '%s|' 'x y' '' '$(id)' "a'b"
is 'its arguments reach it whole' "$(cat "$out")" 'x y||$(id)|a'"'b|"
run a -- ./none
is 'a command that is not there is 127' "$rc $(cat "$err")" "127 with-lock: cannot run './none': No such file or directory"
run a -- ./a
is 'one that cannot be run is 126' "$rc $(cat "$err")" "126 with-lock: cannot run './a': Permission denied"
echo input | "$with_lock" a -- cat >"$out"
is 'it has our standard input' "$(cat "$out")" input
is 'a lock file stays, and is nobody else'\''s to read' "$(find a -perm 600)" a
mkdir 'a folder'
run 'a folder/b c' d -- sh -c 'echo "$LOCKED"'
is 'several free locks are one batch, named by their last components' "$(cat "$out")" 'b c d'

topic 'One at a time'
hold -m 'claude-bottle, and more' a
ok 'the lock is held' test -e held
expect_code 'who would have it waits' 124 timeout 0.5 "$with_lock" -q a -- touch ran
ok '... and does not run' test ! -e ran
ok 'another lock is free' free b
: >"$err"
"$with_lock" a -- true 2>"$err" &
waiting=$!
must wait_for '[ -s "$err" ]' 60
kill $waiting
wait $waiting 2>/dev/null
like 'who waits says for whom' "$(cat "$err")" \
	"^with-lock: waiting for 'a', held by pid $holder \\(claude-bottle, and more\\), since [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\$"
is '... once' "$(wc -l <"$err")" 1
timeout 0.5 "$with_lock" -q a -- true 2>"$err"
is '... and not with -q' "$(cat "$err")" ''
(sleep 0.5 && rm -f held) &
run a -- echo mine
is 'it has the lock when the other is done' "$rc $(cat "$out")" '0 mine'
wait

: >log
for i in 1 2 3 4 5 6 7 8; do
	"$with_lock" -q a -- sh -c 'echo "+" >>log; sleep 0.05; echo "-" >>log' &
	pids="${pids-} $!"
done
for pid in $pids; do wait "$pid" || fail 'each of eight has its turn'; done
is 'of eight at once none runs beside another' "$(tr -d '\n' <log)" '+-+-+-+-+-+-+-+-'

topic 'Batches'
hold b
(
	wait_for '[ -s log ]' 60
	release
) &
: >log
run a b c -- sh -c 'echo "$LOCKED" >>log'
is 'what is free is run first, what was not when it is' "$rc $(tr '\n' ' ' <log)" '0 a c b '
wait
hold b
(
	wait_for '[ -s log ]' 60
	release
) &
: >log
run a b -- sh -c 'echo "$LOCKED" >>log; [ "$LOCKED" != a ] || exit 3'
is 'after a batch that failed there is no other' "$rc $(tr '\n' ' ' <log)" '3 a '
wait
hold b
(
	wait_for '[ -s log ]' 60
	release
) &
: >log
run -k a b -- sh -c 'echo "$LOCKED" >>log; [ "$LOCKED" != a ] || exit 3'
is '-k: there is, and the first failure counts' "$rc $(tr '\n' ' ' <log)" '3 a b '
wait
# each wants what the other has: nothing is waited for while a lock is held
pids='' i=0
while [ $i -lt 10 ]; do
	"$with_lock" -q a b c -- sleep 0.02 &
	pids="$pids $!"
	"$with_lock" -q c b a -- sleep 0.02 &
	pids="$pids $!"
	i=$((i + 1))
done
rc=0
for pid in $pids; do wait "$pid" || rc=$?; done
is 'sets that overlap crosswise block nobody' $rc 0

topic 'Few descriptors: a lock is one, of the command too'
set --
i=0
while [ $i -lt 300 ]; do
	set -- "$@" "many.$i"
	i=$((i + 1))
done
for limit in 16 64 256; do
	: >log
	# shellcheck disable=SC3045
	(ulimit -n $limit && exec "$with_lock" "$@" -- sh -c 'set -- $LOCKED; echo $# >>log; exec 3<log 4<log 5<log; cat <log >copy') >"$out" 2>"$err"
	rc=$?
	is "300 locks with $limit descriptors are had in batches" "$rc $(awk '{ n += $1 } END { print n }' log) $(cat "$err")" '0 300 '
	ok '... that leave the command some' test "$(sort -n log | tail -n 1)" -le $((limit / 4))
done
rm -f many.*

topic 'Slots'
: >log
pids='' i=0
while [ $i -lt 9 ]; do
	"$with_lock" -q -s 3 slot -- sh -c 'echo + >>log; sleep 0.2; echo - >>log' &
	pids="$pids $!"
	i=$((i + 1))
done
rc=0
for pid in $pids; do wait "$pid" || rc=$?; done
is '-s 3: all nine have run' "$rc $(wc -l <log)" '0 18'
is '-s 3: never more than three at once, and no fewer than could be' \
	"$(awk '{ n += $1 == "+" ? 1 : -1; if (n > most) most = n } END { print most }' log)" 3
is '-s 3: its locks are FILE.1 to FILE.3' "$(echo slot*)" 'slot.1 slot.2 slot.3'
hold slot.1
run -s 2 slot -- sh -c 'echo "$LOCKED"'
is '-s 2: any that is free will do' "$(cat "$out")" slot.2
expect_code '-s 1: with none free it waits' 124 timeout 0.5 "$with_lock" -q -s 1 slot -- true
release

topic 'However it ends'
hold a
kill -s KILL $holder
ok 'kill -9 of the holder: the command is asked to end, and the lock is free' wait_for 'free a' 60
ok '... and the command gone' wait_for 'gone "$(cat held)"' 60
wait $holder 2>/dev/null

"$with_lock" a -- sh -c 'trap "" TERM; echo $$ >stubborn; while [ -e stubborn ]; do sleep 0.05; done' &
holder=$!
must wait_for '[ -s stubborn ]' 60
kill -s KILL $holder
wait $holder 2>/dev/null
expect_code 'a command that goes on without its with-lock keeps the lock' 124 timeout 0.7 "$with_lock" -q a -- true
rm stubborn
ok '... until it ends' wait_for 'free a' 60

run a -- sh -c 'sleep 30 & echo $! >orphan'
is 'a command may leave a process behind' $rc 0
expect_code '... that keeps the lock' 124 timeout 0.5 "$with_lock" -q a -- true
kill "$(cat orphan)"
ok '... until it ends' wait_for 'free a' 60

run a -- "$top/cache/bin/with-deadline" sh -c 'sleep 30 & echo $! >orphan'
is 'a foreign program may too' "$rc $(kill -0 "$(cat orphan)" && echo alive)" '0 alive'
ok '... but has no lock of ours' free a
kill "$(cat orphan)"

for signal in TERM INT HUP; do
	rm -f held asked
	env --default-signal "$with_lock" a -- \
		sh -c 'trap "echo asked >asked; exit 9" TERM INT HUP; echo $$ >held; while :; do sleep 0.05; done' &
	holder=$!
	must wait_for '[ -s held ]' 60
	kill -s $signal $holder
	wait $holder 2>/dev/null
	rc=$?
	is "SIG$signal: the command is asked to end, then it ends by that signal" "$(cat asked) $(kill -l $rc)" "asked $signal"
	ok '... and the lock is free' free a
done
hold a
env --default-signal "$with_lock" -q a -- touch ran &
waiting=$!
sleep 0.3
kill -s TERM $waiting
wait $waiting 2>/dev/null
rc=$?
is 'SIGTERM while it waits: it ends by that, and has run nothing' "$(kill -l $rc) $(ls ran 2>/dev/null)" 'TERM '
release
(
	trap '' HUP
	exec "$with_lock" a -- sh -c 'kill -HUP $PPID $$; sleep 0.2; echo on >went'
)
is 'nohup: SIGHUP ends neither' "$? $(cat went)" '0 on'

topic 'Usage'
for arguments in '' a '--' 'a --' '-- true' 'a true' '-s' '-m' '-x a -- true'; do
	# shellcheck disable=SC2086 # a list
	run $arguments
	is "with-lock $arguments: called wrongly" "$rc $(wc -c <"$out")" '100 0'
done
for count in 0 -1 1001 x ''; do
	run -s "$count" a -- true
	is "with-lock -s '$count': called wrongly" "$rc $(cat "$err")" \
		"100 with-lock: -s: '$count' is not a whole number from 1 to 1000"
done
run none/a -- true
is 'no folder for the lock' "$rc $(cat "$err")" \
	"111 with-lock: cannot open the lock 'none/a': No such file or directory"
ln -s victim link
run link -- true
is 'a lock is no link' "$rc $(ls victim 2>/dev/null)" '111 '
done_testing
