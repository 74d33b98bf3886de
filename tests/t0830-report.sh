#!/bin/sh
# t0830-report: what is kept of each run, and the pictures of it: TRACE, `make report`, `make graph`. The page in a browser: tests/page/run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

must make_image one
one=$image one_context=$context
must make_image two
two=$image
export ROUTE=direct
history() { jq -R -c 'fromjson? // empty' "$CACHE_DIR/.history/runs"; }
refused() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	must_fail "$_what" run_make "$@"
	is '... in one line' "$(grep -c '^error: ' "$err")" 1
	like '... that says why' "$(grep '^error: ' "$err")" "^error: $_pattern"
}

topic 'Before the first run'
refused 'report' "CACHE_DIR: '.*' is not there yet; pack an image first" report
refused 'graph' "CACHE_DIR: '.*' is not there yet; pack an image first" graph IMAGE="$one"
ok '... nothing is made' test ! -e "$CACHE_DIR"

topic 'A run'
ok 'one that packs' run_make -j2 smolmachine IMAGES="$one $two" TRACE="$tmp/trace.json" PACK_JOBS=2
is '... is a line of the history' "$(history | jq -c '[.images[] | [.image, .end]]')" "[[\"$one\",\"packed\"],[\"$two\",\"packed\"]]"
is '... with its steps' "$(history | jq -c '[.images[0].steps[].step]')" '["EXPORT","PACK","VERIFY"]'
ok '... one after the other, within the run' sh -c 'jq -e -s ".[0] | .ms as \$ms | .images[].steps | . as \$s | (map(.began) | . == sort) and all(.[]; .ms >= 0 and .began + .ms <= \$ms)" "$1/.history/runs"' sh "$CACHE_DIR"
ok '... and what all machines take' sh -c '[ "$(jq .cache_bytes "$1/.history/runs")" = "$(cat "$1"/*.smolmachine | wc -c)" ]' sh "$CACHE_DIR"
is '... TRACE has them, as viewers read it' "$(jq -c '[.traceEvents[] | select(.ph == "X" and .tid == 1) | .name], ([.traceEvents[] | select(.ph == "M").args.name])' "$tmp/trace.json" | tr '\n' ' ')" \
	"[\"EXPORT\",\"PACK\",\"VERIFY\"] [\"smolmake\",\"$one\",\"$two\"] "
ok '... in microseconds' jq -e '[.traceEvents[] | select(.ph == "X")] | all(.[]; .ts >= 0 and .dur >= 0 and .pid == 1) and .[0].dur > 1000' "$tmp/trace.json"
ok 'a hit' run_make smolmachine IMAGE="$one"
is '... is one too' "$(history | tail -n 1 | jq -c '[.images[0].end, .images[0].steps, .cache_bytes]')" '["found",[],null]'
export FAKE_SMOLVM_FAULT=fail
must_fail 'one that fails' run_make smolmachine IMAGE="$one" FORCE=1
unset FAKE_SMOLVM_FAULT
is '... is one too' "$(history | tail -n 1 | jq -c '[.images[0].end, .images[0].steps[-1].step]')" '["failed","PACK"]'
must_fail 'a build that fails' run_make smolmachine IMAGE=x CONTEXT="$tmp" DOCKERFILE=/dev/null
lines=$(history | wc -l)
run_make image-id IMAGE="$one"
run_make explain IMAGE="$one"
is 'what makes no machine is none' "$(history | wc -l)" "$lines"
refused 'a TRACE in a folder that is not there' "TRACE: cannot write to '/no/such' .*; give a path in a folder that is there" smolmachine IMAGE="$one" TRACE=/no/such/x
refused '... that is a folder' "TRACE: '$tmp' is no file" smolmachine IMAGE="$one" TRACE="$tmp"
is '... begins no run' "$(history | wc -l)" "$lines"

topic 'The history'
printf 'cut by a full di' >>"$CACHE_DIR/.history/runs"
ok 'a line that was cut' run_make smolmachine IMAGE="$one"
ok '... does not hinder a report' run_make report REPORT="$tmp/page.html"
i=0
while [ $i -lt 20 ]; do history && i=$((i + 1)); done >"$tmp/long"
while [ "$(wc -c <"$tmp/long")" -le 2097152 ]; do cat "$tmp/long" "$tmp/long" >"$tmp/longer" && mv "$tmp/longer" "$tmp/long"; done
cp "$tmp/long" "$CACHE_DIR/.history/runs"
run_make smolmachine IMAGE="$one"
ok 'what is longer than 2 MiB becomes half as long' sh -c 'size=$(wc -c <"$1/.history/runs") && [ "$size" -gt 500000 ] && [ "$size" -lt 2097152 ]' sh "$CACHE_DIR"
ok '... by whole lines' jq -e . "$CACHE_DIR/.history/runs"
is '... of which the newest stays' "$(history | tail -n 1 | jq -r '.images[0].end')" found
history | tail -n 3 >"$tmp/short" && cp "$tmp/short" "$CACHE_DIR/.history/runs"

topic 'make report'
ok 'the page is made' run_make report
is '... and its path printed' "$(cat "$out")" "$CACHE_DIR/report.html"
page=$CACHE_DIR/report.html
sed -n 's/.*id="data">\(.*\)/\1/p' "$page" | sed 's/<\/script>$//' >"$tmp/data"
is '... with the machines' "$(jq -c '[.machines[].names[-1]] | sort' "$tmp/data")" "[\"$one\",\"$two\"]"
is '... and the runs' "$(jq '.runs | length' "$tmp/data")" 3
is '... needs nothing beside it' "$(grep -coE '(src|href)="?[^d"]|@import|url\(' "$page")" 0
ok 'to another place, which is relative to where one stands' sh -c 'cd "$1" && exec "$2/tests/make" --no-print-directory -C "$2" report REPORT=mine.html >/dev/null' sh "$tmp" "$top"
ok '...' test -s "$tmp/mine.html"
refused 'a folder' "REPORT: '$tmp' is a folder" report REPORT="$tmp"
refused 'in no folder' "REPORT: cannot write to '/no/such'" report REPORT=/no/such/x

topic 'make graph'
printf '{"images":[{"image":"%s"},{"image":"%s","cpus":2},{"image":"never-<&>-seen","context":"%s"}]}' "$one" "$two" "$one_context" >"$tmp/images.json"
refused 'an images file that is not right' "$tmp/images.json: images\[2\]: IMAGE: " graph IMAGES_FILE="$tmp/images.json"
sed 's/-<&>-/-/' "$tmp/images.json" >"$tmp/i&<b>.json"
ok 'the picture is made' run_make graph IMAGES_FILE="$tmp/i&<b>.json" GRAPH="$tmp/g.svg"
is '... and its path printed' "$(cat "$out")" "$tmp/g.svg"
is '... with hits and misses' "$(grep -oE 'class="(hit|miss)"' "$tmp/g.svg" | sort | uniq -c | tr -s ' \n' ' ')" ' 1 class="hit" 1 class="miss" '
like '... and seconds' "$(cat "$tmp/g.svg")" 'pack [0-9.]+ s'
like '... what was never built is said to be' "$(cat "$tmp/g.svg")" 'not built yet'
like '... names are data' "$(cat "$tmp/g.svg")" 'i&amp;&lt;b&gt;.json'
is '... each element is closed' "$(grep -oE '<(svg|g|text|defs|marker|style)[ >]' "$tmp/g.svg" | wc -l)" "$(grep -oE '</(svg|g|text|defs|marker|style)>' "$tmp/g.svg" | wc -l)"
ok 'of one image' run_make graph IMAGE="$one"
is '... in the cache' "$(cat "$out")" "$CACHE_DIR/graph.svg"
refused 'a folder' "GRAPH: '$tmp' is a folder" graph IMAGE="$one" GRAPH="$tmp"
ok 'a list of machines knows nothing of either file' run_make list
unlike '...' "$(cat "$out")" 'report|graph'
done_testing
