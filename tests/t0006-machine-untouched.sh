#!/bin/sh
# tests/run keeps the machine's own files from the tests: they can only be read, and a program of PATH that is changed all the same
# fails the run.
. "$(dirname "$0")/lib.sh"
need_private

# Opened for appending, and nothing written: without the protection this test must do no harm either.
for file in "$(command -v df)" "$(command -v sh)" /etc/passwd "$top/README.md"; do
	case $file in /tmp/*) continue ;; esac # a checkout beside the folders for temporary files can be written to
	# shellcheck disable=SC2016
	must_fail "$file cannot be written to" sh -c ': >>"$1"' sh "$file"
	ln -s "$file" "$tmp/link"
	# shellcheck disable=SC2016
	must_fail "$file cannot be written to through a link" sh -c ': >>"$1"' sh "$tmp/link"
	rm "$tmp/link"
done
for folder in /usr/bin /usr/local/bin /etc /root /var/lib; do
	# shellcheck disable=SC2016
	must_fail "no file can be made in $folder" sh -c 'f=$(mktemp "$1/smolmake-test.XXXXXX") && rm "$f"' sh "$folder"
done
# shellcheck disable=SC2016
ok 'a folder for temporary files can be written to' sh -c 'f=$(mktemp /var/tmp/smolmake-test.XXXXXX) && rm "$f"'

# The comparison at the end, over a folder of PATH that is this test's own.
mkdir "$tmp/bin"
fake_program "$tmp/bin/tool" 'echo one'
fake_program "$tmp/bin/other" 'echo one'
runs() { # SHELL-TEXT: run by tests/run beside the engine that is there
	PATH=$tmp/bin:$PATH "$top/tests/run" -e current -x sh -c "$1" >"$out" 2>"$err"
}
expect_code 'a run that changes nothing keeps its status' 42 runs 'exit 42'
expect_code 'a program that comes new is no harm' 0 runs ": >'$tmp/bin/new'"
expect_code 'a run that overwrites a program fails' 1 runs "echo 'echo two' >'$tmp/bin/tool'"
like 'the overwritten program is named' "$(cat "$err")" "changed while the tests ran: $tmp/bin/tool \$"
fake_program "$tmp/bin/tool" 'echo one'
ln -s tool "$tmp/bin/borrowed"
expect_code 'a run that overwrites a program through a link fails' 1 runs "echo 'echo two' >'$tmp/bin/borrowed'"
fake_program "$tmp/bin/tool" 'echo one'
expect_code 'a run that removes a program fails' 1 runs "rm '$tmp/bin/other'"
like 'the removed program is named' "$(cat "$err")" "changed while the tests ran: $tmp/bin/other \$"
expect_code 'a run that fails and changes a program keeps its own status' 42 runs "rm '$tmp/bin/tool'; exit 42"
done_testing
