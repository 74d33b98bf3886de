#!/bin/sh
# t0140-registry: the life of the registry: late, strange, without a shell, with volumes, killed with its owner.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo curl
need_engine

must make_image agent
registry=$REGISTRY_IMAGE
with_image() { # NAME LINE... : another registry image, made of the usual one; sets REGISTRY_IMAGE
	REGISTRY_IMAGE=smolmake-test/$1-$mine:latest
	mkdir -p "$tmp/$1"
	shift
	{ echo "FROM $registry" && printf '%s\n' "$@"; } >"$tmp/Dockerfile"
	echo "$REGISTRY_IMAGE" >>"$tmp/.images"
	DOCKER_BUILDKIT=0 docker build -q -t "$REGISTRY_IMAGE" -f "$tmp/Dockerfile" "$tmp/empty" >/dev/null
}
must mkdir -p "$tmp/empty"
repack() { # ARGS...: forget the machine, make it again
	rm -f "$CACHE_DIR"/*.smolmachine
	run_make smolmachine IMAGE="$image" "$@"
}

# docker-proxy accepts connections long before: a connect is no proof.
must with_image late 'ENTRYPOINT ["/bin/sh", "-c", "sleep 2; exec /entrypoint.sh /etc/docker/registry/config.yml"]'
ok 'a registry that listens 2 s late is waited for' repack REGISTRY_TIMEOUT=60
must_fail 'and no longer' repack REGISTRY_TIMEOUT=1
like 'which is said, with what was seen last' "$(cat "$err")" 'did not answer within 1 s \(.+\).*REGISTRY_TIMEOUT'
assert_nothing_left 'and leaves nothing' 30

must with_image crash 'ENTRYPOINT ["/bin/sh", "-c", "echo the reason; exit 3"]'
must_fail 'a registry that ends is not waited for' repack REGISTRY_TIMEOUT=60
like 'its output is shown' "$(cat "$err")" 'the reason'

# Somebody else's 200 on the port.
must with_image stranger 'ENV REGISTRY_STRANGER=1' \
	'ENTRYPOINT ["/bin/sh", "-c", "unset REGISTRY_HTTP_HEADERS; exec /entrypoint.sh /etc/docker/registry/config.yml"]'
must_fail 'a server that answers 200 without our header is a stranger' repack REGISTRY_TIMEOUT=10
like 'and said to be one' "$(cat "$err")" "somebody else's server"

# Volumes: the image declares one, and another.
must with_image volumes 'VOLUME ["/var/lib/registry", "/another"]'
ok 'a registry that declares volumes' repack
assert_nothing_left 'leaves none' 30
isnt 'this test has seen volumes at all' "$(grep -c '^volume' "$tmp/.events")" 0

# One without a shell has no tether, and works.
must docker create --name "shell-less-$mine" "$registry" >/dev/null
docker export "shell-less-$mine" >"$tmp/root.tar"
docker rm -v "shell-less-$mine" >/dev/null
REGISTRY_IMAGE=smolmake-test/noshell-$mine:latest
echo "$REGISTRY_IMAGE" >>"$tmp/.images"
mkdir "$tmp/root"
must tar -C "$tmp/root" -xf "$tmp/root.tar" --exclude='bin/[!r]*' --exclude='dev/*'
printf 'FROM scratch\nCOPY root /\nVOLUME ["/var/lib/registry"]\nENTRYPOINT ["/bin/registry"]\nCMD ["serve", "/etc/docker/registry/config.yml"]\n' >"$tmp/Dockerfile.noshell"
must docker build -q -t "$REGISTRY_IMAGE" -f "$tmp/Dockerfile.noshell" "$tmp"
ok 'a registry image without a shell works' repack
assert_nothing_left 'and leaves nothing' 30

# The tether: kill -9 of everything that is ours, and the container goes by itself.
REGISTRY_IMAGE=$registry
export FAKE_SMOLVM_FAULT=hang-pull
rm -f "$CACHE_DIR"/*.smolmachine
start_make smolmachine IMAGE="$image"
ok 'a pack hangs' wait_for '[ -n "$(containers)" ] && grep -q " start " "$FAKE_SMOLVM_LOG"' 60
for name in make with-run with-lock with-container with-deadline sh docker; do
	for pid in $(processes); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$name" ] || [ "$pid" = $$ ] || [ "$pid" = "$_watch_pid" ] || kill -KILL "$pid"
	done
done
finish_make 120
# Promised of a machine that is not drowned in other work: the engine takes its part of what there is.
promise=3
[ "$(cut -d. -f1 /proc/loadavg 2>/dev/null)" -lt $((2 * $(getconf _NPROCESSORS_ONLN))) ] 2>/dev/null || promise=60
ok "after kill -9 of all of ours the container goes by itself within $promise s" wait_for '[ -z "$(containers)" ]' $promise
is 'with its volume' "$(volumes)" ''
unset FAKE_SMOLVM_FAULT
ok 'the next run' run_make smolmachine IMAGE="$image"
assert_nothing_left 'takes the rest' 30

# Ctrl-C reaches the whole group of the terminal; `kill` only make, which hands it down.
for signal in INT TERM; do
	export FAKE_SMOLVM_FAULT=hang
	rm -f "$CACHE_DIR"/*.smolmachine
	: >"$FAKE_SMOLVM_LOG"
	start_make smolmachine IMAGE="$image"
	ok "a pack hangs, deaf to TERM, until SIG$signal" wait_for 'grep -q " start " "$FAKE_SMOLVM_LOG"' 60
	case $signal in
	TERM) kill -s TERM "$make_pid" ;;
	INT) kill -s INT -- "-$make_pid" ;;
	esac
	finish_make 120
	isnt '... which ends make, with a status that is not 0' "$rc" 0
	isnt '... in time' "$rc" 124
	assert_nothing_left '... and leaves neither container, volume, tag, folder nor process' 30
	unset FAKE_SMOLVM_FAULT
done
ok 'and the next run packs' run_make smolmachine IMAGE="$image"

# A container of a dead owner, as an engine that crashed would leave it.
boot=$(tr -d - </proc/sys/kernel/random/boot_id | cut -c 1-12)
dead=$boot-$(stat -Lc %i /proc/self/ns/pid)-4194305-1
live=$boot-$(stat -Lc %i /proc/self/ns/pid)-$$-$(awk '{ print $22 }' /proc/$$/stat)
for owner in "$dead" "$live"; do
	must docker create --name "smolmake-$owner" --label "smolmake.owner=$owner" --label "smolmake.cache=$CACHE_DIR" "$registry"
done
rm -f "$CACHE_DIR"/*.smolmachine
ok 'a run that packs' run_make smolmachine IMAGE="$image"
is "removes a dead owner's registry and leaves a live one's alone" \
	"$(docker ps -a --filter "label=smolmake.cache=$CACHE_DIR" --format '{{.Names}}')" "smolmake-$live"
docker rm -fv "smolmake-$live" >/dev/null
done_testing
