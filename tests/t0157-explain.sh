#!/bin/sh
# t0157-explain: why an image is a hit or a miss, in a sentence, and nothing changes by asking.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

what_is_there() { find "$CACHE_DIR" \( -name '*.smolmachine' -o -path '*/.used/*' -o -path '*/by-name/*' \) -printf '%p %i %s %T@ %l\n' 2>/dev/null | sort; }
explains() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	before=$(what_is_there)
	ok "$_what" run_make explain IMAGE="$image" "$@"
	like '...' "$(cat "$out")" "^$image: $_pattern"
	is '... in one line' "$(wc -l <"$out")" 1
	is '... and nothing has changed' "$(what_is_there)" "$before"
}
must make_image agent 'RUN ["/bin/busybox", "touch", "/one"]'
explains 'an image that nobody has packed' 'a miss: no image of that name was packed before; make smolmachine would pack [0-9a-f]{16} by ROUTE=auto PACK=auto$'
must run_make smolmachine IMAGE="$image"
key=$(basename "$(cat "$out")" .smolmachine.smolmachine)
is 'a record has the layers' "$(jq -c .layers "$CACHE_DIR/$key.json")" "$(docker image inspect --format '{{json .RootFS.Layers}}' "$image")"
explains 'one that is there' "a hit: $key is there, packed by smolvm for smolvm [0-9.]+ at 20.*Z, which took [0-9.]+ s\$"
explains 'FORCE' 'a miss: FORCE=1 packs it anew; the last pack took [0-9.]+ s; ' FORCE=1
explains 'other options' "a miss: it was packed with other options last: CPUS='2' \\(was ''\\); " CPUS=2
must change_image 'RUN ["/bin/busybox", "touch", "/two"]'
explains 'another layer' "a miss: the image has changed: it was $key, and layer 3 of 3 is the first to differ; "
must run_make smolmachine IMAGE="$image"
second=$(basename "$(cat "$out")" .smolmachine.smolmachine)
must run_make smolmachine IMAGE="$image" V=2
like 'V=2 says it in a run' "$(cat "$err")" "^$image: a hit: $second is there"
is '... beside the answer' "$(basename "$(cat "$out")" .smolmachine.smolmachine)" "$second"
unlike '... V=1 does not' "$(run_make smolmachine IMAGE="$image" V=1 && cat "$err")" ' a hit: '
must change_image 'LABEL a=b'
explains 'another configuration' "a miss: the image has changed: it was $second, and its 3 layers are as they were: only its configuration differs; "
must run_make smolmachine IMAGE="$image"
third=$(cat "$out")
printf x | dd of="$third" bs=1 seek=40 conv=notrunc 2>/dev/null
explains 'a damaged one' 'a miss: its machine is not whole: .*; '
must_fail 'an image that is not there' run_make explain IMAGE=nobody-has-this
like '... is refused as ever' "$(cat "$err")" '1 of 1 failed: nobody-has-this: '
is '... and answers nothing' "$(cat "$out")" ''
done_testing
