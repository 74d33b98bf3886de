# shellcheck shell=sh
# http.sh: asking a registry of ours at $registry, for scripts that have sourced lib.sh.

# shellcheck disable=SC2154 # set by lib.sh and by who asks
# Prints the status; headers in $tmp/headers, the body in $tmp/body.
get() { # PATH [CURL ARGUMENT...]
	_path=$1
	shift
	: >"$tmp/body"
	curl -sS --max-time 30 --path-as-is -D "$tmp/headers.raw" -o "$tmp/body" -w '%{http_code}' "$@" "http://$registry$_path"
	tr -d '\r' <"$tmp/headers.raw" | grep -v '^HTTP/1.1 100' >"$tmp/headers"
}
header() { sed -n "s/^$1: //p" "$tmp/headers"; }
code() { jq -r '.errors[0].code' "$tmp/body"; }
sha256() { sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
