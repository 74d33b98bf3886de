#!/bin/sh
# t0820-install: an installation works for every user, writes nothing into itself, serves other makefiles, and goes without a trace.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

to=$tmp/to/usr
export SMOLMAKE_CACHE_DIR="$CACHE_DIR" SMOLMAKE_SMOLVM="$SMOLVM"
installed() { (cd "$tmp/to" && find . ! -type d | sort); }
smolmake() { _deadline 120 "$to/bin/smolmake" "$@" >"$out" 2>"$err"; }

ok 'make install' run_make install DESTDIR="$tmp/to" PREFIX=/usr
is '... tells the command' "$(cat "$out")" "$to/bin/smolmake"
like '... with its manual' "$(installed | xargs)" '\./usr/share/man/man1/smolmake\.1'
is '... and a page of each helper' "$(installed | sed -n 's|.*/man8/smolmake-\(.*\)\.8$|\1|p' | xargs)" "$(installed | sed -n 's|^\./usr/lib/smolmake/bin/||p' | xargs)"
is '... which has all parts' "$(cd "$tmp/to/usr/share/man/man8" && grep -L '^\.Sh EXIT STATUS' -- * | xargs)$(cd "$tmp/to/usr/share/man/man8" && grep -l '^\.Nd *$' -- * | xargs)" ''
unlike '... without sources and tests' "$(installed | xargs)" '\.c |/tests/'
before=$(installed | (cd "$tmp/to" && xargs -d '\n' sha256sum))
ok 'again' run_make install DESTDIR="$tmp/to" PREFIX=/usr
is '... is the same' "$(installed | (cd "$tmp/to" && xargs -d '\n' sha256sum))" "$before"
refused() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	must_fail "$_what" run_make "$@"
	like '... is refused' "$(grep -c '^error: ' "$err") $(cat "$err")" "^1 error: $_pattern"
}
refused 'a PREFIX that is no path' "PREFIX: 'usr' is no absolute path" install PREFIX=usr
refused 'a DESTDIR that is none' "DESTDIR: 'to' is no absolute path" install DESTDIR=to PREFIX=/usr
: >"$tmp/file"
refused 'a PREFIX below a file' "PREFIX: '.*/file/x/lib' cannot be written" install PREFIX="$tmp/file/x"
refused 'uninstall of nothing' "PREFIX: no smolmake is installed in '.*'" uninstall PREFIX="$tmp/elsewhere"

topic 'The command'
ok '--version' smolmake --version
is '...' "$(cat "$out")" "smolmake $(cat "$top/VERSION")"
ok '--help' smolmake --help
like '...' "$(cat "$out")" '^usage: smolmake '
ok 'help' smolmake help
unlike '... has no goals of the checkout' "$(cat "$out")" '^  (check|bench|install) '
must_make_() { make_context agent; }
must must_make_
cp "$context/Dockerfile" "$tmp/Dockerfile.agent"
image=smolmake-test/installed-$mine:v1
mkdir "$tmp/work"
mv "$context" "$tmp/work/agent folder"
cd "$tmp/work" || exit
ok 'a build, by a relative path' smolmake "$image" -C 'agent folder'
sidecar=$(cat "$out")
ok '... is packed' "$to/lib/smolmake/bin/verify-machine" "$sidecar"
ok 'a hit' smolmake -s "$image"
is '...' "$(cat "$out" "$err")" "$sidecar"
docker tag "$image" "smolmake-test/second-$mine:v2"
ok '-j with a number behind it' smolmake -j 2 "$image"
is '... which is no image' "$(wc -l <"$out")" 1
ok 'several' smolmake -j2 "$image" "smolmake-test/second-$mine:v2"
is '...' "$(wc -l <"$out")" 2
must_fail 'settings are data' smolmake -n 'IMAGE=$(shell touch '"$tmp"'/shell)' ENTRYPOINT='$(touch '"$tmp"'/shell)`touch '"$tmp"'/shell`'
must_fail '...' test -e "$tmp/shell"
ok 'list' smolmake list FORMAT=json
is '...' "$(jq -r '.[0].names[0]' "$out")" "$image"
ok 'prune, dry' smolmake -n prune KEEP=0
like '...' "$(cat "$out")" '^0 machines'
for words in '--what' '-C' ''; do
	# shellcheck disable=SC2086 # no word at all
	must_fail "'$words' is no call" smolmake $words
	like '... and one line says so' "$(cat "$err")" 'smolmake'
done
must_fail 'an image that is none' smolmake 'Not An Image'
like '...' "$(cat "$err")" "IMAGE"
is 'nothing is written into the installation' "$(installed | (cd "$tmp/to" && xargs -d '\n' sha256sum))" "$before"

topic 'Other makefiles'
printf 'include %s/include/smolmake.mk\nSMOLMAKE := %s/bin/smolmake\nbooted: $(call smolmachine,%s,agent\\ folder/)\n\t@echo boots $< && touch $@\n' "$to" "$to" "$image" >Makefile
mv 'agent folder' agent && sed -i 's,agent\\ folder/,agent/,' Makefile
outer() { _deadline 120 "$top/tests/make" -C "$tmp/work" --no-print-directory "$@" >"$out" 2>"$err"; }
ok 'a target that depends on a machine' outer booted
like '... gets it' "$(cat "$out")" '^boots \.smolmake/.*\.smolmachine$'
ok '... whole' "$to/lib/smolmake/bin/verify-machine" .smolmake/*.smolmachine
ok 'while the image stays' outer booted
unlike '... nothing is done again' "$(cat "$out")" boots
echo 'LABEL changed=yes' >>agent/Dockerfile
ok 'when it changes' outer booted
like '... it is' "$(cat "$out")" boots
ok 'the next' outer booted
unlike '... is a hit' "$(cat "$out")" boots
topic 'The example'
must cp -R "$top/examples/project" "$tmp/project"
example() { _deadline 120 "$top/tests/make" -C "$tmp/project" -I "$to/include" --no-print-directory SMOLMAKE="$to/bin/smolmake" SETTINGS="BUILD_ARGS=BASE=$image" "$@" >"$out" 2>"$err"; }
ok 'is packed' example
ok '...' test -s "$tmp/project/deployed"
is '... and what depends on it is made' "$(cut -c1-64 "$tmp/project/deployed")" "$(sha256sum <"$(echo "$tmp/project/.smolmake"/*.smolmachine)" | cut -c1-64)"
ok 'again' example
unlike '... nothing is' "$(cat "$out")" sha256sum
ok 'clean' example clean
docker rmi -f project-agent:latest >/dev/null
for file in github-actions.yml gitlab-ci.yml; do
	is "what $file runs is shell, and names goals and settings that there are" "$(sed -n 's/^ *- run: //p; s/^    - \([a-z].*\)/\1/p' "$top/examples/$file" | tee "$tmp/commands" | sh -n 2>&1)" ''
	is '...' "$(grep -o '[A-Z_]*=' "$tmp/commands" | tr -d = | sort -u | while read -r name; do grep -qw "$name" "$top/mk/settings" || echo "$name"; done)" ''
done

docker rmi -f "$image" "smolmake-test/second-$mine:v2" >/dev/null

ok 'make uninstall' run_make uninstall DESTDIR="$tmp/to" PREFIX=/usr
is '... leaves no file' "$(installed)" ''
done_testing
