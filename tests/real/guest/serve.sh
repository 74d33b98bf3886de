#!/bin/sh
# serve.sh: inside the emulated machine, does what tests/real/smolvm asks for, until its owner says that all is done (/job/end). A call is a
# folder in /job/calls: `asked`, a script, `ports`, which it needs of the host's 127.0.0.1, and `stdin` are there before; `started`, `stdout` and
# `stderr` come, and `status` is the last. A file `stop` ends it. Sourced.
set -u
prlimit --pid $$ --nofile=262144 || exit 1 # as in cells.sh
cp /job/version /w/version
/bb/ip link set eth0 up
/bb/ip address add 10.0.2.15/24 dev eth0

relayed=' '
relay() { # PORT: of the host, which qemu shows as 10.0.2.2
	case $relayed in *" $1 "*) return ;; esac
	relayed="$relayed$1 "
	docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port "$1" -container-ip 10.0.2.2 -container-port "$1" 3>"/w/relay.$1" &
	proxy=$!
	until [ -s "/w/relay.$1" ] || ! kill -0 $proxy 2>/dev/null; do sleep 0.1; done
}
answer() { # FOLDER
	setsid sh "$1/started" >"$1/stdout" 2>"$1/stderr" <"$1/stdin" &
	running=$!
	while kill -0 $running 2>/dev/null; do
		[ ! -e "$1/stop" ] || kill -- -$running 2>/dev/null
		sleep 0.2
	done
	wait $running
	echo $? >"$1/status.new"
	mv "$1/status.new" "$1/status"
}
until [ -e /job/end ]; do
	: >/job/beat
	for asked in /job/calls/*/asked; do
		[ -e "$asked" ] || continue
		folder=${asked%/*}
		while read -r port; do relay "$port"; done <"$folder/ports"
		mv "$asked" "$folder/started"
		answer "$folder" &
	done
	sleep 0.2
done
