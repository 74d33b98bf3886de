#!/bin/sh
# 25 images at random (tests/trees): by every route they are what the engine itself extracts. 'make check-trees' tries 1,000.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo umoci gzip zstd
need_private
for program in make-layers list-tree random-layers write-sidecar; do
	[ -x "$top/cache/tests/$program" ] || must make --no-print-directory -C "$top" "cache/tests/$program"
done
# A seed that is printed must be the same image elsewhere.
for seed in $(seq 25); do "$top/cache/tests/random-layers" "$seed"; done >"$tmp/descriptions"
is 'the generator makes the same images everywhere' "$(cksum <"$tmp/descriptions")" '2994535777 100233'
ok '25 images are the same trees by every route' "$top/tests/trees/run" -n 25 -s 1
sed 's/^/# /' "$tmp/.log"
must_fail 'a number of images that is none is refused' run_make check-trees IMAGES=x SEED=1
like '... and which are numbers' "$(cat "$err")" "IMAGES and SEED are numbers: 'x', '1'"
done_testing
