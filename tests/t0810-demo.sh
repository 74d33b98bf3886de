#!/bin/sh
# make demo: a miss, a hit, a miss; it says what it does without, shows its commands, and leaves nothing.
. "$(dirname "$0")/lib.sh"
need_own_engine
stand_in=$SMOLVM
unset SMOLVM REGISTRY_IMAGE CACHE_DIR
mkdir "$tmp/bin"

engine() { { docker image ls -aq --no-trunc && docker ps -aq && docker volume ls -q; } | sort; }
steps() { sed -n 's/^# That was a \([a-z]*\): .*/\1/p' "$out" | xargs; }
# The wrapped registry is there from the start, as the tests' own. Here it is to be made.
docker image inspect --format '{{.Id}}' smolmake-registry:2.8.2 >"$tmp/registry"
docker tag smolmake-registry:2.8.2 another:tag
docker rmi smolmake-registry:2.8.2 >/dev/null
engine >"$tmp/before"

ok 'without smolvm and without a registry image it works' run_make demo
is '... a miss, a hit, a miss' "$(steps)" 'miss hit miss'
like '... the stand-in packs, and it says so' "$(cat "$out")" '^# smolvm is not installed: .*stand-in'
like '... a registry of our own serves, and it says so' "$(cat "$out")" '^# The image is served by a registry of our own'
is '... its three commands are shown' "$(grep -c '^\$ make smolmachine IMAGE=smolmake-demo CONTEXT=' "$out")" 3
engine >"$tmp/after"
same '... and it leaves the engine as it was' "$tmp/after" "$tmp/before"
is '... no file' "$(ls -A "$TMPDIR")" ''
is '... and no cache' "$(cd "$HOME" && find . ! -name . ! -path './.docker*')" ''

ln -s "$stand_in" "$tmp/bin/smolvm"
ok 'with a smolvm and a registry image' env PATH="$tmp/bin:$PATH" REGISTRY_IMAGE=another:tag "$top/tests/make" --no-print-directory -C "$top" demo
cp "$tmp/.log" "$out"
like '... it uses them, and says so' "$(cat "$out")" "^# Here is smolvm [0-9.]*, '"
like '... both' "$(cat "$out")" '^# The registry image is here: another:tag'
is '... and shows the same' "$(steps)" 'miss hit miss'
engine >"$tmp/after"
same '... and leaves the engine as it was' "$tmp/after" "$tmp/before"

must "$top/tests/fake/parts.sh" "$tmp/parts"
printf '#!/bin/sh\nparts='\''%s'\''\nexec "%s" "$@"\n' "$tmp/parts" "$stand_in" >"$tmp/native"
chmod +x "$tmp/native"
export FAKE_SMOLVM="$stand_in" FAKE_SMOLVM_VERSION=1.32.2
ok 'with a smolvm whose parts are here' run_make demo SMOLVM="$tmp/native"
like '... it packs of them, and says what that is good for' "$(cat "$out")" '^# It was packed without a virtual machine, from the parts of smolvm 1\.32\.2, and boots wherever'
is '... and shows the same' "$(steps)" 'miss hit miss'
unset FAKE_SMOLVM FAKE_SMOLVM_VERSION

ok 'with a registry image that cannot be had' run_make demo REGISTRY_IMAGE=127.0.0.1:1/no/such
like '... the wrapped registry serves, and it says so' "$(cat "$out")" '^# The registry image can neither be found nor pulled: .*wrapped'
engine >"$tmp/after"
same '... and it leaves the engine as it was' "$tmp/after" "$tmp/before"

ok 'nothing of the caller gets into it' run_make demo IMAGE=other CONTEXT=/nowhere CPUS=3 OUT="$tmp/out"
ok '... not even OUT' test ! -e "$tmp/out"

start_make demo
wait_for 'grep -q PACK "$err"' 30
kill -s TERM "$make_pid"
finish_make 30
isnt 'ended by SIGTERM' "$rc" 0
wait_for '[ -z "$(processes)" ]' 60
engine >"$tmp/after"
same '... it leaves the engine as it was' "$tmp/after" "$tmp/before"
is '... and no file' "$(ls -A "$TMPDIR")" ''

stop_engine
must_fail 'without an engine' run_make demo
like '... it says what to do' "$(cat "$err")" "^demo: no engine answers to 'docker'; 'make setup demo' starts one"
done_testing
