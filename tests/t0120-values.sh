#!/bin/sh
# t0120-values: no value of a variable is ever executed, from the command line or the environment (no engine needed).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq

# A stand-in for the engine, which is not asked for anything: every value here is refused, or ends at it.
mkdir -p "$tmp/bin" "$tmp/context"
printf '#!/bin/sh\necho "engine: $*" >&2\nexit 1\n' >"$tmp/bin/podman"
chmod +x "$tmp/bin/podman"
printf 'FROM scratch\n' >"$tmp/context/Dockerfile"
export DOCKER="$tmp/bin/podman"

variables=$(sed -n 's/^run:\([A-Z_]*\).*/\1/p' "$top/mk/settings")
isnt 'there are variables' "$variables" ''
is 'make has those of the table' "$(make -C "$top" -pn help 2>/dev/null | sed -n 's/^user-vars := //p')" "$(echo "$variables" | paste -sd' ' -)"
is '... each once' "$(grep -oE '^(run|goal|test):[A-Z_]+' "$top/mk/settings" | cut -d: -f2 | sort | uniq -d)" ''
ok 'README, the manual and the completions have what the table says' "$top/mk/docs.sh" compare
must cp -r "$top/mk" "$top/share" "$top/docs" "$top/README.md" "$tmp/"
sed 's/^run:V  .*/run:VOLUME           every  -  how loud/; s/^= 0 | 1 prints/= 0 | 2 prints/' "$top/mk/settings" >"$tmp/mk/settings"
must_fail '... which is noticed where it is not so' "$tmp/mk/docs.sh" compare
ok '... and mended' "$tmp/mk/docs.sh" write
ok '...' "$tmp/mk/docs.sh" compare
for file in README.md docs/reference.md share/smolmake.1 share/smolmake.bash share/_smolmake; do
	ok "... in $file" grep -qw VOLUME "$tmp/$file"
done
sed -nE 's/^run:([A-Z_]+) +[a-z]+ +((one|seconds|mib|count)[^ ]*) .*/\1 \2/p' "$top/mk/settings" >"$tmp/kinds"
ok 'the table says what many of them may be' test "$(wc -l <"$tmp/kinds")" -gt 10
while read -r name kind; do
	must_fail "$name, which is $kind, is nothing else" run_make smolmachine IMAGE=a "$name=nonsense"
	like '... and named' "$(cat "$err")" "(^error|\\*\\*\\*).* ?$name: (give 0, 1 or 2|'nonsense' is n)"
done <"$tmp/kinds"
is 'the kinds of the table are known' "$(sed -nE 's/^(run|goal|test):[A-Z_]+ +(every|some) +([^ :]+).*/\3/p' "$top/mk/settings" | sort -u | xargs)" '- count mib one option seconds'
is 'what the table calls an option of an image is one' "$(sed -n 's/^run:\([A-Z_]*\) *[a-z]* *option .*/\1/p' "$top/mk/settings" | sort | xargs)" \
	"$("$top/cache/bin/plan-images" -o | jq -r '.[].name' | sort | xargs)"
options=$("$top/cache/bin/plan-images" -o | jq -r '.[].name')
isnt 'an image has options' "$options" ''
for option in $options; do
	like "... of which $option is a setting" "$variables" "^$option\$"
done
is 'the schema of the images file has them, with their types' "$(jq -r '.properties.images.items.properties | del(.image) | to_entries[]
	| "\(.key) \(if .value.oneOf then (if .value.oneOf[1].type == "array" then "list" else "memory" end) elif .value.type == "boolean" then "switch" elif .value.type == "integer" then "whole" elif .value.type == "object" then "arguments" else "text" end)"' \
	"$top/share/images.schema.json" | sort)" "$("$top/cache/bin/plan-images" -o | jq -r '.[] | "\(.key) \(.type)"' | sort)"
must_fail 'every option may stand in an images file, and the keys that are known are named' \
	sh -c 'printf "{\"images\":[{\"image\":\"a\",\"nosuch\":1}]}" >"$1/i.json" && exec "$2/tests/make" -C "$2" smolmachines IMAGES_FILE="$1/i.json" DOCKER="$3" CACHE_DIR="$1/c" 2>"$1/said"' \
	sh "$tmp" "$top" "$DOCKER"
for option in $options; do
	like "... $option too" "$(tr '\n' ' ' <"$tmp/said")" "known are .*$(echo "$option" | tr '[:upper:]' '[:lower:]')"
done

newline='
'
mark=$tmp/pwned
# Nothing here names a file in the checkout: what stands there afterwards stood there before.
ls -A "$top" >"$tmp/before"
n=0
for value in "\$(shell touch $mark)" "x;touch $mark" "x\$(touch $mark)" "\`touch $mark\`" "'; touch $mark; '" \
	"\"; touch $mark; \"" "x${newline}touch $mark" "x${newline}	touch $mark" "-x" "\${shell touch $mark}" \
	"\$\$(touch $mark)" "x|touch $mark" "x&touch $mark #" "\$(eval \$(shell touch $mark))" "\$(file >$mark)" "%" "a:b:c" "*" \\; do
	n=$((n + 1))
	bad=''
	plain=$value
	for variable in $variables; do
		value=$plain
		for origin in line environment; do
			for goal in help smolmachine; do
				# a folder or file of that name would be made in the checkout
				case $variable in CACHE_DIR | TRACE) value=$tmp/made$plain ;; esac
				# what goes with CONTEXT needs one
				set -- IMAGE=x CONTEXT="$tmp/context"
				if [ $origin = line ]; then
					run_make -i $goal "$@" "$variable=$value"
				else
					set -- "$variable=$value"
					[ "$variable" = IMAGE ] || set -- "$@" IMAGE=x
					[ "$variable" = CONTEXT ] || set -- "$@" CONTEXT="$tmp/context"
					env "$@" "$top/tests/make" --no-print-directory -i -C "$top" $goal >"$out" 2>"$err"
				fi
				if [ -e "$mark" ]; then
					bad="$bad $goal:$variable:$origin"
					rm -f "$mark"
				fi
			done
		done
	done
	is "value $n is not executed, whichever variable it is given to" "$bad" ''
done
is 'no value has become a file of the checkout' "$(ls -A "$top")" "$(cat "$tmp/before")"
ok 'a value in the images file is not executed either' sh -c '
	jq -n --arg v "\$(touch $1/pwned)" "{images:[{image:\"a\",context:\$v},{image:\"b\",entrypoint:\$v}]}" >"$1/images.json"
	"$2/tests/make" -C "$2" smolmachines IMAGES_FILE="$1/images.json" >/dev/null 2>&1
	[ ! -e "$1/pwned" ]' sh "$tmp" "$top"

# A test that cannot fail proves nothing: the same check sees what the unprotected form does.
printf 'IMG = $(value X)\nall: ; @echo "$(IMG)$(X)"\n' >"$tmp/unprotected.mk"
make -s -f "$tmp/unprotected.mk" "X=\$(shell touch $mark)" >/dev/null 2>&1
ok 'an unprotected makefile is caught by this test' test -e "$mark"
done_testing
