#!/bin/sh
# t0530-routes: the same machine by every route: container, kept store, direct; and which of them ROUTE=auto takes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo zstd
need_engine

container=$REGISTRY_IMAGE
unset REGISTRY_IMAGE
export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log" FAKE_SMOLVM_VERSION=1.17.0
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_DOCKER_LOG" && : >"$FAKE_SMOLVM_LOG"; }
calls() { sed -n 's/^\(run\|tag\|push\) .*/\1/p' "$FAKE_DOCKER_LOG" | xargs; }
said() { sed -n 's/^  ROUTE   //p' "$err"; }
new_layer() { date +%s%N >"$context/top" && _build; } # what changes with every build
tree_of() { # SIDECAR
	rm -rf "$tmp/assets" && mkdir "$tmp/assets"
	head -c "$(od -An -tu8 -j $(($(stat -c %s "$1") - 36)) -N 8 "$1" | tr -d ' ')" "$1" | zstd -dcq | tar -C "$tmp/assets" -xf - layers
	for _layer in "$tmp"/assets/layers/*.tar; do tar -tf "$_layer"; done | sed 's,^\./,,; s,/$,,; /^\.*$/d' | sort -u
}

must make_context agent
head -c 45000000 /dev/urandom | base64 -w 0 | head -c 60000000 >"$context/base"
printf 'COPY base /base\nCOPY top /top\n' >>"$context/Dockerfile"
must new_layer

# --- The pipeline, by each
for way in container store direct auto; do
	rm -rf "$CACHE_DIR"
	forget
	case $way in
	container) set -- ROUTE=push REGISTRY_IMAGE="$container" && wanted='run tag push' ;;
	store) set -- ROUTE=push && wanted='tag push' ;;
	direct) set -- ROUTE=direct && wanted='' ;;
	auto) set -- && wanted='' ;;
	esac
	ok "$way: a miss" run_make smolmachine IMAGE="$image" CONTEXT="$context" "$@"
	sidecar=$(cat "$out")
	is '... asks the engine for what it should' "$(calls)" "$wanted"
	ok '... makes a whole machine' "$top/cache/bin/verify-machine" "$sidecar"
	tree_of "$sidecar" >"$tmp/tree.$way"
	same '... of the same tree' "$tmp/tree.$way" "$tmp/tree.container"
	like '... packed from a loopback reference' "$(jq -r .reference "${sidecar%.smolmachine.smolmachine}.json")" '^127\.0\.0\.1:[0-9]+/smolmake-test/agent-'
	assert_nothing_left '... and leaves nothing' 3
	forget
	ok '... a hit' run_make smolmachine IMAGE="$image" CONTEXT="$context" "$@"
	is '... asks and packs nothing more' "$(calls)$(packs)" 0
	rm -f "$sidecar"
	must_fail '... a pack that fails' env FAKE_SMOLVM_FAULT=fail make --no-print-directory -C "$top" smolmachine IMAGE="$image" "$@"
	assert_nothing_left '... leaves nothing' 3
	export FAKE_SMOLVM_FAULT=hang-pull
	forget
	start_make smolmachine IMAGE="$image" "$@"
	ok '... one that hangs' wait_for '[ "$(packs)" = 1 ]' 30
	kill -s TERM "$make_pid"
	finish_make 30
	isnt '... is ended by TERM' "$rc" 0
	assert_nothing_left '... and leaves nothing' 5
	unset FAKE_SMOLVM_FAULT
done

# --- auto: direct first, then what is new is pushed
rm -rf "$CACHE_DIR"
ok 'a first miss' run_make smolmachine IMAGE="$image"
like 'goes direct, and is told why' "$(said)" '^direct, 6[0-9] of 6[0-9] MB are new to the store, of an image seen for the first time$'
for time in second third; do
	must new_layer
	forget
	ok "the $time" run_make smolmachine IMAGE="$image"
	is 'is pushed' "$(calls)" 'tag push'
	case $time in
	second) like 'since the next one gains by it' "$(said)" '^push, 6[0-9] MB are new to the store, and 0 MB will be at the next change$' ;;
	third) like 'since little of it is new' "$(said)" '^push, 0 of 6[0-9] MB are new to the store$' ;;
	esac
	assert_nothing_left 'and leaves nothing' 3
done
is 'a hit says nothing of routes' "$(run_make smolmachine IMAGE="$image"; cat "$err")" ''
must new_layer
forget
ok 'a registry image that is named' run_make smolmachine IMAGE="$image" REGISTRY_IMAGE="$container"
like 'is taken' "$(calls) $(said)" '^run tag push push, REGISTRY_IMAGE is given$'
must new_layer
forget
ok 'so is one of the first version' env CLAUDE_BOTTLE_REGISTRY_IMAGE="$container" make --no-print-directory -C "$top" smolmachine IMAGE="$image"
is '... started' "$(calls)" 'run tag push'
must new_layer
forget
ok 'STORE_MAX=0' run_make smolmachine IMAGE="$image" STORE_MAX=0
like 'goes direct' "$(calls) $(said)" '^ direct, nothing is to be kept$'
must new_layer
forget
ok 'a smolvm that merges layers wrongly' env FAKE_SMOLVM_VERSION=1.9.2 make --no-print-directory -C "$top" smolmachine IMAGE="$image"
is 'goes direct' "$(calls)" ''
must new_layer
forget
ok 'one that takes gzip only' env FAKE_SMOLVM_VERSION=1.17.0 make --no-print-directory -C "$top" smolmachine IMAGE="$image" ROUTE=push
is 'is pushed to' "$(calls)" 'tag push'

# --- an engine that cannot reach us
must new_layer
forget
ok 'an engine that cannot pull from us' env FAKE_DOCKER_FAULT=pull:fail make --no-print-directory -C "$top" smolmachine IMAGE="$image"
like 'is not pushed to' "$(calls) $(sed -n 's/^  ROUTE *//p' "$tmp/.log")" '^ direct, the engine cannot push to us$'
# The container that is started then is the pinned one, which is not here: so the choice alone.
choice() { # [VARIABLE=VALUE...]
	env RUN=.run/choice "$@" "$top/cache/bin/choose-route" 0123456789abcdef 2>/dev/null
}
mkdir "$CACHE_DIR/.run/choice"
echo 'smolvm 1.17.0' >"$CACHE_DIR/.run/choice/smolvm"
echo docker >"$CACHE_DIR/.run/choice/engine"
id=$(docker image inspect -f '{{.Id}}' "$image")
echo "$id agent $id" >"$CACHE_DIR/.run/choice/0123456789abcdef.image"
is 'ROUTE=push means our own registry' "$(choice ROUTE=push)" store
is 'but a container for such an engine' "$(choice ROUTE=push FAKE_DOCKER_FAULT=pull:fail)" container
is 'for a smolvm that has to be given one layer' "$(echo 'smolvm 1.9.2' >"$CACHE_DIR/.run/choice/smolvm"; choice ROUTE=push)" container
is 'and where one is named' "$(choice ROUTE=push REGISTRY_IMAGE=x)" container
rm -r "$CACHE_DIR/.run/choice"

# --- several, two makes, and what -n says
one=$image
must make_image other
rm -f "$CACHE_DIR"/*.smolmachine
forget
ok 'several, under -j' run_make -j4 smolmachine IMAGES="$one $image" ROUTE=push
is 'each pushed once' "$(calls)" 'tag tag push push'
rm -f "$CACHE_DIR"/*.smolmachine
make --no-print-directory -C "$top" smolmachine IMAGE="$one" ROUTE=push >"$tmp/first" 2>&1 &
first=$!
ok 'two makes at once, on one store' run_make smolmachine IMAGE="$image" ROUTE=push
ok 'both well' wait $first
like '-n says that it is chosen later' "$(run_make -n smolmachine IMAGE="$one"; cat "$out")" '^# ROUTE=auto: '
assert_nothing_left 'nothing is left of all that' 5
done_testing
