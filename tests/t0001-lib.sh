#!/bin/sh
# The test library itself: a failing assertion fails, a crash is no "failure", a skip fails under STRICT, nothing stays behind.
. "$(dirname "$0")/lib.sh"

# Runs a script that uses the library; its TAP in $out, its status in $rc. The script's own folders are in $tmp/inner.
mkdir "$tmp/inner" || exit 1
try() { # SCRIPT TEXT [VARIABLE=VALUE...]
	printf '%s\n' ". '$top/tests/lib.sh'" "$1" >"$tmp/t9999-inner.sh"
	shift
	env SMOLMAKE_TEST_TOP="$top" SMOLMAKE_TEST_TMP="$tmp/inner" STRICT= "$@" sh "$tmp/t9999-inner.sh" >"$out" 2>&1
	rc=$?
}
tap() { grep -Ev '^(#|$)' "$out"; } # what counts
fails() { # DESCRIPTION: the script just tried has failed, and said so in TAP
	is "$1" "$rc $(grep -c "^not ok" "$out")" "1 1"
}
passes() { is "$1" "$rc $(grep -c "^not ok" "$out")" "0 0"; }

try "pass a; is b 1 1; like c abc '^a.c$'; unlike d abc x; isnt e 1 2; ok f true; must_fail g false; expect_code h 3 sh -c 'exit 3'; done_testing"
is 'passing assertions are numbered and the plan stands at the end' "$(tap)" 'ok 1 - a
ok 2 - b
ok 3 - c
ok 4 - d
ok 5 - e
ok 6 - f
ok 7 - g
ok 8 - h
1..8'
is 'a script whose assertions pass exits 0' "$rc" 0
try "topic 'a hit'; is packs 1 1; is again 1 2; topic ''; pass alone; done_testing"
is 'each title begins with the topic' "$(tap)" 'ok 1 - a hit: packs
not ok 2 - a hit: again
ok 3 - alone
1..3'
like '... that of a failure too' "$(cat "$out")" '^# .*failed test 2 - a hit: again'

for assertion in 'is x 1 2' 'isnt x 1 1' 'like x abc z' 'unlike x abc b' 'ok x false' 'must_fail x true' 'expect_code x 3 true' 'fail x' 'must false'; do
	try "$assertion; pass later; done_testing"
	fails "it fails: $assertion"
done
printf 'a\n' >"$tmp/a"
printf 'b\n' >"$tmp/b"
try "same x '$tmp/a' '$tmp/a'; done_testing"
passes 'equal files are the same'
try "same x '$tmp/a' '$tmp/b'; done_testing"
fails 'different files are not'
like '... and are shown as a diff' "$(cat "$out")" '^#.*[+]a'

try "must_fail x no-such-command; done_testing"
fails 'a command that does not exist is no plain failure'
try "must_fail x /; done_testing"
fails 'one that cannot be executed neither'
try "must_fail x sh -c 'kill -SEGV \$\$'; done_testing"
fails 'a crash neither'
try "must_fail x sh -c 'exit 124'; done_testing"
fails 'a deadline passed neither'

try "is x 'say
not ok 7' z; done_testing"
is 'diagnostics cannot be taken for results' "$(grep -c '^not ok' "$out")" 1
try "ok 'it speaks' sh -c 'echo the-output; echo the-error >&2; exit 7'; done_testing"
like 'a failed command is shown with its status and its output' "$(cat "$out")" '^# exit status: 7'
like '... stdout' "$(cat "$out")" '^# *the-output'
like '... and stderr' "$(cat "$out")" '^# *the-error'

try "(pass lost); pass kept; done_testing"
fails 'an assertion lost in a subshell is noticed'
try "done_testing"
fails 'a script without a test fails'
try "pass a"
unlike 'a script that ends early has no plan, so prove fails it' "$(cat "$out")" '^1\.\.'

try "skip x 'no frobnicator'; done_testing"
passes 'a skip passes'
try "skip x 'no frobnicator'; done_testing" STRICT=1
fails 'under STRICT=1 it fails'
like '... and names what is missing' "$(cat "$out")" 'no frobnicator'
try "skip_kernel x 'no namespaces'; skip_macos y 'no sandbox-exec'; done_testing" STRICT=1
passes 'but not where the kernel refused, or only macOS could'
try "need no-such-tool; pass a; done_testing"
is 'a script that needs a missing tool is skipped whole' "$rc $(tap)" "0 1..0 # SKIP no-such-tool is missing"
try "need no-such-tool; pass a; done_testing" STRICT=1
fails 'under STRICT=1 it fails'
try "need_engine; pass a; done_testing" SMOLMAKE_TEST_ENGINE= STRICT=1
fails 'without an engine too'

try "env; done_testing" SECRET=x MAKEFLAGS=k MAKELEVEL=1 MFLAGS=-k 'MAKEOVERRIDES=X=1' IMAGE=x CACHE_DIR=/nowhere LC_ALL=de_DE.UTF-8
unlike 'nothing of the caller comes through' "$(cat "$out")" '^(SECRET|MAKE.*|MFLAGS|IMAGE)=|nowhere|de_DE'
is 'HOME, TMPDIR, XDG_CACHE_HOME and CACHE_DIR are in the folder of the script' \
	"$(grep -Ec "^(HOME|TMPDIR|XDG_CACHE_HOME|CACHE_DIR)=$tmp/inner/t9999-inner" "$out")" 4
try "ls -d \"\$HOME\" \"\$TMPDIR\"; [ ! -e \"\$CACHE_DIR\" ] && echo no-cache; done_testing"
like '... the first two exist, the cache does not' "$(cat "$out")" '^no-cache'

ls -A "$tmp/inner" >"$tmp/listing"
is 'all that goes again' "$(cat "$tmp/listing")" ''
try "mkdir -p \$tmp/x/y; touch \$tmp/x/y/z; chmod 500 \$tmp/x/y \$tmp/x; pass a; done_testing"
is '... read-only folders too' "$(ls -A "$tmp/inner")" ''
try "pass a; done_testing" KEEP=1
like 'KEEP=1 keeps it' "$(ls -A "$tmp/inner")" '^t9999-inner'
rm -rf "$tmp"/inner/*

# An orphan, in a session of its own: as the recipes of a killed make are.
try "(setsid sleep 300 & echo \$! >'$tmp/pid'); wait_for '[ -s $tmp/pid ]' 30
	wait_for '[ -n \"\$(processes)\" ]' 30; processes >'$tmp/found'; pass a; done_testing"
read -r orphan <"$tmp/pid"
is 'an orphaned process is found' "$(cat "$tmp/found")" "$orphan"
must_fail '... and killed at the end' alive "$orphan"
try "(trap '' TERM; sleep 300 & echo \$! >'$tmp/pid'; wait) & wait_for '[ -s $tmp/pid ]' 30; kill -KILL \$\$"
is 'a script killed by SIGKILL' "$rc" 137
read -r orphan <"$tmp/pid"
kill -KILL "$orphan"
rm -rf "$tmp"/inner/*
try "(sleep 1; kill -TERM \$\$) & (trap '' TERM; setsid sleep 300 & echo \$! >'$tmp/pid'); sleep 30 & wait \$!; pass a; done_testing"
is 'a script ended by SIGTERM dies of it' "$rc" 143
read -r orphan <"$tmp/pid"
must_fail '... with what it has started' alive "$orphan"
is '... and its folder' "$(ls -A "$tmp/inner")" ''

start=$(date +%s)
must_fail 'wait_for gives up' wait_for false 1
ok '... in time' test $(($(date +%s) - start)) -le 3
ok 'wait_for waits' wait_for "[ \$(date +%s) -gt $(date +%s) ]" 60

# make: a checkout with a makefile of ours
mkdir -p "$tmp/top/tests"
mkdir -p "$tmp/top/mk" && cp "$top/tests/lib.sh" "$top/tests/make" "$tmp/top/tests/" && cp "$top/mk/settings" "$tmp/top/mk"
# One process: a SIGINT that comes while GNU Make or the shell starts the next one does not reach that.
printf 'all:\n\t@echo answer; echo trouble >&2; exit 3\nok:\n\t@:\nslow:\n\t@exec perl -e '\''$$| = 1; print "begun\\n"; sleep 60'\''\n' >"$tmp/top/GNUmakefile"
try_make() { # SCRIPT TEXT: with the assertions in it
	try "$1; done_testing" SMOLMAKE_TEST_TOP="$tmp/top"
}
try_make 'run_make all; is a $rc 2; is b "$(cat "$out")" answer; like c "$(cat "$err")" "^trouble$"; ok d run_make ok'
passes 'run_make keeps stdout, stderr and status apart'
try_make 'make_deadline=1; run_make slow; is a $rc 124'
passes '... and ends what takes too long'
try_make 'must_fail a run_make ok'
like 'its output is shown when an assertion about it fails' "$(cat "$out")" '^# stderr: \(empty\)'
for signal in INT TERM; do
	try_make "start_make slow; wait_for 'grep -q begun \"\$out\"' 30; kill -s $signal -- -\$make_pid; finish_make 30; isnt a \$rc 124; isnt b \$rc 0"
	passes "SIG$signal ends the group of start_make"
done
try_make 'start_make slow; finish_make 1; is a $rc 124'
passes 'finish_make waits no longer than it is told'
try_make 'start_make all; finish_make 30; is a $rc 2'
passes '... and else gives the status'
done_testing
