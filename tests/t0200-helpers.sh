#!/bin/sh
# The helpers as programs: usage, exit codes, messages, what they cost to start; image-id, host-port and verify-machine.
. "$(dirname "$0")/lib.sh"

set -- "$top"/helpers/*.c
helpers=
for source; do
	name=${source##*/}
	helpers="$helpers ${name%.c}"
done
# shellcheck disable=SC2046,SC2086 # a list
must run_make -s $(printf 'cache/bin/%s ' $helpers) cache/tests/write-sidecar cache/tests/measure

run() { # HELPER ARGUMENT...: stdout in $out, stderr in $err, the status in $rc
	_helper=$top/cache/bin/$1
	shift
	"$_helper" "$@" >"$out" 2>"$err" </dev/null
	rc=$?
}
did() { # DESCRIPTION STATUS STDOUT STDERR: of the last run
	is "$1" "$rc
$(cat "$out")
$(cat "$err")" "$2
$3
$4"
}

topic 'Usage, and the cost of a start: all of them'
for helper in $helpers; do
	run "$helper" -h
	is "$helper -h: on stdout, and nothing else" "$rc $(wc -c <"$err")" '0 0'
	like "$helper -h: its name first" "$(head -n 1 "$out")" "^usage: $helper( |\$)"
	run "$helper" -Z
	is "$helper -Z: 100, and nothing on stdout" "$rc $(wc -c <"$out")" '100 0'
	like "$helper -Z: the usage on stderr" "$(cat "$err")" "^usage: $helper( |\$)"
done

# The wall time is what the user feels, and what a busy machine stretches tenfold: it is shown, what counts is the processor's.
costs() { # HELPER -> $us $used: medians of 50 runs, wall and processor; $kb: the most
	rm -f "$tmp/costs"
	must "$top/cache/tests/measure" -q -n 50 -o "$tmp/costs" "$top/cache/bin/$1" -h
	us=$(median 3) used=$(median 4)
	kb=$(cut -f 5 "$tmp/costs" | sort -n | tail -n 1)
}
median() { # COLUMN: in us
	cut -f "$1" "$tmp/costs" | sort -n | awk 'NR == 25 { print int($1 * 1000) }'
}
if sanitized; then
	diag 'compiled with a sanitizer: what a start costs says nothing'
else
	for helper in $helpers; do
		# Debian's libcurl alone takes 5 to 7 ms to load, its libarchive 2 to 4
		most=5000 most_kb=10240
		! ldd "$top/cache/bin/$helper" 2>/dev/null | grep -qE 'lib(curl|archive)' || most=15000 most_kb=12288
		costs "$helper"
		diag "$helper: $us us (processor $used), $kb KB"
		ok "$helper starts in less than $((most / 1000)) ms" test "$used" -lt $most
		ok "$helper has less than $((most_kb / 1024)) MB resident" test "$kb" -lt $most_kb
	done
fi

topic 'image-id'
hex=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
run image-id "sha256:$hex"
did 'image-id: the first 16 digits' 0 0123456789abcdef ''
printf 'sha256:%s' "$hex" >"$tmp/iid"
run image-id -f "$tmp/iid"
did 'image-id: of an iidfile' 0 0123456789abcdef ''
printf 'sha256:%s\r\n' "$hex" >"$tmp/iid"
run image-id -f "$tmp/iid"
did 'image-id: of one that ends with a newline' 0 0123456789abcdef ''
for text in '' "$hex" sha256: "sha256:${hex%?}" "sha256:${hex}0" "SHA256:$hex" " sha256:$hex" "sha256:$hex;id" alpine \
	'$(id)' '%s%n'; do
	run image-id "$text"
	did "image-id: refused: '$text'" 1 '' "image-id: '$text' is not an image ID (sha256:<64 hex>)"
done
run image-id "$(printf 'a\033[31m\nb')"
did 'image-id: no control byte reaches the terminal' 1 '' "image-id: 'a?[31m?b' is not an image ID (sha256:<64 hex>)"
run image-id -- -x
did 'image-id: not an option behind --' 1 '' "image-id: '-x' is not an image ID (sha256:<64 hex>)"
: >"$tmp/iid"
run image-id -f "$tmp/iid"
did 'image-id: an empty iidfile' 1 '' "image-id: '' is not an image ID (sha256:<64 hex>)"
printf 'sha256:%s\0rest' "$hex" >"$tmp/iid"
run image-id -f "$tmp/iid"
is 'image-id: a NUL in an iidfile ends nothing' $rc 1
run image-id -f "$tmp/none"
did 'image-id: no iidfile' 111 '' "image-id: cannot read '$tmp/none': No such file or directory"
head -c 300 /dev/zero | tr '\0' ' ' >"$tmp/iid"
run image-id -f "$tmp/iid"
did 'image-id: an iidfile that is none' 111 '' "image-id: cannot read '$tmp/iid': File too large"
for arguments in '' 'a b' '-f' '-f x y'; do
	# shellcheck disable=SC2086 # a list
	run image-id $arguments
	is "image-id $arguments: called wrongly" $rc 100
done

topic 'host-port'
says_none='host-port: no port, or more than one, in what the engine printed'
run host-port '127.0.0.1:32770'
did 'host-port: of an argument' 0 32770 ''
printf '0.0.0.0:32770\n[::]:32770\n' | "$top/cache/bin/host-port" >"$out"
is 'host-port: of standard input' "$(cat "$out")" 32770
printf '5000/tcp -> 127.0.0.1:32770\n' | "$top/cache/bin/host-port" >"$out"
is 'host-port: of docker port NAME' "$(cat "$out")" 32770
run host-port '{"5000/tcp":[{"HostIp":"127.0.0.1","HostPort":"32770"}]}'
did "host-port: of inspect's JSON" 0 32770 ''
run host-port ''
did 'host-port: nothing' 1 '' "$says_none"
run host-port
did 'host-port: nothing on standard input' 1 '' "$says_none"
run host-port '0.0.0.0:32770
[::]:32771'
did 'host-port: two ports' 1 '' "$says_none"
run host-port 'Error: No such container: x'
did 'host-port: an error' 1 '' "$says_none"
head -c 1000000 /dev/zero | "$top/cache/bin/host-port" >"$out" 2>"$err"
rc=$?
did 'host-port: a megabyte of zeros' 1 '' "$says_none"
{ yes '127.0.0.1:32770' | head -c 1000000; } | "$top/cache/bin/host-port" >"$out" 2>"$err"
rc=$?
did 'host-port: a megabyte is more than any engine prints' 1 '' "$says_none"
printf '127.0.0.1:32770\0\n127.0.0.1:1' | "$top/cache/bin/host-port" >"$out" 2>"$err"
rc=$?
did 'host-port: a NUL ends nothing' 1 '' "$says_none"
"$top/cache/bin/host-port" <"$tmp" >"$out" 2>"$err"
rc=$?
did 'host-port: no input' 111 '' 'host-port: cannot read standard input: Is a directory'
run host-port a b
is 'host-port: called wrongly' $rc 100

topic 'verify-machine'
head -c 300000 /dev/urandom >"$tmp/assets"
printf '{"image":"127.0.0.1:5000/x:%.16s","digest":"sha256:%s","platform":"linux/amd64","smolvm_version":"1.9.2",
"assets":{"layers":[{"digest":"sha256:%s"}]}}' $hex $hex $hex >"$tmp/manifest"
sidecar() { # FILE [-f FAULT]
	_file=$1
	shift
	must "$top/cache/tests/write-sidecar" "$@" "$_file" "$tmp/assets" "$tmp/manifest"
}
sidecar "$tmp/good"
summary="$tmp/good: 127.0.0.1:5000/x:0123456789abcdef, sha256:$hex, linux/amd64, smolvm 1.9.2, 1 layer"
run verify-machine "$tmp/good"
did 'verify-machine: a whole one' 0 "$summary" ''
run verify-machine -q "$tmp/good"
did 'verify-machine -q: a whole one' 0 "$summary" ''
for fault in half truncated no-footer wrong-crc bit-flip empty; do
	sidecar "$tmp/bad" -f $fault
	run verify-machine "$tmp/bad"
	is "verify-machine: $fault: 1, and nothing on stdout" "$rc $(wc -c <"$out")" '1 0'
	case $fault in
	half | truncated | no-footer) why='no SMOLPACK footer at the end: torn, or no artifact' ;;
	empty) why='0 bytes are too few for an artifact' ;;
	*) why='CRC-32 [0-9a-f]{8} where the footer says [0-9a-f]{8}: damaged' ;;
	esac
	like "... and one line says why" "$(cat "$err")" "^verify-machine: '$tmp/bad': $why\$"
done
run verify-machine -q "$tmp/bad"
is 'verify-machine -q sees a torn one too' $rc 1
sidecar "$tmp/bad" -f bit-flip
run verify-machine -q "$tmp/bad"
is 'verify-machine -q does not read the assets' $rc 0
run verify-machine "$tmp/good" "$tmp/bad" "$tmp/good"
is 'verify-machine: of several each is looked at, one that is not whole is 1' "$rc $(wc -l <"$out") $(wc -l <"$err")" '1 2 1'
run verify-machine "$tmp/none"
did 'verify-machine: none' 111 '' "verify-machine: cannot open '$tmp/none': No such file or directory"
run verify-machine "$tmp"
did 'verify-machine: a folder' 1 '' "verify-machine: '$tmp': not a regular file"
mkfifo "$tmp/fifo"
expect_code 'verify-machine: a fifo, without waiting' 1 timeout 60 "$top/cache/bin/verify-machine" "$tmp/fifo"
printf '{"image":"a\\u001b[31m\\nb","digest":"d"}' >"$tmp/manifest"
sidecar "$tmp/colours"
run verify-machine "$tmp/colours"
like 'verify-machine: no control byte of a manifest reaches the terminal' "$(cat "$out")" 'a\?\[31m\?b'
run verify-machine
is 'verify-machine: called wrongly' $rc 100
run verify-machine -q
is 'verify-machine -q: called wrongly' $rc 100
"$top/cache/bin/verify-machine" "$tmp/good" >/dev/full 2>"$err"
is 'verify-machine: what cannot be printed is no success' $? 111

topic 'Memory: as much for 200 MB as for nothing'
truncate -s 200M "$tmp/assets"
sidecar "$tmp/large"
rm -f "$tmp/costs" "$tmp/assets"
must "$top/cache/tests/measure" -q -o "$tmp/costs" "$top/cache/bin/verify-machine" "$tmp/large"
kb=$(cut -f 5 "$tmp/costs")
diag "verify-machine of 200 MB: $kb KB"
sanitized ||
	ok 'verify-machine: less than 10 MB resident for 200 MB' test "$kb" -lt 10240
done_testing
