# shellcheck shell=sh
# answer.sh: what a script prints on stdout is its answer, and one that is lost is a failure.  . mk/answer.sh
#
# answer LINE [REMARK]: prints the line. Where it cannot be written, one line on stderr says so, with the remark, and nothing more
# is tried. finish STATUS: exits with it, with 1 where the status is 0 and an answer was lost.
lost=

answer() {
	[ -z "$lost" ] || return 0
	if ! printf '%s\n' "$1" 2>/dev/null; then
		lost=1
		printf 'error: stdout: cannot write the answer (a full disk, or closed?)%s\n' "${2:+; $2}" >&2
	fi
}
finish() {
	[ "$1$lost" != 01 ] || exit 1
	exit "$1"
}
