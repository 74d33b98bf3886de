#!/bin/sh
# t0116-places: where settings lie: the default CACHE_DIR, relative paths, a `~` that no shell read, units, images files of
# each kind, and what a limit of the shell does.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo setpriv bash realpath
need_private # root: to be two users

them=65534
must make_image agent
must run_make image-id IMAGE="$image" # compiled, and the engine known
real_cache=$CACHE_DIR
unset CACHE_DIR
make() { _deadline 60 "$top/tests/make" --no-print-directory "$@" >"$out" 2>"$err"; }
lines() { grep -v '^make' "$err"; }

topic 'The default of CACHE_DIR'
default() { # WHAT HOME XDG_CACHE_HOME EXPECTED
	mkdir -p "$2"
	ok "$1" env HOME="$2" ${3:+XDG_CACHE_HOME="$3"} "$top/tests/make" -s -C "$top" image-id IMAGE="$image"
	ok '... the cache is where it has to be' test -d "$4/claude-bottle/smolmachines/.lock"
	is '... and nowhere else' "$(find "$tmp" -name .lock | grep -vF -e "$real_cache" -e "$4/claude-bottle")" ''
	rm -rf "$2" "$4"
}
unset XDG_CACHE_HOME
default 'a HOME with blanks' "$tmp/a  home of $$" '' "$tmp/a  home of $$/.cache"
default 'an XDG_CACHE_HOME with blanks' "$tmp/home" "$tmp/an xdg  home" "$tmp/an xdg  home"
default 'a relative XDG_CACHE_HOME is none' "$tmp/home" here/cache "$tmp/home/.cache"
# shellcheck disable=SC2088 # no shell is to read it
default 'nor is one that begins with ~' "$tmp/home" '~/cache' "$tmp/home/.cache"
default 'an XDG_CACHE_HOME with a dollar' "$tmp/home" "$tmp/\$(touch x)" "$tmp/\$(touch x)"
for home in -u\ HOME HOME= HOME=relative; do
	# shellcheck disable=SC2086 # -u HOME
	must_fail "no home ($home)" env $home "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image"
	# shellcheck disable=SC2086
	env $home "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" 2>"$err"
	like '... is one line that says HOME and CACHE_DIR' "$(lines)" '^error: CACHE_DIR: .*HOME is not set; give CACHE_DIR=<folder>'
	is '... alone' "$(lines | wc -l)" 1
	# shellcheck disable=SC2086
	ok '... but help needs none' env $home "$top/tests/make" -s -C "$top" help
done
for setting in CACHE_DIR OUT CONTEXT DOCKERFILE SMOLFILE IMAGES_FILE DOCKER SMOLVM; do
	must_fail "$setting=~/x, as a shell left it" make -C "$top" smolmachine IMAGE=a CACHE_DIR="$real_cache" "$setting=~/x"
	like '... is refused with the remedy' "$(lines)" "^error: $setting: '~/x' begins with '~', .* give $setting=\"\\\$HOME/"
done
ok 'no folder of that name is made' test ! -e "$top/~"

topic "Another user's HOME, as sudo leaves it: nothing of root's is made in it"
other() { # WHAT: the HOME $tmp/theirs
	chown -Rh $them "$tmp/theirs"
	find "$tmp/theirs" | sort >"$tmp/before"
	must_fail "$1" env HOME="$tmp/theirs" "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image"
	env HOME="$tmp/theirs" "$top/tests/make" -s -C "$top" smolmachine IMAGE="$image" 2>"$err"
	like '... is refused' "$(lines)" "^error: CACHE_DIR: '$tmp/[a-z/.]*' belongs to another user \\(uid $them\\); give a CACHE_DIR of your own"
	find "$tmp/theirs" | sort >"$tmp/after"
	same '... before anything is made there' "$tmp/after" "$tmp/before"
	rm -rf "$tmp/theirs"
}
must mkdir "$tmp/theirs"
other "another user's HOME"
must mkdir -p "$tmp/theirs/.cache"
other '... with a .cache'
must mkdir -p "$tmp/theirs/.cache/claude-bottle"
other '... and claude-bottle'
must mkdir -p "$tmp/theirs/elsewhere"
must ln -s elsewhere "$tmp/theirs/.cache"
other '... and a .cache that is a link'
must mkdir -p "$tmp/mine" "$tmp/theirs"
must ln -s "$tmp/theirs" "$tmp/mine/link"
must chown $them "$tmp/theirs"
must_fail 'a link of our own that leads there' make -C "$top" image-id IMAGE="$image" CACHE_DIR="$tmp/mine/link/a/b"
is '... neither' "$(ls -A "$tmp/theirs")" ''
must chmod 777 "$tmp/mine"
must_fail 'a folder that everybody can write to' make -C "$top" image-id IMAGE="$image" CACHE_DIR="$tmp/mine/new/cache"
ok '... nor' test ! -e "$tmp/mine/new"

topic 'Where a relative path begins'
export CACHE_DIR="$real_cache"
project=$tmp/project
must mkdir -p "$project/sub" "$tmp/away"
relative=$(realpath --relative-to="$project" "$top")
printf 'all: ; $(MAKE) --no-print-directory $(flags) smolmachine IMAGE=a CONTEXT=nowhere\ninner: ; cd sub \046\046 $(MAKE) --no-print-directory $(flags) smolmachine IMAGE=a CONTEXT=nowhere\n' >"$project/Makefile"
export TOP="$top" RELATIVE="$relative" PROJECT="$project" AWAY="$tmp/away" MAKE_IT="$top/tests/make" GOAL='smolmachine IMAGE=a CONTEXT=nowhere'
begins() { # WHAT FOLDER SCRIPT
	(cd / && _deadline 60 "${shell:-sh}" -c "$3") >"$out" 2>"$err"
	like "$1" "$(lines)" "^error: CONTEXT: '$2/nowhere' cannot be found"
}
for exported in 'unset PWD' 'export PWD'; do
	begins "$exported: -C, from a folder" "$project" "$exported; cd \"\$PROJECT\"; \"\$MAKE_IT\" -C \"\$TOP\" \$GOAL; :"
	begins '... by a relative path' "$project" "$exported; cd \"\$PROJECT\"; \"\$MAKE_IT\" -C \"\$RELATIVE\" \$GOAL; :"
	begins '... one of several options' "$project" "$exported; cd \"\$PROJECT\"; \"\$MAKE_IT\" -f GNUmakefile -sC \"\$RELATIVE\" \$GOAL; :"
	begins '... spelled out' "$project" "$exported; cd \"\$PROJECT\"; \"\$MAKE_IT\" \$GOAL --directory=\"\$RELATIVE\"; :"
	begins '... in two steps' "$project" "$exported; cd \"\$PROJECT\"; \"\$MAKE_IT\" -C .. -C \"\${RELATIVE#../}\" \$GOAL; :"
	begins '... in a subshell' "$project/sub" "$exported; cd \"\$PROJECT\"; (cd sub; \"\$MAKE_IT\" -C \"\$TOP\" \$GOAL; :); :"
	begins '... no -C' "$top" "$exported; cd \"\$TOP\"; \"\$MAKE_IT\" \$GOAL; :"
	begins '... a PWD that is wrong' "$project" "$exported; cd \"\$PROJECT\"; PWD=/etc \"\$MAKE_IT\" -C \"\$RELATIVE\" \$GOAL; :"
	begins '... a PWD of another folder, and no -C' "$top" "$exported; cd \"\$TOP\"; PWD=/etc \"\$MAKE_IT\" \$GOAL; :"
	begins '... a parent make' "$project" "$exported; cd \"\$PROJECT\"; make all flags='-C \$\$TOP'; :"
	begins '... that was called from elsewhere' "$project" "$exported; cd \"\$AWAY\"; make -C \"\$PROJECT\" all flags='-C \$\$TOP'; :"
	begins '... by a relative path' "$project" "$exported; cd \"\$AWAY\"; make -C \"\$PROJECT\" all flags='-C \$\$RELATIVE'; :"
done
begins 'a shell that goes into a folder and becomes make' "$project/sub" 'export PWD; cd "$PROJECT"; sh -c "cd sub && exec \"\$MAKE_IT\" -C \"\$TOP\" \$GOAL"; :'
begins 'a recipe that does' "$project/sub" "export PWD; cd \"\$AWAY\"; make -C \"\$PROJECT\" inner flags='-C \$\$TOP'; :"
shell=bash begins 'the same of bash' "$project/sub" 'cd "$PROJECT"; bash -c "cd sub; \"\$MAKE_IT\" -C \"\$TOP\" \$GOAL"; :'

stands() { (cd "$project" && make -C "$top" "$@"); } # ARGS...
for setting in DOCKERFILE SMOLFILE; do
	stands smolmachine IMAGE=a CONTEXT="$tmp/context/agent" $setting=nowhere
	like "$setting too" "$(lines)" "^error: $setting: '$project/nowhere' cannot be found"
done
stands smolmachine IMAGE=a OUT=none/x
like 'OUT too' "$(lines)" "^error: OUT: cannot write to '$project/none'"
stands smolmachines IMAGES_FILE=none.json
like 'IMAGES_FILE too' "$(lines)" "^error: IMAGES_FILE: '$project/none.json' is not there"
stands smolmachines
like '... and its default' "$(lines)" "^error: IMAGES_FILE: '$project/smolmachines.json' is not there"
stands smolmachine IMAGE="$image" OUT=agent CACHE_DIR=cache
is 'CACHE_DIR and OUT are made there' "$(ls "$project")" 'Makefile
agent
agent.smolmachine
cache
sub'
printf 'FROM scratch\nCOPY . /\n' >"$project/sub/Dockerfile"
stands -n smolmachine IMAGE=a CONTEXT=sub
is '-n says the same' "$?$(lines)" 0
stands -n smolmachine IMAGE=a CONTEXT=nowhere
like '... and refuses the same' "$(lines)" "^error: CONTEXT: '$project/nowhere' cannot be found"

topic 'Images files'
wish="{\"images\":[{\"image\":\"$image\",\"context\":\"$tmp/context/agent\"}]}"
stands smolmachines IMAGES_FILE=sub
like 'an images file that is a folder' "$(lines)" "^error: IMAGES_FILE: '$project/sub' is a folder; give IMAGES_FILE=<file>"
is '... is one line' "$(lines | wc -l)" 1
export WISH="$wish"
ok 'one that bash makes of a command' bash -c '"$MAKE_IT" --no-print-directory -C "$TOP" smolmachines IMAGES_FILE=<(printf %s "$WISH")'
ok 'one that is stdin' sh -c 'printf %s "$WISH" | "$MAKE_IT" --no-print-directory -C "$TOP" smolmachines IMAGES_FILE=/dev/stdin'
must mkfifo "$tmp/pipe"
(sleep 1 && printf %s "$wish" >"$tmp/pipe") &
ok 'one that is a pipe, which is written to later' make -C "$top" smolmachines IMAGES_FILE="$tmp/pipe"
wait $!
must_fail 'a pipe that nobody writes to' make -C "$top" smolmachines IMAGES_FILE="$tmp/pipe" TOOL_TIMEOUT=1
like '... ends with a line' "$(lines)" "^error: IMAGES_FILE: '$tmp/pipe': nothing came out of '$tmp/pipe' within 1 s"
WISH='{"images":[{"image":"a","context":"nowhere"}]}'
(cd "$project" && bash -c '"$MAKE_IT" --no-print-directory -C "$TOP" smolmachines IMAGES_FILE=<(printf %s "$WISH")') 2>"$err"
like 'relative paths of a pipe begin where the user stands' "$(lines)" "images\\[0\\]: CONTEXT: '$project/nowhere' cannot be found"
is '... and not in the checkout' "$(git -C "$top" status --porcelain 2>/dev/null | grep -c '^?? \(cache dir\|agent\)')" 0

topic 'Units'
path() { run_make -s smolmachine IMAGE="$image" "$@" && cat "$out"; }
plain=$(path MEM=2048)
for mem in 2G 2g 2GiB 2048M 2048mib 002048; do
	is "MEM=$mem is MEM=2048" "$(path MEM="$mem")" "$plain"
done
isnt 'MEM=3G is not' "$(path MEM=3G)" "$plain"
is 'so in an images file' "$(jq -n --arg i "$image" '{images: [{image: $i, mem: "2G"}]}' >"$tmp/m.json" && run_make -s smolmachines IMAGES_FILE="$tmp/m.json" && cat "$out")" "$plain"
for wrong in MEM=2GB MEM=2K MEM=G MEM=1.5G MEM=-1G MEM=99999999G MEM=9999999999999999999G STORE_MAX=10GB BUILD_TIMEOUT=1y BUILD_TIMEOUT=1h30m TOOL_TIMEOUT=9999999999999999d; do
	must_fail "$wrong" make -C "$top" smolmachine IMAGE=a "$wrong"
	case $wrong in *TIMEOUT*) unit='seconds, or as 90s, 30m, 1h' ;; *) unit='MiB, or as 2048M, 2G' ;; esac
	like '... is refused, with the unit' "$(lines)" "^error: ${wrong%=*}: '${wrong#*=}' is not a whole number from .*\\($unit\\)"
done
ok 'times and sizes with units' run_make smolmachine IMAGE="$image" ENTRYPOINT=/new BUILD_TIMEOUT=1h PUSH_TIMEOUT=30m PACK_TIMEOUT=90s TOOL_TIMEOUT=1M REGISTRY_TIMEOUT=10S STORE_MAX=10G ROUTE=push

topic "Nothing named; the Dockerfile's other names"
must_fail 'a bare make smolmachine' make -C "$top" smolmachine
like '... says what to give' "$(lines)" '^error: IMAGE is empty; give IMAGE=name.*CONTEXT=<folder>.*IMAGES=.*make smolmachines'
must_fail 'CONTEXT alone' make -C "$top" smolmachine CONTEXT="$tmp/context/agent"
like '... too' "$(lines)" '^error: IMAGE is empty; give IMAGE=name\[:tag\], the name that the build of CONTEXT gets'
for name in dockerfile Containerfile; do
	rm -rf "$tmp/context/other"
	must cp -R "$tmp/context/agent" "$tmp/context/other"
	must mv "$tmp/context/other/Dockerfile" "$tmp/context/other/$name"
	ok "a $name is found" run_make image-id IMAGE="$image" CONTEXT="$tmp/context/other"
done

topic 'ulimit -f'
must make_context large
head -c 30000000 /dev/urandom >"$context/root/large"
must change_image 'ENV LARGE=1'
rm -rf "$real_cache"
for blocks in 0 1 8 40000; do
	(
		ulimit -f $blocks
		"$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" ROUTE=direct REGISTRY_IMAGE= 2>&1
		echo "status $?"
	) | cat >"$err"
	like '... fails' "$(tail -n 1 "$err")" '^status [1-9]'
	like '... with a line that says why' "$(lines)" 'ulimit -f'
	unlike '... and no bare signal' "$(cat "$err")" 'Error 153'
done
done_testing
