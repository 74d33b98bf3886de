#!/bin/sh
# tests/run as root: an engine of its own, of which nothing is left and by which nothing outside is changed, however it ends.
. "$(dirname "$0")/lib.sh"
need_own_engine # so that nothing else happens here meanwhile

# Every run tells its name, by which its cgroups are known: those of all suites on a machine are in one place.
: >"$tmp/names"
printf '#!/bin/sh\necho "${SMOLMAKE_TEST_CGROUP##*/}" >>"%s"\nexec "$@"\n' "$tmp/names" >"$tmp/record"
run="$top/tests/run -e private -x sh $tmp/record"

# What is the machine's, seen from here: links, firewall, mounts, cgroups, processes, the folder for temporary files.
host() {
	ip -brief link | sed 's/@.*//'
	iptables-save | grep -v '^#' | sed 's/\[.*//'
	cut -d' ' -f3- /proc/self/mountinfo | grep -v '/containers/\|/netns/\|/overlay2/' | sort
	find /sys/fs/cgroup -type d | grep -F -f "$tmp/names" | sort
	ls -d "$TMPDIR"/*
} 2>/dev/null
daemons() { pgrep -f "dockerd.*$TMPDIR/"; }

host >"$tmp/before"
# shellcheck disable=SC2016,SC2086
ok 'it runs a command beside an engine that publishes ports' $run sh -euc '
	[ "$DOCKER_HOST" = "unix://$SMOLMAKE_TEST_SOCKET" ]
	kill -0 "$SMOLMAKE_TEST_DOCKERD_PID"
	[ "$(docker ps -aq | wc -l)" = 0 ]
	id=$(docker run -d -p 127.0.0.1::5000 "$SMOLMAKE_TEST_REGISTRY_IMAGE")
	port=$(docker port "$id" 5000/tcp)
	for try in 1 2 3 4 5 6 7 8 9 10; do
		curl -fsS "http://$port/v2/" && exit
		sleep 0.2
	done
	exit 1'
host >"$tmp/after"
same '... and leaves links, firewall, mounts, cgroups and files as they were' "$tmp/after" "$tmp/before"
must_fail '... and no daemon' daemons

# shellcheck disable=SC2086
expect_code 'its status is that of the command' 42 $run sh -c 'exit 42'
# shellcheck disable=SC2086
is 'the command has our stdin' "$(echo hello | $run cat)" hello
# shellcheck disable=SC2016,SC2086
ok '... and SIGINT is not ignored' $run sh -c 'sh -c '"'"'kill -INT $$'"'"'; [ $? = 130 ]'
# shellcheck disable=SC2016,SC2086
ok 'no MAKEFLAGS of a calling make come through' env MAKEFLAGS=k MAKELEVEL=1 $run sh -c '[ -z "${MAKEFLAGS-}${MAKELEVEL-}" ]'

begin() { # starts one that waits, with a container in it
	rm -f "$tmp/up"
	# shellcheck disable=SC2016,SC2086
	env --default-signal=INT setsid $run sh -euc '
		docker run -d -p 127.0.0.1::5000 "$SMOLMAKE_TEST_REGISTRY_IMAGE" && echo up >"$0"; sleep 300' "$tmp/up" >"$tmp/said" 2>&1 &
	runner=$!
	wait_for '[ -s "$tmp/up" ]' 60 || cat "$tmp/said"
}
for signal in TERM=143 INT=130 HUP=129; do
	status=${signal#*=} signal=${signal%=*}
	begin
	ok "an engine is up before SIG$signal" daemons
	kill -s "$signal" $runner
	wait $runner
	is "SIG$signal ends it" $? "$status"
	must_fail '... and the engine' daemons
	host >"$tmp/after"
	same '... and all is as it was' "$tmp/after" "$tmp/before"
done

begin
kill -s KILL $runner
wait $runner 2>/dev/null
ok 'SIGKILL of it takes the engine with it' wait_for '! daemons' 60
host >"$tmp/after"
like '... what is left is its folder' "$(diff "$tmp/before" "$tmp/after" | grep '^>')" '^> .*/smolmake-check\.'
# shellcheck disable=SC2086
ok '... which the next run' $run true
host >"$tmp/after"
same '... takes away' "$tmp/after" "$tmp/before"

begin
live=$(ls -d "$TMPDIR"/smolmake-check.*)
# shellcheck disable=SC2086
ok 'a run beside a live one' $run true
ok '... leaves that alone' test -d "$live/engine"
ok '... and its engine' daemons
kill $runner
wait $runner

expect_code 'an unknown engine is refused' 100 "$top/tests/run" -e other
expect_code 'an unknown option too' 100 "$top/tests/run" -z
expect_code 'what the engine needs and is missing' 111 env PATH="$tmp" /bin/sh "$top/tests/run" -e private -x true
done_testing
