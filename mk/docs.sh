#!/bin/sh
# docs.sh write|compare - the settings in README, docs/reference.md, smolmake(1) and the completions, by mk/settings: written, or
# compared with what is there (exit 1: one differs).
set -eu
top=$(cd "${0%/*}/.." && pwd -P)
cd "$top"
new=$(mktemp) || exit
trap 'rm -f "$new"' EXIT
status=0

# FILE FORM: the file, with the part that is the settings' as the table has it; `settings.awk` knows where it begins and ends.
each() {
	awk -v form="$2" -f mk/settings.awk mk/settings "$1" >"$new"
	if cmp -s "$new" "$1"; then
		:
	elif [ "$mode" = write ]; then
		cat "$new" >"$1"
	else
		printf "error: '%s' differs from mk/settings; run \`make docs\`\n" "$1" >&2
		status=1
	fi
}
mode=$1
each README.md everyday
each docs/reference.md rows
each share/smolmake.1 manual
each share/smolmake.bash bash
each share/_smolmake zsh
exit $status
