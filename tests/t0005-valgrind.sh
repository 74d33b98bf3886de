#!/bin/sh
# The unit tests once more, under valgrind: it sees what the sanitizers do not, reads of memory never written.
. "$(dirname "$0")/lib.sh"
need valgrind
case ${CFLAGS-} in *sanitize*) skip_all 'valgrind cannot run what has sanitizers in it' ;; esac

export SMOLMAKE_TEST_VALGRIND=1
set -- "$top"/tests/unit/*.c
ok 'there are unit tests' test -e "$1"
for source; do
	name=${source##*/}
	name=${name%.c}
	must run_make -s "cache/unit/plain/$name"
	ok "$name" valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
		--trace-children=no "$top/cache/unit/plain/$name"
done
done_testing
