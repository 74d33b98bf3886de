#!/bin/sh
# t0540-crowd: more clients than a registry of ours can have, and fewer descriptors than it would like: it serves, and it ends.
# shellcheck disable=SC3045 # every sh that we know has ulimit -n
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/http.sh
. "$top/tests/http.sh"
need jq curl perl skopeo
need_engine
ulimit -n "$(ulimit -H -n)"

RUN=.run/test
export RUN STORE_MAX=100
mkdir -p "$CACHE_DIR/$RUN" "$CACHE_DIR/.lock" && chmod 700 "$CACHE_DIR"
must make_context one
head -c 9000000 /dev/urandom >"$context/noise"
must change_image 'COPY noise /noise'
id=$(docker save "$image" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "") | "sha256:" + .')

# A registry in the background with a shell for its command; its address in $registry. LIMIT: of its descriptors.
start() { # direct|push LIMIT ARGUMENT...
	rm -f "$tmp/address"
	# shellcheck disable=SC2016
	(ulimit -n "$2" && way=$1 && shift 2 &&
		exec "$top/cache/bin/with-registry" -r "$way" "$@" -- sh -c 'echo "$REGISTRY" >"$1.new" && mv "$1.new" "$1" && exec sleep 600' sh "$tmp/address") 2>"$tmp/log" &
	server=$!
	wait_for "[ -s '$tmp/address' ] || ! alive $server" 60
	registry=$(cat "$tmp/address" 2>/dev/null)
}
ends() { # DESCRIPTION
	kill $server
	ok "$1" wait_for "! alive $server" 60
	kill -s KILL $server 2>/dev/null
	wait $server 2>/dev/null
}
crowd() { # BYTES [COMMAND...]
	_bytes=$1
	shift
	: >"$tmp/come"
	[ $# -gt 0 ] || set -- "$top/tests/fake/crowd"
	"$@" "$registry" "$many" "$_bytes" >"$tmp/come" &
	crowd=$!
	wait_for "[ -s '$tmp/come' ]" 120
}
leave() {
	kill $crowd
	wait $crowd 2>/dev/null
}
# Who comes at the very moment at which somebody else has to go may have to come again.
served() { wait_for '[ "$(get /v2/ --max-time 20)" = 200 ]' 60; }
pulled() { rm -rf "$tmp/dir" && skopeo copy -q --src-tls-verify=false "docker://$registry/x:1" "dir:$tmp/dir"; }
pushed() { docker tag "$image" "$registry/x:1" && docker push -q "$registry/x:1" && docker rmi --no-prune "$registry/x:1"; }

get_blob='' # a request whose answer is large
for way in direct push; do
	for limit in "$(ulimit -n)" 256; do
		[ "$limit" = 256 ] && many=300 || many=1100 # more than could ever be let in
		start $way "$limit" "x:1=$id"
		[ $way = direct ] || ok 'the engine pushes' pushed
		blob=$(curl -sS "http://$registry/v2/x/manifests/1" | jq -r '.layers | max_by(.size).digest')
		get_blob="GET /v2/x/blobs/$blob HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
		for bytes in G 'GET /v2/ HTTP/1.1\r\nHost: ' "$get_blob"; do
			crowd "$bytes"
			ok "$way, $limit descriptors: $many clients that say '$(printf %.12s "$bytes")' lock nobody out" served
			ok '... from anything' pulled
			leave
		done
		crowd "$get_blob"
		ends '... and as many that read no answer do not keep it from its end'
		leave
	done
	start $way "$(ulimit -n)" "x:1=$id"
	many=1100
	crowd G
	ends "$way ends among 1100 that have sent a byte"
	leave
done

topic 'Strangers'
if [ "$(id -u)" = 0 ]; then
	for limit in 256 64; do
		many=300
		for way in direct push; do
			start $way "$limit" "x:1=$id"
			crowd G setpriv --reuid 65534 --clear-groups perl "$top/tests/fake/crowd"
			is "$way, $limit descriptors: strangers keep no place from us" "$(get /v2/ --max-time 20)" 200
			[ $way = direct ] || ok '... nor from the engine' pushed
			[ $way = direct ] ||
				must_fail '... and get in nowhere' setpriv --reuid 65534 --clear-groups curl -sS --max-time 5 "http://$registry/v2/"
			leave
			ends '... and it ends'
		done
	done
fi

topic 'Those that wait'
start direct "$(ulimit -n)" "x:1=$id"
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or exit 2; $s->send("G"); exit(sysread($s, $_, 1) ? 1 : 0)' "$registry" &
slow=$!
ok 'who sends a byte and waits is cut after some seconds' wait_for "! alive $slow" 60
wait $slow
is '... without an answer' $? 0
ends 'then it ends'

topic 'Too few'
for way in direct push; do
	start $way 24 "x:1=$id"
	like "$way with 24 descriptors says how many it needs" "$(cat "$tmp/log")" \
		'limit of open files is 24, and a registry needs [0-9]+ of them; raise it: ulimit -n|Too many open files \(the limit is 24; raise it by .ulimit -n.\)'
	wait $server
	isnt '... and fails' $? 0
done
rm -rf "${CACHE_DIR:?}/.run"
assert_nothing_left 'nothing is left' 10
done_testing
