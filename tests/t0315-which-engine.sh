#!/bin/sh
# t0315-which-engine: DOCKER is asked, and what it asks: every form of DOCKER_HOST that docker takes, a DOCKER that is a script with a
# -H or a --context of its own, podman under docker's name. An export comes from the socket only where that is the same engine.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq perl socat
need_engine
[ -n "${SMOLMAKE_TEST_SOCKET-}" ] || skip_all 'the engine has no socket that is known'

export FAKE_SMOLVM_VERSION=1.17.0 STORE_MAX=100 REGISTRY_IMAGE=
real=unix://$SMOLMAKE_TEST_SOCKET log=$tmp/docker.log
mkdir "$tmp/bin"
must make_image agent
relays=
relay() { # SOCAT ADDRESSES
	socat "$@" 2>/dev/null &
	relays="$relays $!"
}
# A client that notes how it is called, and asks what it is told to.
client() { # NAME ARGUMENTS OF docker BEFORE ALL OTHERS
	fake_program "$tmp/bin/$1" "echo \"\$*\" >>'$log'; exec docker $2 \"\$@\""
}
saves() { grep -c '^save' "$log"; }
packs_with() { # SETTING...
	rm -rf "$CACHE_DIR"
	: >"$log"
	run_make smolmachine IMAGE="$image" "$@" && "$top/cache/bin/verify-machine" "$(cat "$out")" && return
	cat "$err"
	return 1
}

topic 'The same engine by another path of its socket; another one, of another name, that has no image'
relay "UNIX-LISTEN:$tmp/same.sock,fork" "UNIX-CONNECT:$SMOLMAKE_TEST_SOCKET"
cat >"$tmp/bin/other-engine" <<EOT
#!/bin/sh
read -r request
echo "\$request" >>'$tmp/other.log'
case \$request in
*/info*) status='200 OK' body='{"ID":"AAAA:BBBB","Name":"other","DockerRootDir":"/var/lib/docker"}' ;;
*) status='404 Not Found' body='{"message":"No such image"}' ;;
esac
printf 'HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "\$status" "\${#body}" "\$body"
EOT
chmod +x "$tmp/bin/other-engine"
relay "UNIX-LISTEN:$tmp/other.sock,fork" "EXEC:$tmp/bin/other-engine"
must wait_for "[ -S '$tmp/same.sock' ] && [ -S '$tmp/other.sock' ]" 10

client plain ''
client with-host "-H '$real'"
export ROUTE=direct
DOCKER_HOST=unix://$tmp/same.sock
export DOCKER_HOST
ok 'the engine of the socket is that of the client' packs_with DOCKER="$tmp/bin/plain"
is '... and exports by the socket' "$(saves)" 0
ok '... also where the client has a -H of its own' packs_with DOCKER="$tmp/bin/with-host"
is '... that leads to the same' "$(saves)" 0
DOCKER_HOST=unix://$tmp/other.sock
: >"$tmp/other.log"
ok 'a client whose -H leads elsewhere than DOCKER_HOST' packs_with DOCKER="$tmp/bin/with-host"
is '... exports by itself' "$(saves)" 1
is '... the other engine is asked who it is, and for nothing else' "$(grep -c ' /[^ ]*images' "$tmp/other.log") $(grep -c ' /info ' "$tmp/other.log")" '0 1'
DOCKER_HOST=unix:///nowhere/docker.sock
ok 'the same where DOCKER_HOST leads nowhere' packs_with DOCKER="$tmp/bin/with-host"
is '... it exports by itself' "$(saves)" 1
ok '... and is pushed to our own registry' packs_with DOCKER="$tmp/bin/with-host" ROUTE=push
must_fail 'a client without a -H is refused there' packs_with DOCKER="$tmp/bin/plain"
like '... with the path' "$(cat "$err")" "^error: DOCKER: no engine answers at 'unix:///nowhere/docker.sock' \(No such file"
unset DOCKER_HOST
must docker context create near --docker "host=$real" >/dev/null
client with-context '--context near'
ok 'a client with a --context of its own' packs_with DOCKER="$tmp/bin/with-context"
DOCKER_HOST=unix://$tmp/other.sock
: >"$tmp/other.log"
fake_program "$tmp/bin/with-context" "echo \"\$*\" >>'$log'; unset DOCKER_HOST; exec docker --context near \"\$@\""
ok '... that leads elsewhere than DOCKER_HOST' packs_with DOCKER="$tmp/bin/with-context"
is '... exports by itself' "$(saves) $(grep -c images "$tmp/other.log")" '1 0'
unset DOCKER_HOST
export DOCKER_CONTEXT=near
ok 'DOCKER_CONTEXT' packs_with DOCKER="$tmp/bin/plain"
is '... names the socket' "$(saves)" 0
unset DOCKER_CONTEXT
rm -rf "$HOME/.docker"

topic "podman under docker's name, beside a socket where docker answers"
fake_program "$tmp/bin/docker" "
echo \"\$*\" >>'$log'
case \$1 in
--version) echo 'podman version 4.3.1' && exit ;;
push | pull)
	[ \"\$2\" = --tls-verify=false ] || { echo 'server gave HTTP response to HTTPS client' >&2 && exit 125; }
	verb=\$1
	shift 2
	exec '$(command -v docker)' -H '$real' \"\$verb\" \"\$@\"
	;;
save)
	[ \"\$2 \$3 \$4\" = '--quiet --format=docker-archive --multi-image-archive' ] || exit 125
	shift 4
	exec '$(command -v docker)' -H '$real' save \"\$@\"
	;;
esac
exec '$(command -v docker)' -H '$real' \"\$@\""
for host in "$real" unix:///nowhere/docker.sock; do
	DOCKER_HOST=$host
	export DOCKER_HOST
	ok "podman behind the name docker, DOCKER_HOST=${host##*/}: ROUTE=direct" packs_with DOCKER="$tmp/bin/docker"
	is '... it is podman that exports' "$(saves)" 1
	ok '... ROUTE=push' packs_with DOCKER="$tmp/bin/docker" ROUTE=push
	is '... with what podman needs for plain HTTP' "$(grep -c '^push --tls-verify=false' "$log")" 1
	: >"$log"
	ok '... a hit' run_make smolmachine IMAGE="$image" DOCKER="$tmp/bin/docker"
	[ "$host" != "$real" ] ||
		is '... asks once, and for nothing but the image' "$(sed 's/ [^ ]*$//' "$log")" 'image inspect'
done

topic 'Forms of DOCKER_HOST'
if [ "$SMOLMAKE_TEST_ENGINE" = private ] && ! curl -s --max-time 2 http://127.0.0.1:2375/_ping >/dev/null; then
	relay TCP-LISTEN:2375,bind=127.0.0.1,fork,reuseaddr "UNIX-CONNECT:$SMOLMAKE_TEST_SOCKET"
	must wait_for 'docker -H tcp://127.0.0.1:2375 version >/dev/null 2>&1' 10
	for host in 127.0.0.1:2375 :2375 tcp://:2375 tcp:// tcp://127.0.0.1 localhost tcp://LOCALHOST:2375 ' tcp://127.0.0.1:2375 ' tcp://127.0.0.1:2375/; do
		DOCKER_HOST=$host
		ok "DOCKER_HOST='$host' is this machine's, for a push too" run_make image-id IMAGE="$image" ROUTE=push
	done
	ok '... and packs' packs_with ROUTE=push
	ok '... by both routes' packs_with ROUTE=direct
fi
DOCKER_HOST=" $real
"
ok 'blanks around a socket are nothing' packs_with DOCKER="$tmp/bin/plain"
is '... it is that socket' "$(saves)" 0
for host in 192.0.2.1:2375 tcp://192.0.2.1 tcp://127.example.com:2375 ssh://nobody@192.0.2.1; do
	DOCKER_HOST=$host
	must_fail "DOCKER_HOST=$host is refused for a push" run_make smolmachine IMAGE="$image" ROUTE=push
	like '... as remote' "$(cat "$err")" "^error: DOCKER: the engine at '.*$host' is remote"
done
for host in npipe:////./pipe/docker_engine fd://3 UNIX:///x http://127.0.0.1:1; do
	DOCKER_HOST=$host
	must_fail "DOCKER_HOST=$host is refused" run_make smolmachine IMAGE="$image" ROUTE=push
	like '... as docker itself does not know the way' "$(cat "$err")" "^error: DOCKER: no engine answers at '$host'; give DOCKER_HOST="
	ok '... but a client that knows it is believed' run_make image-id IMAGE="$image" ROUTE=push DOCKER="$tmp/bin/with-host"
done
DOCKER_HOST=$real

# shellcheck disable=SC2086 # a list
kill $relays 2>/dev/null
# shellcheck disable=SC2086 # a list
wait $relays 2>/dev/null
assert_nothing_left 'nothing is left of all that' 3
done_testing
