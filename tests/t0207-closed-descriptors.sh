#!/bin/sh
# t0207-closed-descriptors: 0, 1 or 2 closed at the start: no file of ours gets that number, and nothing is written into one.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

bin=$top/cache/bin
must run_make -s cache/bin/with-lock cache/bin/with-deadline cache/bin/with-run
look=$tmp/look
# shellcheck disable=SC2016
fake_program "$look" 'exec 9>"$FOUND"; for fd in 0 1 2; do readlink "/proc/$$/fd/$fd" >&9; done'
export FOUND="$tmp/found"
closed() { # WHAT COMMAND...: with what is closed, no descriptor below 3 is a file of ours
	_what=$1
	shift
	for _closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
		rm -f "$FOUND"
		eval "timeout 60 \"\$@\" $_closed"
		is "$_what $_closed: the command has all three" "$(wc -l <"$FOUND")" 3
		is '... and none is a file of ours' "$(grep -F "$tmp/c" "$FOUND")" ''
	done
}
must mkdir -m 700 "$CACHE_DIR"
closed with-lock "$bin/with-lock" "$CACHE_DIR/lock" -- "$look"
closed with-deadline "$bin/with-deadline" -s "$CACHE_DIR/seconds" "$look"
closed with-run "$bin/with-run" "$look"
is 'nothing was written into a lock' "$(cat "$CACHE_DIR/lock")" ''

must make_image agent
for closing in '2>&-' '<&-' '<&- 2>&-'; do
	rm -f "$CACHE_DIR"/*.smolmachine
	eval "timeout 200 '$top/tests/make' -s --no-print-directory -C '$top' smolmachine IMAGE='$image' >'$out' $closing"
	is "a run with $closing packs" "$? $(wc -l <"$out")" '0 1'
	eval "timeout 200 '$top/tests/make' -s --no-print-directory -C '$top' smolmachine IMAGE='$image' >'$out' $closing"
	is '... and finds it' "$? $(wc -l <"$out")" '0 1'
done
eval "timeout 200 '$top/tests/make' -s --no-print-directory -C '$top' smolmachine IMAGE=smolmake-test/none 2>&-"
is 'one that fails, fails' $? 2
assert_nothing_left 'nothing is left' 30
done_testing
