#!/bin/sh
# t0180-secrets: build arguments, a proxy's password and a registry's credentials stay where they were given.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine
[ -r /proc/self/cmdline ] || skip_all 'no /proc: command lines cannot be looked at'

secret=s3cr3t-$mine
proxy=http://me:pr0xy-$mine@127.0.0.1:9
auth=$(printf 'me:l0gin-%s' "$mine" | base64 -w0)
# The shell's own printf: one of a program would put the values on a command line itself.
must make_context agent 'ARG TOKEN' 'ARG OTHER=unset' 'ARG GODEBUG' 'ARG EMPTY=unset' 'ARG HTTPS_PROXY' \
	'RUN ["/bin/sh", "-c", "/bin/busybox sleep 1; printf \"%s|\" \"$TOKEN\" \"$OTHER\" \"$GODEBUG\" \"$EMPTY\" \"$HTTPS_PROXY\" >/seen"]'
echo "$image" >>"$tmp/.images"

# Every command line on this machine while something runs, but for the test's own; each once.
watch() { # COMMAND...
	: >"$tmp/titles"
	: >"$tmp/.watching"
	while [ -e "$tmp/.watching" ]; do
		for _f in /proc/[0-9]*/cmdline; do
			tr '\0' ' ' <"$_f" 2>/dev/null && echo
		done
		sleep 0.03
	done >>"$tmp/titles" 2>/dev/null &
	_watcher=$!
	"$@"
	_rc=$?
	rm "$tmp/.watching"
	wait "$_watcher"
	sort -u -o "$tmp/titles" "$tmp/titles"
	return "$_rc"
}
# Outside of what the test wrote itself. A run's folder is gone by now: see `during` below.
nowhere() { # WHAT TEXT
	is "$1: not on stdout or stderr" "$(grep -c -F -e "$2" "$out" "$err" | grep -v ':0$')" ''
	is '... nor in the cache, its records, nor what smolvm was told' "$(grep -rlF -e "$2" "$CACHE_DIR" "$FAKE_SMOLVM_LOG")" ''
	is '... nor on a command line' "$(grep -F -e "$2" "$tmp/titles")" ''
}
seen() { # what the build was given
	docker create --name "seen-$mine" "$image" x >/dev/null && docker cp "seen-$mine:/seen" - | tar -xOf -
	docker rm "seen-$mine" >/dev/null
}

must mkdir -p "$HOME/.docker"
printf '{"auths":{"registry.invalid":{"auth":"%s"}}}\n' "$auth" >"$HOME/.docker/config.json"
export https_proxy="$proxy" HTTPS_PROXY="$proxy" HTTP_PROXY="$proxy"
export BUILD_ARGS="TOKEN=$secret OTHER=$secret,too GODEBUG=x=1 EMPTY= HTTPS_PROXY=$proxy"
ok 'a build with secrets, V=2' watch run_make V=2 smolmachine IMAGE="$image" CONTEXT="$context"
is '... which get there as they are' "$(seen)" "$secret|$secret,too|x=1||$proxy|"
like '... and the watch saw docker' "$(cat "$tmp/titles")" 'docker build .*--build-arg=TOKEN --build-arg=OTHER '
nowhere 'a build argument' "$secret"
nowhere "a proxy's password" "pr0xy-$mine"
nowhere "a registry's credentials" "$auth"
like 'a name that docker itself reads keeps its value on the command line' "$(cat "$tmp/titles")" ' --build-arg=GODEBUG=x=1 '

BUILD_ARGS="TOKEN=$secret"
ok '-n, V=2' watch run_make -n V=2 smolmachine IMAGE="$image" CONTEXT="$context"
nowhere 'a build argument' "$secret"
unset BUILD_ARGS

jq -n --arg image "$image" --arg context "$context" --arg secret "$secret with blanks
and lines" '{images: [{image: $image, context: $context, build_args: {TOKEN: $secret}}]}' >"$tmp/images.json"
ok 'the images file, V=2' watch run_make V=2 smolmachines IMAGES_FILE="$tmp/images.json"
is '... blanks, lines and all' "$(seen)" "$secret with blanks
and lines|unset||unset||"
nowhere 'its build argument' "$secret"

# Where make stops in the middle.
printf 'RUN ["/no/such/program"]\n' >>"$context/Dockerfile"
must_fail 'a build that fails, V=2' watch run_make V=2 smolmachines IMAGES_FILE="$tmp/images.json"
like '... and says why' "$(cat "$err")" '/no/such/program'
nowhere 'its build argument' "$secret"
must_fail 'a word that is the rest of a secret' run_make smolmachine IMAGE="$image" CONTEXT="$context" BUILD_ARGS="TOKEN=half $secret"
nowhere 'is not repeated' "$secret"
for fault in '"build_args":{"TOKEN":["X"]}' '"build_args":{"A B":"X"}' '"build_args":{"TOKEN":"X"},"bild":1' '"build_args":{"TOKEN":"X"}' ; do
	printf '{"images":[{"image":"%s",%s}]}' "$image" "$(echo "$fault" | sed "s/X/$secret/")" >"$tmp/images.json"
	must_fail "an images file with $fault" run_make smolmachines IMAGES_FILE="$tmp/images.json"
	nowhere 'its secret' "$secret"
done
printf '{"images":[{"image":"%s","build_args":{"TOKEN":"%s"' "$image" "$secret" >"$tmp/images.json"
must_fail 'one that is torn' run_make smolmachines IMAGES_FILE="$tmp/images.json"
nowhere 'its secret' "$secret"

# While it runs there are requests with the values in them: for nobody else.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	sed -i '$d' "$context/Dockerfile"
	sed -i 's/sleep 1/sleep 6/' "$context/Dockerfile"
	must chmod 755 "$tmp"
	export BUILD_ARGS="TOKEN=$secret"
	start_make smolmachine IMAGE="$image" CONTEXT="$context"
	ok 'a run has requests with its values' wait_for "grep -rqF '$secret' '$CACHE_DIR/.run'" 30
	is '... in files that only the user may read' "$(grep -rlF -e "$secret" "$CACHE_DIR/.run" | xargs -d '\n' stat -c %a | sort -u)" 600
	must_fail '... in a folder that only the user may enter' \
		setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'ls "$1"/.run/*' sh "$CACHE_DIR"
	ok '... and ends' finish_make 60
	nowhere 'and when it has ended they are gone: its build argument' "$secret"
else
	skip 'only the user may read what a run writes' 'needs root, to be another user'
fi
assert_nothing_left 'nothing is left of all that'
done_testing
