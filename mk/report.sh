#!/bin/sh
# report.sh - one HTML page, which needs nothing beside it, of what is in CACHE_DIR: the last run, hits and size over time, the slowest
# steps, the machines. In REPORT, else CACHE_DIR/report.html; prints its path. The page is report.html, with the data in it.
set -eu
. "$TOP/mk/picture.sh"
begin REPORT "${REPORT:-$CACHE_DIR/report.html}"
"$BIN/list-machines" -j >"$work/machines"
"$BIN/list-machines" -s -j >"$work/stats"
# A line that was cut by a full disk is none. "<" could end the element that the data stand in.
history=$CACHE_DIR/.history/runs
[ -e "$history" ] || history=/dev/null
jq -R 'fromjson? // empty | select(.images)' "$history" |
	jq -s -c --slurpfile machines "$work/machines" --slurpfile stats "$work/stats" --arg cache "$CACHE_DIR" --arg version "$(cat "$TOP/VERSION")" \
		'{at: (now | todate), version: $version, cache: $cache, runs: .[-5000:], machines: $machines[0], stats: $stats[0]}' |
	sed 's/</\\u003c/g' >"$work/data"
awk -v data="$work/data" '
	(at = index($0, "@DATA@")) == 0 { print; next }
	{
		printf "%s", substr($0, 1, at - 1)
		while ((getline line <data) > 0) print line
		print substr($0, at + length("@DATA@"))
	}' "$TOP/mk/report.html" >"$work/page"
put "$work/page"
