#!/bin/sh
# cache.sh GOAL [-n] - the goals of cache.mk: settings become arguments, and those that do not go together are refused.
set -u
goal=$1
shift

refuse() { # MESSAGE
	printf 'error: %s\n' "$1" >&2
	exit 1
}
case $goal:${FORMAT-} in
list:?* | describe:?* | stats:?*) set -- "$@" -j ;;
*:?*) refuse "FORMAT: \`$goal\` has no other form; leave FORMAT out" ;;
esac

case $goal in
list) exec "$BIN/list-machines" "$@" ;;
stats) exec "$BIN/list-machines" "$@" -s ;;
verify) exec "$BIN/verify-machine" -a ;;
describe)
	[ -z "${FILE-}" ] || [ -z "$IMAGE" ] || refuse 'FILE: IMAGE is given too; give one of them'
	[ -z "${FILE-}" ] || exec "$BIN/list-machines" "$@" -f "$FILE"
	[ -n "$IMAGE" ] || refuse 'IMAGE: nothing says which machine; give IMAGE=<name or ID>, or FILE=<sidecar>'
	exec "$BIN/list-machines" "$@" -m "$IMAGE"
	;;
pin | unpin)
	[ -n "$IMAGE" ] || refuse 'IMAGE: nothing says which machine; give IMAGE=<name or ID>'
	exec "$BIN/prune-machines" "$([ "$goal" = pin ] && echo -p || echo -u)" "$IMAGE"
	;;
prune)
	[ -z "${KEEP-}" ] || set -- "$@" -k "$KEEP"
	[ -z "${DAYS-}" ] || set -- "$@" -d "$DAYS"
	[ -z "${MAX-}" ] || set -- "$@" -m "$MAX"
	exec "$BIN/prune-machines" "$@"
	;;
esac
