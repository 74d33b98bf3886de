# shellcheck shell=sh disable=SC2154 # what lib.sh sets
# cell.sh: `cell FAULT:MOMENT` tries one cell of `table`. Sourced behind lib.sh, in a script with an engine of its own.
#
# A make runs until it comes to the moment, and is held there by what it calls (tests/fake/docker, tests/fake/smolvm, gate.c);
# then the fault happens, and the make goes on or ends. Of each cell is asked that
#  - it ends within $limit seconds: x with a status that is not 0, a line that names the thing and no wrong answer, o with its
#    answer;
#  - no final name in CACHE_DIR holds anything half;
#  - the next make succeeds without anybody's help, and calls the packer once at most;
#  - behind that there is no container, volume, network, tag, temporary file or process.
# Prints TAP, and last "# cell FAULT:MOMENT ok|FAIL". The name of a fault or moment is what `table` says of it.
gate=$tmp/gate
limit=60 # a busy machine is slow; no deadline that is set below is longer than 6 s
count=0
other=$tmp/other.sidecar # another image's
stand_in=$SMOLVM

# --- Once: the images, and what holds a make in a small /tmp.
prepare() {
	make_image plain || return
	plain=$image
	# etc/do says what its step does: wait for /go, fail, or nothing
	make_context built "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"case \$(/bin/busybox cat /etc/do) in wait*) until [ -e /go ]; do \
/bin/busybox sleep 0.1; done ;; fail*) echo this step is broken; exit 3 ;; esac; : $mine\"]" || return
	built=$image built_context=$context
	# an export that no pipe holds: the engine is not done with it when it is written down
	make_context large && head -c 8000000 /dev/urandom >"$context/root/bulk" && _build || return
	large=$image
	registry=$REGISTRY_IMAGE
	late=smolmake-test/late-$mine:latest # a registry that does not answer before there is /go
	mkdir -p "$tmp/empty" && "$top/tests/fake/parts.sh" "$tmp/parts" || return
	printf 'FROM %s\nENTRYPOINT ["/bin/sh", "-c", "%s"]\n' "$registry" \
		'until [ -e /go ]; do sleep 0.1; done; exec /entrypoint.sh /etc/docker/registry/config.yml' >"$tmp/Dockerfile.late"
	DOCKER_BUILDKIT=0 docker build -q -t "$late" -f "$tmp/Dockerfile.late" "$tmp/empty" >"$tmp/.build" 2>&1 || return
	networks=$(docker network ls -q)
	for libfaketime in /usr/lib/*/faketime/libfaketime.so.1; do :; done
	# what this script and the checkout have in /tmp stays in sight
	cat >"$tmp/make-in-small-tmp" <<-END
		#!/bin/sh
		exec unshare -m sh -ec '
			for folder in "$tmp" "$top"; do mkdir -p "/run/keep\$folder"; mount --rbind "\$folder" "/run/keep\$folder"; done
			mount -t tmpfs -o size=256k tmpfs /tmp
			for folder in "$tmp" "$top"; do mkdir -p "\$folder"; mount --rbind "/run/keep\$folder" "\$folder"; done
			exec make "\$@"' sh "\$@"
	END
	chmod +x "$tmp/make-in-small-tmp"
}

# --- The moments
# What has to be set for a make to come to $moment and be held there.
arm() {
	export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_GATE="$gate" GATE="$gate"
	case $moment in *-d | *-n | parts | export | serve) export ROUTE=direct ;; *) export ROUTE=push ;; esac
	unset FAKE_SMOLVM_VERSION SMOLVM_EGRESS_FLOOR
	case $moment in
	*-s) # a smolvm that merges layers rightly is served from the store; its first refusal is not what is tried here
		export FAKE_SMOLVM_VERSION=1.17.0 SMOLVM_EGRESS_FLOOR=metadata
		REGISTRY_IMAGE=
		;;
	esac
	unset PACK
	case $moment in *-n | parts) # beside a smolvm that has parts; what smolvm packs instead would hide a failure
		export PACK=native FAKE_SMOLVM="$stand_in" FAKE_SMOLVM_VERSION=1.32.2 SMOLVM="$tmp/parts/smol-vmm"
		;;
	*) export SMOLVM="$stand_in" ;;
	esac
	goal_image=$plain goal_context='' docker_fault='' smolvm_fault='' gate_at='' does=nothing
	case $moment in
	build) goal_image=$built goal_context=$built_context docker_fault=build:pass does=wait ;;
	start) docker_fault=run:create ;;
	ready) docker_fault=inspect:pass REGISTRY_IMAGE=$late ;;
	tag) docker_fault=tag:done-gate ;;
	push | push-s) docker_fault=push:gate ;;
	pull | serve) smolvm_fault=latch-pull ;;
	pack | pack-s | pack-d) smolvm_fault=latch-half ;;
	verify) gate_at='publish-machine open *.run/*.smolmachine' ;;
	publish) gate_at='publish-machine rename *.smolmachine.smolmachine' ;;
	teardown) docker_fault=rm:gate ;;
	export) goal_image=$large gate_at='with-registry write *.run/*' ;;
	parts) gate_at='with-registry write *.run/*/parts.*' ;;
	pack-n) gate_at='pack-image write *.run/*.smolmachine' ;;
	close-d) gate_at='with-run unlinkat *' ;;
	note) gate_at='identify-image rename *.id/*' ;;
	esac
	case $fault in
	error | hang) arm_error ;;
	engine-freeze) export BUILD_TIMEOUT=5 TOOL_TIMEOUT=3 PUSH_TIMEOUT=3 PACK_TIMEOUT=5 REGISTRY_TIMEOUT=3 ;;
	stranger | silent)
		export PUSH_TIMEOUT=4 PACK_TIMEOUT=4 REGISTRY_TIMEOUT=3
		[ "$moment" != ready ] || docker_fault=inspect:gate REGISTRY_IMAGE=$registry
		;;
	no-space | read-only)
		mkdir -p "$CACHE_DIR"
		must mount -t tmpfs -o size=64m,mode=700 tmpfs "$CACHE_DIR"
		;;
	no-space-tmp) SMOLMAKE_TEST_MAKE=$tmp/make-in-small-tmp ;;
	clock-*)
		echo +0 >"$gate/clock"
		preload "$libfaketime"
		export FAKETIME_TIMESTAMP_FILE="$gate/clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
		;;
	esac
	case $smolvm_fault in latch-*) export FAKE_SMOLVM_LATCH="$gate/smolvm" ;; esac
	if [ -n "$gate_at" ] || [ "$fault" = io-error ]; then preload "$top/cache/tests/gate.so"; fi
	echo "$does $count" >"$built_context/root/etc/do"
	export FAKE_DOCKER_FAULT="$docker_fault" FAKE_SMOLVM_FAULT="$smolvm_fault" GATE_AT="$gate_at" REGISTRY_IMAGE
}
# What fails or hangs by itself need not be held.
arm_error() {
	case $moment in
	build) docker_fault=build:hang ;;
	start) docker_fault=run:$fault ;;
	ready) docker_fault=inspect:$fault REGISTRY_IMAGE=$registry ;;
	tag | push | push-s) docker_fault=${moment%-s}:$fault ;;
	pull | serve) smolvm_fault=hang-pull ;;
	pack | pack-s | pack-d) smolvm_fault=$fault ;;
	teardown) docker_fault=rm:$fault ;;
	esac
	docker_fault=${docker_fault%error}
	case $docker_fault in *:) docker_fault=${docker_fault}fail ;; esac
	[ "$smolvm_fault" != error ] || smolvm_fault=fail
	case $fault:$moment in
	error:build) docker_fault='' does=fail ;;
	error:*) ;;
	hang:build) export BUILD_TIMEOUT=3 ;;
	hang:start) export REGISTRY_TIMEOUT=3 ;;
	hang:push | hang:push-s) export PUSH_TIMEOUT=3 ;;
	hang:ready | hang:tag | hang:teardown) export TOOL_TIMEOUT=4 REGISTRY_TIMEOUT=4 ;;
	*) export PACK_TIMEOUT=4 ;;
	esac
}
preload() { # LIBRARY
	export LD_PRELOAD="$1${LD_PRELOAD:+:$LD_PRELOAD}"
	[ -z "${ASAN_OPTIONS-}" ] || export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
}
disarm() {
	unset FAKE_DOCKER_FAULT FAKE_SMOLVM_FAULT FAKE_SMOLVM_LATCH GATE GATE_AT LD_PRELOAD \
		FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC NO_FAKE_STAT \
		BUILD_TIMEOUT TOOL_TIMEOUT PUSH_TIMEOUT PACK_TIMEOUT REGISTRY_TIMEOUT
	case $moment in *-s) ;; *) REGISTRY_IMAGE=$registry ;; esac
	SMOLMAKE_TEST_MAKE=$usual_make
}

# It is told by its step's command.
build_container() { docker ps --no-trunc --format '{{.ID}} {{.Command}}' | sed -n "s/ .*: $mine.*//p"; }
reached() {
	case $moment in
	build) [ -s "$gate/at" ] && [ -n "$(build_container)" ] ;;
	ready) [ -s "$gate/at" ] && { [ -n "$held_back" ] || [ -n "$(containers)" ]; } ;;
	pull | serve | pack | pack-s | pack-d) set -- "$gate"/smolvm/at.* && [ -e "$1" ] ;;
	lock) grep -q 'waiting for' "$err" ;;
	*) [ -s "$gate/at" ] ;;
	esac
}
# Whoever is held goes on.
release() { # [what it is told: go]
	case $moment in
	build) timeout 3 docker exec "$container" /bin/busybox touch /go ;;
	ready)
		if [ -n "$held_back" ]; then tell "${1:-go}"; else timeout 3 docker exec "${container:-$(containers)}" /bin/sh -c ': >/go'; fi
		;;
	pull | serve | pack | pack-s | pack-d) : >"$gate/smolvm/go" ;;
	lock) : >"$gate/holder/go" ;;
	hit) ;;
	*) tell "${1:-go}" ;;
	esac >/dev/null 2>&1
}
# Another registry is started instead of the first: that one becomes ready.
release_next() {
	container=
	wait_for '[ "$(docker ps -q --no-trunc --filter "label=smolmake.cache=$CACHE_DIR")" != "$first" ] && release' 10
}
tell() { # LINE
	timeout 5 sh -c 'echo "$1" >"$2"' sh "$1" "$gate/go"
}

# --- The faults
# One process of the make's session: the newest of that name, or the oldest of those that there are several of.
victim() { # NAME
	case $1 in
	make) echo "$make_pid" ;;
	sub-make) ps -s "$make_pid" -o pid=,comm= | awk -v not="$make_pid" '$2 == "make" && $1 != not { pid = $1 } END { print pid }' ;;
	with-lock | run.sh) ps -s "$make_pid" -o pid=,comm= | awk -v name="$1" '$2 == name { print $1; exit }' ;;
	docker) # at ready it is the registry's; what came to the gate, `docker inspect`, is over
		if [ "$moment" = ready ]; then docker_run; else cat "$gate/at"; fi
		;;
	smolvm) for at in "$gate"/smolvm/at.*; do echo "${at##*.}"; done ;;
	*) ps -s "$make_pid" -o pid=,comm= | awk -v name="$(printf %.15s "$1")" '$2 == name { pid = $1 } END { print pid }' ;;
	esac
}
docker_run() { ps -s "$make_pid" -o pid=,args= | awk '$2 == "docker" && $3 == "run" { print $1 }'; }
happen() {
	container=
	case $moment in build) container=$(build_container) ;; ready) container=$(containers) ;; esac
	case $fault in
	error | hang) [ "$moment" != lock ] || release ;;
	interrupt) kill -s INT -- "-$make_pid" ;;
	terminate) kill -s TERM "$make_pid" ;;
	kill-*)
		first=$(containers)
		kill -s KILL "$(victim "${fault#kill-}")" || return
		[ "$fault:$moment" != kill-docker:ready ] || release_next
		;;
	no-space) fill "$CACHE_DIR" && release ;;
	no-space-tmp) fill "/proc/$make_pid/root/tmp" && release ;;
	read-only) mount -o remount,ro "$CACHE_DIR" ;;
	io-error) : >"$gate/eio" && release ;;
	engine-stop | engine-kill) "${fault#engine-}_engine" && { release || :; } ;;
	engine-freeze) kill -s STOP "$(cat /run/smolmake/docker.pid)" && { release || :; } ;;
	registry-kill)
		first=$(containers)
		docker kill "$first" || return
		if [ "$moment" = ready ]; then release_next; else release; fi
		;;
	stranger) another_server && release "say {\"5000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$port\"}]}" ;;
	silent) another_server -f hang:1000000 && release "say {\"5000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$port\"}]}" ;;
	clock-back) echo -3d >"$gate/clock" && release ;;
	clock-forth) echo +3d >"$gate/clock" && release ;;
	*) damage && release ;;
	esac
}
fill() { # FOLDER on a disk of its own
	dd if=/dev/zero of="$1/.filler" bs=4096 2>/dev/null
	[ -e "$1/.filler" ]
}
# On the registry's own port, if that is known already.
another_server() { # ARGUMENT of serve...
	port=0
	if [ "$moment" != ready ]; then
		port=$(docker port "$(containers)" 5000/tcp) && docker kill "$(containers)" >/dev/null || return
		port=${port##*:}
	fi
	wait_for '[ -z "$(containers)" ] || [ "$port" = 0 ]' 10 || return
	"$top/cache/tests/serve" -p "$port" "$@" >"$gate/port" &
	server=$!
	wait_for '[ -s "$gate/port" ]' 5 && port=$(head -n 1 "$gate/port")
}
# The sidecar: as packed for verify; its final name for publish and hit.
damage() {
	target=$CACHE_DIR/$key.smolmachine.smolmachine
	[ "$moment" != verify ] || target=$(echo "$CACHE_DIR"/.run/*/"$key.smolmachine")
	case $fault in
	truncated) truncate -s -100 "$target" ;;
	flipped)
		byte=$(od -An -tu1 -j 1000 -N 1 "$target") || return
		# shellcheck disable=SC2059 # an octal escape
		printf "\\$(printf %o $((byte ^ 1)))" | dd of="$target" bs=1 seek=1000 conv=notrunc 2>/dev/null
		;;
	emptied) : >"$target" ;;
	directory) rm -f "$target" && mkdir "$target" && : >"$target/x" ;;
	symlink)
		cp "$other" "$gate/precious" && ln -sf "$gate/precious" "$target"
		;;
	other) cp "$other" "$target" ;;
	esac
}
# What somebody does about the fault, and not about us.
mend() {
	[ -z "$server" ] || kill "$server"
	case $fault in
	no-space) rm -f "$CACHE_DIR/.filler" ;;
	read-only) mount -o remount,rw "$CACHE_DIR" ;;
	engine-stop | engine-kill) start_engine ;;
	engine-freeze) kill -s CONT "$(cat /run/smolmake/docker.pid)" ;;
	esac
	echo "nothing $count" >"$built_context/root/etc/do"
}

# The line that is wanted of a run that must fail: a pattern.
line() {
	case $fault:$moment in
	error:build) echo 'this step is broken' ;;
	error:ready) echo "REGISTRY_IMAGE: .* did not answer within .*the engine names no published port" ;;
	error:start) echo "REGISTRY_IMAGE: .* did not answer within .*the registry has ended" ;;
	error:lock) echo 'the pack of pid [0-9]+ failed meanwhile: .*; taken as ours' ;; # of one pack, all that wait fail
	error:pack*) echo 'export layer: failed to read tar output' ;;
	error:*) echo "${moment%-s}: no luck today" ;;
	hang:start | hang:ready | silent:ready | stranger:ready) echo 'REGISTRY_IMAGE: .* did not answer within [34] s' ;;
	hang:*) echo 'did not end within [34] s and was stopped' ;;
	interrupt:*) echo 'Interrupt' ;;
	terminate:*) echo 'Terminated' ;;
	kill-make:*) ;; # who was killed says nothing; that its caller sees
	kill-docker:* | kill-smolvm:*) echo "'.*${fault#kill-}' died of signal 9" ;;
	kill-*) echo 'Killed|died of signal 9|Terminated|Error 1[34][0-9]' ;;
	no-space*) echo '[Nn]o space left on device' ;;
	read-only:*) echo "CACHE_DIR: cannot write to '.*Read-only file system" ;;
	io-error:*) echo 'Input/output error' ;;
	engine-*:pull) echo 'pull image: .*connection refused|did not end within' ;;
	engine-freeze:ready) echo 'REGISTRY_IMAGE: .* did not answer within 3 s' ;;
	engine-*:export | engine-*:parts) echo 'cannot be served: .*(docker.sock|did not .* within [0-9]+ s)|cannot be served: the engine' ;;
	engine-*) echo 'DOCKER|engine|[Dd]ocker daemon|docker.* did not end within' ;;
	registry-kill:* | stranger:* | silent:*) echo 'push|pack|registry' ;;
	*:verify) echo 'SMOLVM: .*(left a sidecar that is not whole|left no sidecar|packed .* where .* was wanted)' ;;
	*:publish) echo "cannot (publish|move) '$key" ;;
	*) echo '.' ;;
	esac
}

# --- The checks
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
half() { # what is wrong in CACHE_DIR, one line each
	for f in "$CACHE_DIR"/* "$CACHE_DIR"/.id/* "$CACHE_DIR"/.verified/* "$CACHE_DIR"/.store/*; do
		case $f in
		*'/*') ;;
		*.smolmachine.smolmachine)
			"$top/cache/bin/verify-machine" "$f" 2>&1 | grep '^verify-machine: '
			[ -x "${f%.smolmachine}" ] || echo "$f has no launcher"
			[ -s "${f%.smolmachine.smolmachine}.json" ] || echo "$f has no record"
			;;
		*.tmp) echo "$f is temporary" ;;
		"$CACHE_DIR"/.*/* | *.smolmachine | *.json | "$CACHE_DIR/by-name") ;;
		*) echo "$f is none of ours" ;;
		esac
	done
}
# The engine is ours alone: whatever is there was left.
in_engine() {
	docker ps -aq --no-trunc | sed 's/^/container /'
	docker volume ls -q | sed 's/^/volume /'
	[ "$(docker network ls -q | wc -l)" = "$(echo "$networks" | wc -l)" ] || docker network ls | sed 's/^/network /'
	docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E '^(127\.|localhost:|smolmake-pin)' | sed 's/^/tag /'
	docker image ls -a --digests --format '{{.Repository}}@{{.Digest}}' | grep -E '^(127\.|localhost:).*@sha256' | sed 's/^/tag /'
	find "$TMPDIR" -mindepth 1 | sed 's/^/temporary /'
}

cell() { # FAULT:MOMENT
	fault=${1%:*} moment=${1##*:} count=$((count + 1)) began=$failures server='' held_back='' usual_make=${SMOLMAKE_TEST_MAKE:-make}
	wanted=$(awk -v fault="$fault" -v moment="$moment" '$1 == "#" && $2 == "fault" { for (i = 3; i <= NF; i++) if ($i == moment) n = i - 1 }
		$1 == fault && n { print $n }' "$top/tests/faults/table")
	case $wanted in x | o) ;; *) fail "$1 is no cell of the table" && return ;; esac
	case $fault:$moment in stranger:ready | silent:ready) held_back=yes ;; esac
	rm -rf "$CACHE_DIR" "$gate"
	mkdir -p "$gate/smolvm" "$gate/holder"
	mkfifo "$gate/go"
	: >"$FAKE_SMOLVM_LOG"
	key=$(docker image inspect -f '{{.Id}}' "$plain" | cut -c 8-23)
	case $fault in symlink | other) need_other ;; esac
	arm
	try_cell "$1"
	export REGISTRY_IMAGE="$registry"
	umount "$CACHE_DIR" 2>/dev/null
	[ "$failures" = "$began" ] && echo "# cell $1 ok" && return
	echo "# cell $1 FAIL"
	clear_up
}
# What is left is this cell's failure and not the next one's.
clear_up() {
	for pid in $(processes); do
		[ "$pid" = $$ ] || [ "$pid" = "$_watch_pid" ] || kill -s KILL "$pid"
	done 2>/dev/null
	docker ps -aq | xargs -r docker rm -fv >/dev/null 2>&1
	docker volume ls -q | xargs -r docker volume rm >/dev/null 2>&1
	in_engine | sed -n 's/^tag //p' | xargs -r docker rmi >/dev/null 2>&1
}
# Makes $other.
need_other() {
	[ ! -e "$other" ] || return 0
	must make_image other
	must run_make smolmachine IMAGE="$image" CACHE_DIR="$tmp/cache of another"
	must cp "$(cat "$out")" "$other"
	: >"$FAKE_SMOLVM_LOG"
}
try_cell() { # NAME
	if [ "$moment" = hit ]; then
		must run_make smolmachine IMAGE="$plain"
		: >"$FAKE_SMOLVM_LOG"
	fi
	case $fault:$moment in read-only:build | *:hit) happen >"$gate/log" 2>&1 || fail "$1: the fault happens" ;; esac
	[ "$moment" != lock ] || start_holder || return
	start_make smolmachine IMAGE="$goal_image" ${goal_context:+CONTEXT="$goal_context"}
	case $fault:$moment in
	error:lock | hang:lock) held=yes ;;
	error:* | hang:* | read-only:* | *:hit) held= ;;
	*) held=yes ;;
	esac
	if [ "$held" ]; then
		wait_for reached 30 || fail "$1: the run comes to the moment" || diag_file stderr "$err"
		happen >"$gate/log" 2>&1 || { fail "$1: the fault happens" || diag_file 'its log' "$gate/log"; }
		[ "$moment" != teardown ] || ! alive "$(cat "$gate/at")" || release # whoever is killed, docker goes on
	fi
	finish_make $limit
	[ "$moment" != lock ] || finish_holder "$1"
	disarm
	check_end "$1"
	mend >"$gate/log" 2>&1 || { fail "$1: the fault is mended" || diag_file 'its log' "$gate/log"; }
	[ "$fault:$moment" = directory:publish ] || # it is the fault
		is "$1: ... no final name holds anything half" "$(half)" ''
	: >"$FAKE_SMOLVM_LOG"
	ok "$1: ... the next make succeeds" run_make smolmachine IMAGE="$goal_image" ${goal_context:+CONTEXT="$goal_context"}
	ok "$1: ... with a machine that is whole" "$top/cache/bin/verify-machine" "$(cat "$out")"
	most=1
	[ "$wanted:$moment" != o:lock ] && [ "$wanted:$moment" != o:hit ] || most=0
	ok "$1: ... and $most packs at most" test "$(packs)" -le $most
	assert_nothing_left "$1: ... and nothing is left" 3
	is "$1: ... in the engine neither" "$(in_engine)" ''
}
check_end() { # NAME
	if [ "$rc" = 124 ]; then
		fail "$1: it ends within $limit s"
	elif [ "$wanted" = x ]; then
		isnt "$1: it fails" "$rc" 0
		[ "$fault" = kill-make ] || like "$1: ... with a line that names the thing" "$(cat "$err")" "$(line)"
		[ ! -s "$out" ] || ok "$1: ... after a right answer" "$top/cache/bin/verify-machine" "$(cat "$out")"
	else
		is "$1: it succeeds nonetheless" "$rc" 0
		ok "$1: ... with a machine that is whole" "$top/cache/bin/verify-machine" "$(cat "$out")"
	fi
	[ "$failures" = "$began" ] || diag_file "$1: stderr" "$err"
}
# The make that is waited for: it goes on when the other has ended, but where it is the fault's own.
start_holder() {
	(
		out=$gate/holder/out err=$gate/holder/err
		unset LD_PRELOAD FAKE_DOCKER_FAULT
		export FAKE_SMOLVM_LATCH="$gate/holder" FAKE_SMOLVM_FAULT=latch-half
		case $fault in
		error) FAKE_SMOLVM_FAULT=latch-pull,fail ;;
		hang) FAKE_SMOLVM_FAULT=hang ;;
		esac
		start_make smolmachine IMAGE="$plain"
		echo "$make_pid" >"$gate/holder/pid"
		finish_make $limit
		echo "$rc" >"$gate/holder/rc"
	) &
	holder=$!
	unset PACK_TIMEOUT
	wait_for '[ "$(packs)" = 1 ] && { [ "$fault" = hang ] || [ -n "$(find "$gate/holder" -name "at.*")" ]; }' 30 ||
		fail 'the other make comes to its pack'
}
finish_holder() { # NAME
	[ "$wanted" = o ] || : >"$gate/holder/go"
	wait "$holder"
	case $fault in
	error | hang) isnt "$1: the other make fails" "$(cat "$gate/holder/rc")" 0 ;;
	*) is "$1: the other make succeeds" "$(cat "$gate/holder/rc")" 0 || diag_file 'its stderr' "$gate/holder/err" ;;
	esac
}
