#!/bin/sh
# t0115-parents: whose a variable is: of this make's own command line, of SMOLMAKE_<NAME>, or of somebody else, who neither
# stops nor steers us. A table of parents, by what help says that each setting is.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine
unset CC CFLAGS CPPFLAGS LDFLAGS LDLIBS # of SMOLMAKE_<NAME> the helpers that are there were compiled

make=${SMOLMAKE_TEST_MAKE:-make}
mkdir "$tmp/parent"
# What we are asked by: directly, by a shell, by a second make between, with -f.
cat >"$tmp/parent/GNUmakefile" <<'E2'
all: ; $(MAKE) $(given) -C "$$TOP" $(child)
shell: ; cd / && :; $(MAKE) $(given) -C "$$TOP" $(child); :
twice: ; $(MAKE) all
file: ; $(MAKE) $(given) -C "$$TOP" -f GNUmakefile $(child)
exported: export OUT = build
exported: export V = verbose
exported: all
E2
export TOP="$top"

# Settings that help shows, but for those that the test itself has: "NAME=value ...".
shown() { sed -n 's/^  \([A-Z_]*\)  *.* \[\(.*\)\]$/\1=\2/p' "$out" | grep -Ev '^(CACHE_DIR|IMAGES_FILE|.*_TIMEOUT|DOCKER|SMOLVM|ROUTE|PACK|REGISTRY_.*|STORE_MAX)=|^V=0' | xargs; }
parent() { # [ENVIRONMENT...] -- ARGS OF THE PARENT
	set -- "$@" --no-print-directory -s -C "$tmp/parent"
	_deadline 60 env "$@" >"$out" 2>"$err"
}
# by WHAT EXPECTED [ENVIRONMENT...] make [ARGS OF THE PARENT]: help runs, says nothing, and shows these settings and no others
by() {
	_what=$1 _want=$2
	shift 2
	ok "$_what: does not stop us" parent "$@"
	is '... and steers as it should' "$(shown)" "$_want"
	is '... without a word' "$(cat "$err")" ''
}
for goal in all shell twice file; do
	set -- "$make" "$goal" child=help
	by "$goal: a variable that is none of ours" '' "$@" FOO=1 BUILD=release
	by "$goal: names of ours, with values that are none" '' "$@" V=verbose PLATFORM=x MEM=lots
	by "$goal: names of ours" '' "$@" TARGET=release OUT=build CONTEXT=. PACK_JOBS=3
	by "$goal: names of our makefiles" '' "$@" bin=/usr/bin obj=build SHELL=/bin/bash Q=x helpers=x CURDIR=/ MAKE="$make" VPATH=/ .DEFAULT_GOAL=clean
	set -- "$make" "$goal" child='help OUT=own'
	by "$goal: one that our own command line names" OUT=own "$@"
	by "$goal: ... and the parent's too" OUT=own "$@" OUT=build V=x
	by "$goal: ... with the same value" OUT=own "$@" OUT=own
	by "$goal: ... and values that look like settings" OUT=own "$@" FOO='x OUT=no' V='1 OUT=no'
done
by 'a value of our own with a line break' 'OUT=x y' "$make" all child='help OUT="x y"' MEM=7
by 'an assignment of another kind' 'MEM=5 OUT=own' "$make" all child='help OUT:=own MEM::=5' OUT=build MEM=1
by 'the environment: bare names' '' OUT=build V=x MEM=lots TARGET=release IMAGE=x IMAGES=y PACK_JOBS=x CPUS=x "$make" all child=help
by '... exported by the parent' '' "$make" exported child=help
by '... under -e' '' OUT=build V=x MEM=lots bin=/x obj=/x flags=sss Q=x CURDIR=/ "$make" all child=help -e
by '... SMOLMAKE_<NAME>' 'MEM=7 OUT=build' SMOLMAKE_OUT=build SMOLMAKE_MEM=7 OUT=no "$make" all child=help
by '... that the parent was given' OUT=build "$make" all child=help SMOLMAKE_OUT=build
by '... beside one of our own command line' OUT=own SMOLMAKE_OUT=build "$make" all child='help OUT=own'
by '... and an empty one is none' '' SMOLMAKE_OUT= SMOLMAKE_V= "$make" all child=help
by 'flags of the parent' '' "$make" all child=help -k -r -j2
ok 'a name on our own command line that is none stops nobody below a parent' parent "$make" all child='help IMGAE=x' FOO=1
like '... and is said' "$(cat "$err")" 'IMGAE: no such variable, passed over; `make help`'
topic 'Who types'
typed() { _deadline 60 env "$@" --no-print-directory -s -C "$top" >"$out" 2>"$err"; }
must_fail 'typed, it is an error' typed "$make" help IMGAE=x
like '... that says the name' "$(cat "$err")" 'IMGAE: no such variable; `make help` lists them'
must_fail '... with the prefix too' typed "$make" help SMOLMAKE_IMGAE=x
must_fail '... in a shell of a make that handed nothing down' typed -u MAKEFLAGS MAKELEVEL=1 "$make" help IMGAE=x
ok 'typed, a setting counts' typed "$make" help OUT=own
is '... as it was typed' "$(shown)" OUT=own
ok '... in such a shell too' typed -u MAKEFLAGS MAKELEVEL=1 "$make" help OUT=own
is '...' "$(shown)" OUT=own
ok 'with the prefix' typed "$make" help SMOLMAKE_OUT=own
is '... it is the same' "$(shown)" OUT=own
ok 'the environment: bare names' typed OUT=x V=verbose MEM=x TARGET=y "$make" help
is '... are not settings' "$(shown)" ''
ok '... under -e' typed OUT=x V=verbose bin=/x flags=sss "$make" -e help
is '... neither' "$(shown)" ''

topic 'What is compiled, and with what'
for variable in CFLAGS=-O0 CC=no-such-compiler LDFLAGS=-no-such-flag CPPFLAGS=-no-such-flag LDLIBS=-lnone STRICT=1 bin=x obj=x compile=x; do
	ok "a parent's $variable compiles nothing anew" parent "$make" all child='cache/bin/image-id cache/bin/with-run' given=-n "$variable"
	is '...' "$(cat "$out")" ''
	ok "$variable in the environment neither" typed "$variable" "$make" -n cache/bin/image-id
	is '...' "$(cat "$out")" ''
done
ok 'CFLAGS of our own command line' typed "$make" -n cache/bin/image-id CFLAGS=-O0
like '... does' "$(cat "$out")" ' -O0 '
ok 'SMOLMAKE_CFLAGS too' typed SMOLMAKE_CFLAGS=-O0 "$make" -n cache/bin/image-id
like '... does' "$(cat "$out")" ' -O0 '

topic 'The whole way'
must make_image agent
must run_make smolmachine IMAGE="$image"
sidecar=$(cat "$out")
for letters in -k -s -w '-j4 --output-sync' -e -i; do
	rm -f "$sidecar"
	# shellcheck disable=SC2086 # one letter or several words
	ok "a parent with $letters packs" parent SMOLMAKE_CACHE_DIR="$CACHE_DIR" SMOLMAKE_SMOLVM="$SMOLVM" tag=v1 keys=x stage=test Q=x say=x \
		"$make" all child="smolmachine IMAGE=$image" FOO=1 V=verbose OUT=build TARGET=release PLATFORM=x SHELL=/bin/sh $letters
	is '... and stdout is the path alone' "$(cat "$out")" "$sidecar" || diag_file stderr "$err"
	ok '... of a machine that is there' test -e "$sidecar"
done
ok 'nothing is put at the OUT of a parent' test ! -e "$tmp/parent/build"
assert_nothing_left 'nothing is left of all that'
done_testing
