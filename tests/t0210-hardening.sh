#!/bin/sh
# The helpers take bytes from outside: compiled so that a mistake ends them instead of being used, and without the functions
# that invite one.
. "$(dirname "$0")/lib.sh"

topic 'The sources'
# Each has a better sister: no bound, no error, state of its own, or a shell.
banned='atoi|atol|atoll|atof|gets|strcpy|stpcpy|strcat|sprintf|vsprintf|strtok|scanf|tmpnam|mktemp|system|popen|vfork|alloca'
sed 's|/\*.*\*/||; s|//.*||; s|"\([^"\\]\|\\.\)*"|""|g' "$top"/helpers/*.c "$top"/helpers/*/*.[ch] >"$tmp/sources"
is 'no banned function in helpers/' "$(grep -nE "(^|[^A-Za-z0-9_])($banned)[[:space:]]*\\(" "$tmp/sources")" ''
is '... that the test would see' "$(echo 'n = atoi(s); strtok_r(a, b, c); x_system();' | grep -cE "(^|[^A-Za-z0-9_])($banned)[[:space:]]*\\(")" 1

topic 'The programs'
[ "$(uname)" = Linux ] || done_testing # no ELF
need readelf objdump
set -- "$top"/helpers/*.c
helpers=
for source; do
	name=${source##*/}
	helpers="$helpers ${name%.c}"
done
# shellcheck disable=SC2046,SC2086 # a list
must run_make -s $(printf 'cache/bin/%s ' $helpers)

for helper in $helpers; do
	file=$top/cache/bin/$helper
	must readelf -h -l -d --dyn-syms -W "$file"
	cp "$tmp/.log" "$tmp/elf"
	ok "$helper: position-independent (PIE)" grep -Eq '^ *Type: *DYN ' "$tmp/elf"
	ok "$helper: relocations read-only" grep -Eq '^ *GNU_RELRO ' "$tmp/elf"
	ok "$helper: ... from the start (BIND_NOW): full RELRO" grep -Eq '(BIND_NOW|FLAGS.* NOW)' "$tmp/elf"
	ok "$helper: a stack that is not executed" grep -Eq '^ *GNU_STACK .* RW +0x' "$tmp/elf"
	is "$helper: no segment is written to and executed" "$(grep -E '^ *LOAD .* RWE ' "$tmp/elf")" ''
	is "$helper: no library is looked for where others could put one" "$(grep -E '\((RPATH|RUNPATH)\)' "$tmp/elf")" ''
	if sanitized; then
		pass "$helper: the sanitizer guards stack and buffers"
		continue
	fi
	# a frame of several pages is entered page by page: by an instruction that gcc has no other use for
	if [ "$(uname -m)" = x86_64 ] && ! readelf -p .comment "$file" | grep -q clang; then
		ok "$helper: no page of the stack is stepped over" \
			sh -c 'objdump -d "$1" | grep -Eq "or[a-z]* +[$]0x0,(0x[0-9a-f]+)?\(%rsp\)"' sh "$file"
	fi
	ok "$helper: stack protector" grep -q '__stack_chk_fail' "$tmp/elf"
	ok "$helper: checked buffers (FORTIFY)" grep -Eq '__[a-z]+_chk(@|$)' "$tmp/elf"
done
done_testing
