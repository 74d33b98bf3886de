#!/bin/sh
# t0175-registry-reach: who can reach the registry, while it is there, and what they can do: SECURITY.md says it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo curl setpriv ip
need_private # root: to be two users

must make_image agent
path=${image%:*}
# An address of this machine that is none of loopback's, as a neighbour would use it.
must ip address add 192.0.2.77/32 dev lo
trap 'ip address del 192.0.2.77/32 dev lo 2>/dev/null; _cleanup' EXIT

them() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
code() { # URL [CURL ARGS...]: the status, as another user sees it; 000 where nobody answers
	them curl -sS -o /dev/null -w '%{http_code}' --max-time 5 --noproxy '*' "$@" 2>/dev/null
}
# hexadecimal, as the kernel lists them: the addresses that something listens on with this port
listeners() { # PORT
	awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $2 }' \
		/proc/net/tcp /proc/net/tcp6 | sed 's/:.*//' | sort -u
}
start() { # MAKE ARGS...: until the pack hangs; sets $port
	rm -f "$CACHE_DIR"/*.smolmachine
	: >"$FAKE_SMOLVM_LOG"
	export FAKE_SMOLVM_FAULT=hang
	start_make smolmachine IMAGE="$image" "$@"
	unset FAKE_SMOLVM_FAULT
	wait_for 'grep -q " start " "$FAKE_SMOLVM_LOG"' 60 || return
	port=$(sed -n 's|.*127\.0\.0\.1:\([0-9]*\)/.*|\1|p' "$CACHE_DIR"/.run/*/*.ref | head -n 1)
	registry=http://127.0.0.1:$port/v2
}
stop() {
	kill -s TERM "$make_pid"
	finish_make 30
}

for route in push direct; do
	ok "ROUTE=$route: a pack hangs, its registry is there" start ROUTE=$route
	is '... which listens on 127.0.0.1 and nowhere else' "$(listeners "$port")" 0100007F
	is "... so that nobody reaches it by another of this machine's addresses" "$(code "http://192.0.2.77:$port/v2/")" 000
	is '... on this machine everybody does' "$(code "$registry/")" 200
	tag=$(them curl -sS --noproxy '*' "$registry/$path/tags/list" | jq -r '.tags[0]')
	is '... and can read what is packed' "$(code "$registry/$path/manifests/$tag" -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json')" 200
	case $route in
	push) is '... and write to it' "$(code -X POST "$registry/$path/blobs/uploads/")" 202 ;;
	direct)
		for method in POST PUT PATCH DELETE; do
			is "... but not write to it: $method" "$(code -X $method "$registry/$path/manifests/$tag" -d x)" 405
		done
		;;
	esac
	stop
	is '... and when the run has ended, nobody listens there' "$(listeners "$port")" ''
done
assert_nothing_left 'nothing is left of all that' 30
done_testing
