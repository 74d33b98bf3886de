#!/bin/sh
# t0105-compile: helpers are compiled on first use, and again for a changed source, header or flag; for nothing else.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# In a copy: the checkout's own helpers are in use beside this.
must mkdir -p "$tmp/copy/cache" "$tmp/copy/tests"
must cp -R "$top/GNUmakefile" "$top/mk" "$top/helpers" "$tmp/copy"
compiled() { # ARGS...: what make compiles, by name
	make --no-print-directory -C "$tmp/copy" cache/bin/image-id "$@" 2>&1 >/dev/null | sed -n 's,^  CC *helpers/,,p; s,^  LINK *cache/bin/,-> ,p' | sort | tr '\n' ' '
}
unset CFLAGS CPPFLAGS LDFLAGS LDLIBS

like 'first, all that it needs' "$(compiled)" '-> image-id .*image-id\.c.*lib/digest\.c'
is 'then nothing' "$(compiled)" ''
sleep 0.01
must touch "$tmp/copy/helpers/image-id.c"
is 'a source: its helper' "$(compiled)" '-> image-id image-id.c '
must touch "$tmp/copy/helpers/lib/digest.c"
is 'a source of the library: that, and what links it' "$(compiled)" '-> image-id lib/digest.c '
must touch "$tmp/copy/helpers/engine/sweep.h"
unlike 'a header: who includes it' "$(compiled)" 'lib/port\.c|image-id\.c'
must touch "$tmp/copy/helpers/lib/lib.h"
like 'a header of all: all' "$(compiled)" 'image-id\.c.*lib/port\.c'
like 'another flag: all' "$(compiled CFLAGS=-O1)" 'image-id\.c.*lib/port\.c'
is 'the same flag: nothing' "$(compiled CFLAGS=-O1)" ''
like 'the first one again: all' "$(compiled)" 'image-id\.c.*lib/port\.c'
must touch "$tmp/copy/mk/run.sh"
is 'anything else: nothing' "$(compiled)" ''
must cp -R "$top/tests/fake" "$top/tests/trees" "$tmp/copy/tests"
must make -s -C "$tmp/copy" cache/tests/list-tree
must mv "$tmp/copy/tests/fake/list-tree.c" "$tmp/copy/tests/trees"
ok 'a source that has moved: found where it is' make -s -C "$tmp/copy" cache/tests/list-tree
done_testing
