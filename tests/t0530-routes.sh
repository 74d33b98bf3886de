#!/bin/sh
# t0530-routes: the same machine by every route: container, kept store, direct; and which of them ROUTE=auto takes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo zstd curl
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

topic 'The pipeline, by each'
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
	[ $way = container ] || is '... inspects the image once' "$(grep -c '^image inspect [^-]' "$FAKE_DOCKER_LOG")" 1
	ok '... makes a whole machine' "$top/cache/bin/verify-machine" "$sidecar"
	tree_of "$sidecar" >"$tmp/tree.$way"
	same '... of the same tree' "$tmp/tree.$way" "$tmp/tree.container"
	like '... packed from a loopback reference' "$(jq -r .reference "${sidecar%.smolmachine.smolmachine}.json")" '^127\.0\.0\.1:[0-9]+/smolmake-test/agent-'
	assert_nothing_left '... and leaves nothing' 30
	forget
	ok '... a hit' run_make smolmachine IMAGE="$image" CONTEXT="$context" "$@"
	is '... asks and packs nothing more' "$(calls)$(packs)" 0
	rm -f "$sidecar"
	must_fail '... a pack that fails' env FAKE_SMOLVM_FAULT=fail "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" "$@"
	assert_nothing_left '... leaves nothing' 30
	export FAKE_SMOLVM_FAULT=hang-pull
	forget
	start_make smolmachine IMAGE="$image" "$@"
	ok '... one that hangs' wait_for '[ "$(packs)" = 1 ]' 30
	kill -s TERM "$make_pid"
	finish_make 30
	isnt '... is ended by TERM' "$rc" 0
	assert_nothing_left '... and leaves nothing' 30
	unset FAKE_SMOLVM_FAULT
done

topic 'auto: direct first, then what is new is pushed'
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
	assert_nothing_left 'and leaves nothing' 30
done
is 'a hit says nothing of routes' "$(run_make smolmachine IMAGE="$image"; told)" ''
must new_layer
forget
ok 'a registry image that is named' run_make smolmachine IMAGE="$image" REGISTRY_IMAGE="$container"
like 'is taken' "$(calls) $(said)" '^run tag push push, REGISTRY_IMAGE is given$'
must new_layer
forget
ok 'so is one of the first version' env CLAUDE_BOTTLE_REGISTRY_IMAGE="$container" "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image"
is '... started' "$(calls)" 'run tag push'
must new_layer
forget
ok 'STORE_MAX=0' run_make smolmachine IMAGE="$image" STORE_MAX=0
like 'goes direct' "$(calls) $(said)" '^ direct, nothing is to be kept$'
must new_layer
forget
ok 'a smolvm that merges layers wrongly' env FAKE_SMOLVM_VERSION=1.9.2 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image"
is 'goes direct' "$(calls)" ''

topic 'an engine that cannot reach us'
must new_layer
forget
ok 'an engine that cannot pull from us' env FAKE_DOCKER_FAULT=pull:fail "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image"
like 'is not pushed to' "$(calls) $(sed -n 's/^  ROUTE *//p' "$tmp/.log")" '^ direct, the engine cannot push to us$'
# The container that is started then is the pinned one, which is not here.
must_fail 'ROUTE=push with such an engine' env FAKE_DOCKER_FAULT=pull:fail "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" \
	ROUTE=push FORCE=1
like '... asks for a container, and says why' "$(cat "$tmp/.log")" \
	"^error: ROUTE: push takes a registry container where the engine cannot push to us, and its image 'registry@sha256:.*; leave ROUTE out, or give REGISTRY_IMAGE="

topic 'What no push makes'
for how in 'ROUTE=push SQUASH=1' "REGISTRY_IMAGE=$container SQUASH=1" "ROUTE=push REGISTRY_IMAGE=$container SQUASH=1" 'ROUTE=push SMOLMAKE_TEST=1.9.2'; do
	case $how in *1.9.2) FAKE_SMOLVM_VERSION=1.9.2 how=ROUTE=push ;; *) FAKE_SMOLVM_VERSION=1.17.0 ;; esac
	forget
	# shellcheck disable=SC2086 # words
	ok "one layer, $how, smolvm $FAKE_SMOLVM_VERSION" run_make smolmachine IMAGE="$image" FORCE=1 $how
	case $how in ROUTE=push*) wanted='direct, it has to be one layer, which no push makes' ;; *) wanted='direct, it has to be one layer' ;; esac
	is '... goes direct, and says so' "$(calls) $(said)" " $wanted"
done
FAKE_SMOLVM_VERSION=1.9.2
must make_image flat
forget
ok 'an image of one layer is pushed to a smolvm that merges layers wrongly' run_make smolmachine IMAGE="$image" ROUTE=push
is '... as it is' "$(calls) $(said)" 'tag push '
FAKE_SMOLVM_VERSION=1.17.0

topic 'What t0100 to t0170 show of a miss beside a container, by the two routes that have none'
set --
for name in one two three; do
	must make_image $name
	set -- "$@" "$image"
done
again=${1%:*}:again # the same repository and image: what is pushed or served is one
must docker tag "$1" "$again"
echo "$again" >>"$tmp/.images"
jq -n --arg one "$1" --arg again "$again" --arg two "$2" \
	'{images: [{image: $one, cpus: 2}, {image: $again, cpus: 3}, {image: $two}]}' >"$tmp/images.json"
# A smolvm that packs, whatever is wanted, the machine $tmp/other.
cat >"$tmp/wrong-smolvm" <<-EOT
	#!/bin/sh
	for word; do
		case \$word in --output=*) cp -p '$tmp/other' "\${word#*=}" && exec cp -p '$tmp/other.smolmachine' "\${word#*=}.smolmachine" ;; esac
	done
	exec '$SMOLVM' "\$@"
EOT
# One at whose first call the second image goes.
cat >"$tmp/gone-smolvm" <<-EOT
	#!/bin/sh
	case \$1 in --version) docker rmi -f '$2' ;; esac >/dev/null
	exec '$SMOLVM' "\$@"
EOT
chmod +x "$tmp/wrong-smolvm" "$tmp/gone-smolvm"
for ROUTE in push direct; do
	export ROUTE
	case $ROUTE in
	push) pushed='tag push' pushes='3 push 3 tag' asked=1 stages='pack push tag' full='no space left for this blob' ;;
	direct) pushed='' pushes='' asked=0 stages='export pack' full='cannot be served: cannot spool it' ;;
	esac
	rm -rf "$CACHE_DIR"
	forget
	(umask 000 && run_make -j2 smolmachine IMAGES="$*" REGISTRY_HOST=localhost)
	is "$ROUTE: several, under -j" "$(wc -l <"$out") $(sed -n 's/^\(tag\|push\) .*/\1/p' "$FAKE_DOCKER_LOG" | sort | uniq -c | xargs)" "3 $pushes"
	# our own registry keeps its port, but before each the engine is asked whether it reaches us
	is '... beside one registry' "$(sed -n 's,.* start [0-9]* \([^/]*\)/.*,\1,p' "$FAKE_SMOLVM_LOG" | sort -u | wc -l) $(grep -c '^pull ' "$FAKE_DOCKER_LOG")" "1 $asked"
	sidecar=$(sed -n 1p "$out") other=$(sed -n 2p "$out")
	record=${sidecar%.smolmachine.smolmachine}.json id16=${sidecar##*/} id16=${id16%%.*}
	like '... whose host is REGISTRY_HOST' "$(jq -r .reference "$record")" "^localhost:[0-9]+/${1%:*}:$id16\$"
	is '... the record tells how long each stage took' "$(jq -r '.seconds | keys | join(" ")' "$record")" "$stages"
	is '... umask 0: nothing in the cache is for others to write' "$(find "$CACHE_DIR" ! -type l -perm /022)" ''

	must truncate -s 1000 "$sidecar"
	forget
	ok '... a machine that is cut off' run_make smolmachine IMAGE="$1"
	is '... is packed anew' "$(packs)$(calls)" "1$pushed"
	like '... as make says' "$(cat "$err")" 'is not whole: .*; it is packed anew'
	ok '... whole' "$top/cache/bin/verify-machine" "$sidecar"
	assert_nothing_left '... and what stood there is gone'

	ok '... two packings of one image, and another image' run_make -s -j2 smolmachines IMAGES_FILE="$tmp/images.json"
	is '... without a word, under -s' "$(cat "$err")" ''
	is '... are three machines' "$(sed 's/\.smolmachine\.smolmachine$/.json/' "$out" | xargs -d '\n' jq -c .options.CPUS | xargs)" '2 3 null'
	ok '... and whole' xargs -d '\n' -a "$out" "$top/cache/bin/verify-machine"

	rm -f "$CACHE_DIR"/*.smolmachine
	export FAKE_SMOLVM_FAULT=fail-once="$tmp/once.$ROUTE"
	must_fail '... one pack of three fails' run_make -k -j2 smolmachine IMAGES="$*"
	is '... under -k the others are finished' "$(wc -l <"$out")" 2
	ok '... and whole' xargs -d '\n' -a "$out" "$top/cache/bin/verify-machine"
	unset FAKE_SMOLVM_FAULT
	assert_nothing_left '... and nothing is left'

	rm -f "$CACHE_DIR"/*.smolmachine
	forget
	pids='' bad=''
	for set in "$1 $2" "$2 $3" "$3 $1"; do
		"$top/tests/make" -s -j2 -C "$top" smolmachine IMAGES="$set" >"$tmp/set.$(echo "$pids" | wc -w)" 2>/dev/null &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid" || bad="$bad $pid"; done
	is '... three makes at once over overlapping sets succeed' "$bad" ''
	is '... each image is packed once' "$(packs)" 3
	is '... the answers are right' "$(head -n 1 "$tmp/set.0") $(head -n 1 "$tmp/set.1") $(tail -n 1 "$tmp/set.2")" "$sidecar $other $sidecar"

	must cp -p "${other%.smolmachine}" "$tmp/other"
	must cp -p "$other" "$tmp/other.smolmachine"
	rm -f "$sidecar"
	must_fail "... a smolvm that packs another image's machine" run_make smolmachine IMAGE="$1" SMOLVM="$tmp/wrong-smolvm"
	like '... is not believed' "$(cat "$err")" "packed '.*' where '127\.0\.0\.1:[0-9]+/${1%:*}:$id16' was wanted"
	must_fail '... nothing is published' test -e "$sidecar"

	case $ROUTE in
	push)
		for fault in tag push; do
			export FAKE_DOCKER_FAULT=$fault:fail
			must_fail "... a $fault that fails" run_make smolmachine IMAGE="$1"
			like '... shows what it said' "$(cat "$err")" "^$1: .*$fault: no luck today"
		done
		unset FAKE_DOCKER_FAULT
		;;
	esac
	assert_nothing_left '... of all that failed nothing is left'

	if [ "$(id -u)" = 0 ] && mkdir -p "$tmp/small" && mount -t tmpfs -o size=600k tmpfs "$tmp/small" 2>/dev/null; then
		must_fail '... a full CACHE_DIR is an error' run_make smolmachine IMAGE="$1" CACHE_DIR="$tmp/small/cache"
		like '... that is shown' "$(cat "$err")" "$full: .*No space left"
		is '... and nothing of it stays' "$(cd "$tmp/small/cache" && find . -name '*.smolmachine' && ls .run)" ''
		must mount -o remount,size=100m "$tmp/small"
		ok '... with room again it is packed' run_make smolmachine IMAGE="$1" CACHE_DIR="$tmp/small/cache"
		umount "$tmp/small"
	else
		skip_kernel '... a full CACHE_DIR is an error' 'no tmpfs can be mounted'
	fi

	export FAKE_SMOLVM_FAULT=hang-pull
	forget
	start_make -k smolmachine IMAGES="$1 $2"
	ok '... a pack hangs' wait_for '[ "$(packs)" = 1 ]' 30
	port=$(sed -n 's,.* start [0-9]* [^:]*:\([0-9]*\)/.*,\1,p' "$FAKE_SMOLVM_LOG")
	ok '... beside a registry on 127.0.0.1' curl -s "http://127.0.0.1:$port/v2/"
	expect_code '... and nowhere else' 7 curl -s "http://127.0.0.2:$port/v2/"
	kill -s INT -- "-$make_pid"
	finish_make 120
	isnt '... Ctrl-C ends it' "$rc" 0
	isnt '... in time' "$rc" 124
	assert_nothing_left '... and leaves nothing' 30
	unset FAKE_SMOLVM_FAULT
	forget
	ok '... -n' run_make -n smolmachine IMAGE="$1"
	is '... shows what the route asks the engine for' "$(sed -n 's/.*"\$DOCKER" \(tag\|push\) .*/\1/p' "$out" | xargs)" "$pushed"
	like '... and the pack' "$(cat "$out")" '"\$SMOLVM" pack create'
	is '... and does nothing' "$(cat "$FAKE_DOCKER_LOG" "$FAKE_SMOLVM_LOG")" ''
	ok '... the next run packs' run_make smolmachine IMAGE="$1"
done
unset ROUTE

# SQUASH=0: a smolvm that takes gzip only, and merges layers wrongly.
rm -f "$CACHE_DIR"/*.smolmachine
forget
ok 'SQUASH=0, and a smolvm that takes gzip only' \
	env FAKE_SMOLVM_VERSION=1.4.0 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$1" ROUTE=push SQUASH=0
is 'is pushed to our own registry, as gzip' "$(calls)" 'tag push'

like '-n says of auto that it is chosen later' "$(run_make -n smolmachine IMAGE="$1"; cat "$out")" '^# ROUTE=auto: '

# Under -k an image that is gone when it is its turn does not take the others with it.
one=$1 two=$2 three=$3
must run_make smolmachine IMAGES="$one $three"
cp "$out" "$tmp/others"
for way in squashed store direct auto; do
	case $way in
	squashed) set -- ROUTE=direct SQUASH=1 ;;
	store) set -- ROUTE=push ;;
	direct) set -- ROUTE=direct ;;
	auto) set -- ;;
	esac
	image=$two context=$tmp/context/two
	must _build
	must run_make image-id IMAGE="$two"
	id16=$(cat "$out")
	rm -f "$CACHE_DIR"/*.smolmachine
	must_fail "$way: one image of three is gone" run_make -k -j2 smolmachine IMAGES="$one $two $three" SMOLVM="$tmp/gone-smolvm" "$@"
	like '... which is said' "$(cat "$err")" "^($two: Error response from daemon|error: smolmake-test/[^ ]*( and [0-9]+ others)?: cannot be served): "
	same '... under -k the others are finished' "$out" "$tmp/others"
	assert_nothing_left '... and nothing is left' 30
done

assert_nothing_left 'nothing is left of all that' 30
done_testing
