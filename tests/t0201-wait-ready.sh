#!/bin/sh
# wait-ready: ready is a 200 with the header that was asked for; everything else means "not yet", until the deadline.
. "$(dirname "$0")/lib.sh"
must run_make -s cache/bin/wait-ready cache/tests/serve cache/tests/measure

# A server with faults, and its port in $port; what it measured is the second line of $tmp/served.
serve() { # ARGUMENT...
	end_server
	: >"$tmp/served"
	"$top/cache/tests/serve" "$@" >"$tmp/served" 2>&1 &
	server=$!
	must wait_for '[ -s "$tmp/served" ]' 60
	port=$(head -n 1 "$tmp/served")
	url=http://127.0.0.1:$port/v2/
}
server=
end_server() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}

run() { # ARGUMENT...: stdout in $out, stderr in $err, the status in $rc, milliseconds in $ms
	rm -f "$tmp/took"
	timeout -k 5 60 "$top/cache/tests/measure" -o "$tmp/took" "$top/cache/bin/wait-ready" "$@" >"$out" 2>"$err"
	rc=$?
	ms=$(cut -f 3 "$tmp/took" | cut -d . -f 1)
}
ready() { # DESCRIPTION
	is "$1" "$rc $(cat "$out" "$err")" '0 '
}
not_ready() { # DESCRIPTION SECONDS LAST: one line, that says for what, how long, and what was seen last
	is "$1" "$rc $(wc -c <"$out") $(wc -l <"$err")" '1 0 1'
	like '... and what was seen last' "$(cat "$err")" "^wait-ready: no answer from '$url' within $2 s; last: $3"
}
between() { # DESCRIPTION LOW HIGH: milliseconds it took
	ok "$1 ($ms ms)" test "$ms" -ge "$2" -a "$ms" -lt "$3"
}

serve
run "$url"
ready 'a server that is ready'
run -H 'Server: serve' "$url"
ready 'the header that was asked for'
run -H 'SERVER:serve' "$url"
ready '... its name in capitals, without a blank'
run -t 1 -H 'Server: Serve' "$url"
not_ready 'another value is a stranger' 1 "status 200 without 'Server: Serve': somebody else's server"
run -t 1 -H 'Server: serv' "$url"
not_ready 'a part of it too' 1 'status 200 without'
run -t 1 -H 'Serve: serve' "$url"
not_ready 'another header too' 1 'status 200 without'
between 'until the deadline' 1000 3000

serve -H 'X-Run:   0123 4567  '
run -H 'X-Run: 0123 4567' "$url"
ready 'blanks around a value do not count'

topic 'Not yet'
serve -b 60000
run -t 1 "$url"
not_ready 'refused' 1 '.*(refused|connect)'
between 'until the deadline' 1000 3000

serve -f hang:1000
run -t 1 "$url"
not_ready 'accepts, and never answers' 1 '.*timed out'
between 'until the deadline' 1000 3000
serve -f hang:1
run -t 10 "$url"
ready 'one connection that is never answered'
between 'is given up after a second' 900 5000

serve -f close:1000
run -t 1 "$url"
not_ready 'accepts, and closes' 1 '.*(Empty reply|reset)'
serve -f reset:1000
run -t 1 "$url"
not_ready 'accepts, and resets' 1 '.*(reset|Empty reply|failure|connect)'
serve -f stutter:1000
run -t 1 "$url"
not_ready 'ends in the middle of a 200' 1 '.*(transfer closed|remaining|partial)'
serve -f close:20 -f reset:20 -f stutter:5 -f 503:20 -f 404:1 -f 401:1 -f 302:1
run -t 20 "$url"
ready 'all of these, then 200'

serve -s '503 Service Unavailable'
run -t 1 "$url"
not_ready '503' 1 'status 503'
serve -s '401 Unauthorized'
run -t 1 "$url"
not_ready '401' 1 'status 401'
serve -s '204 No Content'
run -t 1 "$url"
not_ready '204' 1 'status 204'
redirected=$port
serve -s '302 Found' -H "Location: http://127.0.0.1:$redirected/"
run -t 1 "$url"
not_ready 'a redirect is not followed' 1 'status 302'

topic 'How fast: the median of several tries; a machine that is busy elsewhere gets three chances'
tries=9
late() { # ARGUMENT...: of serve; in $late, milliseconds
	: >"$tmp/late"
	_try=0
	while [ $_try -lt $tries ]; do
		serve "$@"
		run -t 10 "$url"
		[ $rc = 0 ] && wait_for '[ "$(wc -l <"$tmp/served")" = 2 ]' 5 || return
		sed -n 2p "$tmp/served" >>"$tmp/late"
		_try=$((_try + 1))
	done
	diag "serve $*: noticed after $(sort -n "$tmp/late" | tr '\n' ' ')ms"
	late=$(sort -n "$tmp/late" | sed -n "$((tries / 2 + 1))p")
}
within_20_ms() { # ARGUMENT...
	for _chance in 1 2 3; do
		late "$@" && [ "${late%.*}" -lt 20 ] && return
	done
	return 1
}
for how in '-b 150' '-f close:10' '-f 503:10'; do
	# shellcheck disable=SC2086 # a list
	within_20_ms $how
	is "serve $how: ready is noticed within 20 ms" $? 0
done
serve -b 1000
run -t 10 "$url"
ready 'a server that is late by a second'
between 'is waited for' 900 3000

topic 'Only what was asked for'
serve
http_proxy=http://127.0.0.1:9 HTTP_PROXY=$http_proxy all_proxy=$http_proxy ALL_PROXY=$http_proxy
export http_proxy HTTP_PROXY all_proxy ALL_PROXY
run "$url"
ready 'proxies are ignored'
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
echo 'url = "http://127.0.0.1:9"' >"$HOME/.curlrc"
run "$url"
ready "curl's own settings too"
run -t 1 "file://$HOME/.curlrc"
is 'other protocols are no answer' $rc 1
url=http://127.0.0.1:$port/$(printf 'a\033[31mb')
run -t 0 "$url"
is 'no time, no answer' $rc 1
unlike 'no control byte of a URL reaches the terminal' "$(cat "$err")" "$(printf '\033')"

topic 'Signals: at once, and by the signal'
serve -b 60000
for signal in TERM HUP; do
	env --default-signal "$top/cache/bin/wait-ready" -t 60 "$url" &
	pid=$!
	sleep 0.3
	kill -s $signal $pid
	wait $pid 2>/dev/null
	rc=$?
	is "SIG$signal ends it by that signal" "$(kill -l $rc)" $signal
done

topic 'Usage'
for arguments in '' 'a b' '-t' '-H' '-t 1' '-x a'; do
	# shellcheck disable=SC2086 # a list
	run $arguments
	is "wait-ready $arguments: called wrongly" $rc 100
done
run -t soon "$url"
is 'a deadline that is no number' "$rc $(cat "$err")" \
	"100 wait-ready: -t: 'soon' is not a whole number from 0 to 1000000"
run -H 'no colon' "$url"
is 'a header that is none' "$rc $(cat "$err")" "100 wait-ready: -H: 'no colon' is not 'NAME: VALUE'"
run -H ': value' "$url"
is 'a header without a name' $rc 100
end_server
done_testing
