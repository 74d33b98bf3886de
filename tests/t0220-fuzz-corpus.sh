#!/bin/sh
# The fuzzers (tests/fuzz) on their committed corpora and on inputs made of those, always the same ones.
. "$(dirname "$0")/lib.sh"
[ "$(uname)" = Linux ] || skip_all 'the fuzzers need memfd_create(2)'

for file in "$top"/tests/fuzz/*.c; do
	name=${file##*/}
	name=${name%.c}
	[ "$name" != main ] || continue
	runs=20000
	case $name in
	json) runs=5000 ;; # every third is deeply nested
	request | wish | smolvm | layer | push) runs=1000 ;; # a megabyte each time; a folder and two files
	esac
	ok "$name: no finding in $runs runs" "$top/tests/fuzz/run" -n $runs "$name"
done
expect_code 'an unknown fuzzer is an error' 100 "$top/tests/fuzz/run" -n 1 no-such-fuzzer
expect_code 'an unknown option too' 100 "$top/tests/fuzz/run" -Z
done_testing
