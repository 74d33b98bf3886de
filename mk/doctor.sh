#!/bin/sh
# doctor.sh: is this machine fit? One line a thing: ok, warn, FAIL or skip (not looked at), the thing, the fact, and the remedy where one
# is needed; the last line is the verdict. DOCTOR=json: one object, for a bug report.
#
# Changes nothing, and gives every foreign program a deadline. Where the helpers are compiled, what a run would refuse is asked of them.
# Environment: the settings, as make has them; CC, MAKE_VERSION, TOP, BIN.
# Exit: 0 all that is needed is there, 1 something is not.
set -u
here=$(cd "${0%/*}" && pwd -P)
: "${CC:=cc}" "${DOCKER:=docker}" "${SMOLVM:=smolvm}" "${REGISTRY_IMAGE:=}" "${TOP:=${here%/mk}}" "${DOCTOR:=}"
: "${BIN:=$TOP/cache/bin}" "${CACHE_DIR:=${XDG_CACHE_HOME:-${HOME:-/}/.cache}/claude-bottle/smolmachines}"
PATH=$PATH:/usr/sbin:/sbin
export CACHE_DIR DOCKER SMOLVM
. "$here/answer.sh"
. "$here/own-smolvm.sh"
case $DOCTOR in
'' | json) ;;
*) printf "error: DOCTOR: '%s' is not json; leave DOCTOR out for lines\n" "$DOCTOR" >&2 && exit 1 ;;
esac

# --- What is said
faults=0 warnings=0 objects=
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }
line() { # STATE THING FACT [REMEDY]
	state=$1 thing=$2
	fact=$(printf '%s' "$3" | tr '\n\t\r' '   ') remedy=${4-}
	if [ "$DOCTOR" = json ]; then
		objects="$objects${objects:+,}
    {\"state\": \"$state\", \"thing\": $(quoted "$thing"), \"fact\": $(quoted "$fact")${remedy:+, \"remedy\": $(quoted "$remedy")}}"
	else
		answer "$(printf '%-4s  %s: %s' "$state" "$thing" "$fact${remedy:+; $remedy}")"
	fi
}
ok() { line ok "$@"; }
skip() { line skip "$1" "not looked at: $2"; } # THING WHY
warn() {
	line warn "$@"
	warnings=$((warnings + 1))
}
fail() {
	line FAIL "$@"
	faults=$((faults + 1))
}
within() { # SECONDS COMMAND...: what it says, on one line, in $said
	if command -v timeout >/dev/null 2>&1; then
		said=$(timeout -k 2 "$@" 2>&1 </dev/null)
	else
		said=$(perl -e 'alarm shift @ARGV; exec @ARGV' -- "$@" 2>&1 </dev/null)
	fi
	code=$?
	case $code:$said in
	124:* | 137:* | 142:*) said="no answer in $1 s" ;;
	0:*) ;;
	*:*[![:space:]]*) ;;
	*) said="it ended with $code and said nothing" ;;
	esac
	said=$(printf '%s' "$said" | tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-300)
	return "$code"
}

# --- This machine
in_container=
[ ! -e /.dockerenv ] && [ ! -e /run/.containerenv ] || in_container=yes
check_machine() {
	version=$(cat "$TOP/VERSION" 2>/dev/null)
	name=$(sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release 2>/dev/null)
	ok smolmake "${version:-?}, on $(uname -srm)${name:+, $name}${in_container:+, in a container}"
}
check_make() {
	version=${MAKE_VERSION-}
	[ -n "$version" ] || version=$(make --version 2>/dev/null | sed -n '1s/^GNU Make //p')
	case $version in
	4.[3-9]* | 4.[1-9][0-9]* | [5-9].* | [1-9][0-9]*) ok 'GNU Make' "$version" ;;
	*) fail 'GNU Make' "${version:-none}, 4.3 or later is needed" 'Debian: apt-get install make; macOS: brew install make, then gmake' ;;
	esac
}

# `make setup` installs cc, and no other compiler.
compiler_remedy() { if [ "$CC" = cc ]; then echo 'make setup'; else echo "install it, or leave CC out"; fi; }
compiler=yes
check_compiler() {
	if ! command -v "${CC%%[ ]*}" >/dev/null 2>&1; then
		fail 'C compiler' "'$CC' is not there" "$(compiler_remedy)"
		compiler=no
		return
	fi
	# shellcheck disable=SC2086 # CC may have flags, as for make
	if echo 'int main(void) { return 0; }' >"$scratch/a.c" && within 20 $CC -std=c11 -o "$scratch/a" "$scratch/a.c"; then
		within 5 $CC --version
		ok 'C compiler' "$(echo "$said" | cut -d' ' -f1-4)"
	else
		fail 'C compiler' "'$CC' compiles nothing: $said" "$(compiler_remedy)"
	fi
}
check_library() { # NAME HEADER
	[ $compiler = yes ] || { skip "$1" 'no compiler' && return; }
	include=
	if command -v brew >/dev/null 2>&1; then
		prefix=$(brew --prefix)
		include=$prefix/include:$prefix/opt/openssl@3/include:$prefix/opt/libarchive/include
	fi
	echo "#include <$2>" >"$scratch/h.c"
	# shellcheck disable=SC2086
	if CPATH=$include within 20 $CC -E -o "$scratch/h.i" "$scratch/h.c"; then
		ok "$1" "<$2>"
	else
		fail "$1" "no <$2>" 'make setup'
	fi
}
# An installation has its helpers, and a checkout that was made by another user may have no more.
check_compiling() {
	if [ ! -e "$TOP/helpers" ]; then
		ok helpers "compiled, '$BIN'"
		return
	fi
	check_compiler
	check_library libcurl curl/curl.h
	check_library jansson jansson.h
	check_library zlib zlib.h
	check_library OpenSSL openssl/sha.h
	check_library libarchive archive.h
	check_library zstd zstd.h
	check_library libmicrohttpd microhttpd.h
}
check_jq() {
	if within 5 jq --version; then
		ok jq "$said"
	else
		fail jq 'is not there' 'make setup'
	fi
}

# The file system that a path lies on: its options, where Linux tells them.
mount_options() { # PATH
	[ ! -r /proc/mounts ] || awk -v path="$1/" '
		{ gsub(/\\040/, " ", $2); at = $2 == "/" ? "/" : $2 "/" }
		index(path, at) == 1 && length(at) >= length(best) { best = at; options = $4 }
		END { print "," options "," }' /proc/mounts
}
no_exec() { case $(mount_options "$1") in *,noexec,*) return 0 ;; *) return 1 ;; esac; } # PATH

# --- What a run would refuse
check_settings() {
	if [ ! -x "$BIN/with-run" ]; then
		skip settings 'the helpers are not compiled; make all'
		return
	fi
	if no_exec "$BIN"; then
		fail helpers "'$BIN' is on a file system where no program runs (noexec)" 'move the checkout, or mount it without noexec'
		return
	fi
	[ -n "${IMAGE-}${IMAGES-}" ] || IMAGE=doctor
	if IMAGE=${IMAGE-} ONLY='' within 20 "$BIN/with-run" -mc "$BIN/plan-images" -n; then
		ok settings 'a run takes them'
		return
	fi
	case $said in
	*'error: '*': '*)
		said=${said##*error: }
		fail "${said%%: *}" "${said#*: }"
		;;
	*) fail settings "a run refuses them: $said" ;;
	esac
}

# The nearest folder that exists is what CACHE_DIR will be made in.
check_cache() {
	folder=$CACHE_DIR
	case $folder in
	/*) ;;
	*) folder=$(pwd)/$folder ;;
	esac
	while [ ! -e "$folder" ]; do
		folder=${folder%/*}
		[ -n "$folder" ] || folder=/
	done
	if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
		[ -x "$BIN/with-run" ] || # which has said it
			fail CACHE_DIR "'$folder' is not a folder that you can write to" 'give CACHE_DIR=folder'
		return
	fi
	room 'CACHE_DIR' "$folder" 'an artifact takes as much as its image: make room, or give CACHE_DIR=folder'
	! no_exec "$folder" || warn launchers "'$folder' is on a file system where no program runs (noexec)" \
		'give another CACHE_DIR, or OUT=, or boot by: smolvm machine create --from <sidecar>'
}
room() { # THING FOLDER REMEDY
	free=$(df -Pk "$2" | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${free:-0}" -lt 512 ]; then
		fail "$1" "$free MiB free at '$2'" "$3"
	elif [ "$free" -lt 4096 ]; then
		warn "$1" "only $free MiB free at '$2'" "$3"
	else
		ok "$1" "$free MiB free at '$2'"
	fi
}

# --- The engine
engine=no native=no podman=
check_engine() {
	if ! command -v "$DOCKER" >/dev/null 2>&1; then
		if [ "$DOCKER" = docker ]; then remedy='make setup'; else remedy='install it, or leave DOCKER out'; fi
		fail engine "DOCKER: '$DOCKER' is not there" "$remedy"
	elif ! within 20 "$DOCKER" version --format '{{.Server.Version}}'; then
		if [ "$(id -u)" != 0 ]; then
			remedy="start it, or join its group: sudo usermod -aG docker $(id -un)"
		elif [ -n "$in_container" ]; then
			remedy="'make setup' starts it, or start the container with -v /var/run/docker.sock:/var/run/docker.sock"
		else
			remedy="'make setup' starts it"
		fi
		fail engine "does not answer: $said" "$remedy"
	else
		engine=yes server=$said
		within 10 "$DOCKER" --version
		case $said in *podman*) podman=yes ;; esac
		ok engine "$DOCKER $server"
	fi
	check_local
	check_builder
	check_engine_disk
}

# Whether docker's client connects to this machine by that host, as helpers/engine/endpoint.c has it: a socket, or TCP to loopback,
# which is the host where none is given, nor a scheme. Addresses are those of inet_pton, in every spelling.
octet='(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
loopback4="(0\\.0\\.0\\.0|127(\\.$octet){3})"
loopback6="(0{1,4}:){7}0{0,3}[01]|(0{1,4}(:0{1,4}){0,5})?::((0{1,4}:){0,5}0{0,3}[01])?|(0{1,4}:){1,7}:"
mapped="((0{1,4}:){5}|(0{1,4}(:0{1,4}){0,3})?::(0{1,4}:){0,3})ffff:(127(\\.$octet){3}|7f[0-9a-f]{2}:[0-9a-f]{1,4})"
is_local() { # HOST
	case $1 in
	'' | unix://*) return 0 ;;
	tcp://*) set -- "${1#tcp://}" ;;
	*://*) return 1 ;;
	esac
	printf '%s\n' "$1" | grep -qixE "(localhost|$loopback4|\\[($loopback6|$mapped)\\])?([:/].*)?"
}

# Remote means that its 127.0.0.1, where a registry for a push listens, is not ours. Without a push that is no matter.
local_engine=no
check_local() {
	host=$(printf '%s' "${DOCKER_HOST-}" | tr '\n\t' '  ' | sed 's/^ *//; s/ *$//')
	if [ -z "$host" ] && [ $engine = yes ] &&
		within 20 "$DOCKER" context inspect --format '{{.Endpoints.docker.Host}}'; then
		host=$said
	fi
	if is_local "$host"; then
		local_engine=$engine
		[ $engine = no ] || ok 'engine is local' "${host:-its default socket}"
		return
	fi
	[ "${ROUTE:-auto}" != push ] && [ -z "$REGISTRY_IMAGE" ] && verdict=warn || verdict=fail
	$verdict 'engine is local' "'$host' is not this machine, so nothing can be pushed here" \
		'leave ROUTE and REGISTRY_IMAGE unset, or unset DOCKER_HOST, or: docker context use default'
}

# From 23 on docker builds by buildx, and without it by a builder that is to go (docs.docker.com, "Deprecated Engine features").
check_builder() {
	if [ $engine = no ]; then
		skip buildx 'no engine'
	elif [ -n "$podman" ]; then
		ok buildx 'podman has no need of it'
	elif within 10 "$DOCKER" buildx version; then
		ok buildx "$said"
	elif [ "${server%%.*}" -ge 23 ] 2>/dev/null; then
		warn buildx 'is not there, so docker builds by its old builder, without SECRET, SSH and RUN --mount' \
			'install docker-buildx (docker-buildx-plugin)'
	else
		ok buildx 'is not there; SECRET, SSH and a Dockerfile with RUN --mount need it'
	fi
}
check_engine_disk() {
	[ $engine = yes ] || { skip "the engine's disk" 'no engine' && return; }
	if [ -n "$podman" ]; then format='{{.Store.GraphRoot}}'; else format='{{.DockerRootDir}}'; fi
	if ! within 20 "$DOCKER" info --format "$format"; then
		skip "the engine's disk" "$said"
	elif [ $local_engine = no ] || [ ! -d "$said" ]; then
		skip "the engine's disk" "'$said' is not to be seen from here"
	else
		room "the engine's disk" "$said" 'builds and exports need room there: docker system prune'
	fi
}
check_registry() {
	if [ -z "$REGISTRY_IMAGE" ]; then
		ok 'registry image' 'none is named, and none needed'
	elif [ $engine = no ]; then
		skip 'registry image' 'no engine'
	elif within 20 "$DOCKER" image inspect --format '{{.Id}}' "$REGISTRY_IMAGE"; then
		ok 'registry image' 'present'
	elif within 20 "$DOCKER" manifest inspect "$REGISTRY_IMAGE"; then
		ok 'registry image' 'not here yet, can be pulled'
	else
		fail 'registry image' "neither here nor to be pulled: $REGISTRY_IMAGE" \
			"docker load it from another machine, or give REGISTRY_IMAGE=one that is here"
	fi
}

# --- smolvm
# Whether this version packed and booted in `make check-real`: its table says so.
results=$TOP/tests/real/RESULTS.md
is_proved() { # VERSION
	grep -q "^| $1 |" "$results" 2>/dev/null && ! grep "^| $1 |" "$results" | grep -q FAIL
}
check_smolvm() {
	if ! command -v "$SMOLVM" >/dev/null 2>&1; then
		fail smolvm "SMOLVM: '$SMOLVM' is not there" 'install it from https://github.com/smol-machines/smolvm/releases, or by make setup SETUP_SMOLVM=pypi, or give SMOLVM=path'
		skip packing 'no smolvm'
	elif within 10 "$SMOLVM" --version; then
		within 10 sh -c 'exec "$0" --version 2>/dev/null' "$SMOLVM" # without notes
		version=$(printf '%s' "$said" | sed -n 's/.*smolvm \([0-9][0-9.]*\).*/\1/p')
		if [ ! -e "$results" ]; then
			proved='which versions are proved stands in the checkout'
		elif is_proved "${version:-none}"; then
			proved='make check-real has packed and booted with this version'
		else
			proved='make check-real has no row without a failure for this version'
		fi
		ok smolvm "${version:+smolvm }${version:-$said}, '$(command -v "$SMOLVM")'; $proved"
		check_packing "${version:-}"
	else
		fail smolvm "'$SMOLVM --version' fails: $said" 'install it anew'
		skip packing 'smolvm does not run'
	fi
}

# Whether machines are packed here without a virtual machine; else KVM, memory and the loopback are needed for that too.
check_packing() { # VERSION
	if [ ! -x "$BIN/pack-image" ]; then
		skip packing 'the helpers are not compiled; make all'
	elif [ "${PACK-}" != smolvm ] && [ -z "${SMOLFILE-}" ] && within 10 "$BIN/pack-image" -p "smolvm $1"; then
		native=yes
		ok packing 'needs no KVM: smolmake packs, of the parts of this smolvm'
	else
		[ "${PACK-}" != smolvm ] || said='PACK=smolvm'
		[ -z "${SMOLFILE-}" ] || said='smolvm alone reads SMOLFILE'
		ok packing "by smolvm, which needs KVM for it: $said"
		check_memory
		check_loopback
	fi
}
# A pack's machine has 8 GiB, of which it takes what it needs (source: v1.9.2, src/cli/pack.rs).
check_memory() {
	mib=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null)
	limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null)
	case $limit in '' | *[!0-9]*) ;; *) [ $((limit / 1048576)) -ge "${mib:-0}" ] || mib=$((limit / 1048576)) ;; esac
	if [ -z "$mib" ]; then
		skip memory 'this system does not tell'
	elif [ "$mib" -lt 8192 ]; then
		warn memory "$mib MiB; smolvm's machine takes up to 8192 MiB for a pack" 'pack one image at a time, or have a smolvm that is packed for natively'
	else
		ok memory "$mib MiB"
	fi
}
# What the user's environment says of smolvm's loopback, by any name that it reads (source: smolvm-network 1.13.0 to 1.33.0, egress.rs: floor_mode).
check_loopback() {
	[ "${ROUTE-}" != archive ] || return 0
	case ${SMOLVM_EGRESS_FLOOR-} in
	strict) fail loopback 'SMOLVM_EGRESS_FLOOR=strict keeps smolvm from the registry on 127.0.0.1' 'unset it for make, or set it to metadata' ;;
	esac
	for name in SMOLVM_PUBLISH_ADDR SMOLVM_GUEST_HOST_SERVICE; do
		eval "[ -z \"\${$name-}\" ]" || [ -n "${SMOLVM_EGRESS_FLOOR-}" ] ||
			fail loopback "with $name set, smolvm's 127.0.0.1 is that of its own machine, and no registry is there" 'unset it for make'
	done
}
kvm_remedy() {
	if [ -n "$in_container" ]; then
		echo 'start the container with --device /dev/kvm'
	elif [ ! -e "$kvm" ]; then
		echo 'turn on virtualisation in the firmware (or nested, in a virtual machine), then: modprobe kvm'
	else
		echo "sudo usermod -aG kvm $(id -un), then log in again"
	fi
}
# With at most 4096 a machine could open no folder any more behind some 3000 files, with 262144 it could (run: 1.32.2).
check_open_files() {
	# shellcheck disable=SC3045 # dash and bash have it
	most=$(ulimit -Hn 2>/dev/null)
	case $most in '' | *[!0-9]*) return ;; esac
	[ "$most" -ge 65536 ] ||
		warn 'open files' "at most $most: under smolvm, a machine that looks at about as many of its files can open no more folders" \
			'raise the hard limit of who boots it (ulimit -Hn), to 262144 say'
}
boots=no
check_kvm() {
	[ "$(uname)" = Linux ] || { boots=yes && skip 'booting' 'this system has no /dev/kvm' && return; }
	kvm=/dev/kvm
	if [ -r "$kvm" ] && [ -w "$kvm" ]; then
		boots=yes
		ok "$kvm" 'is there and open to you; whether a machine boots with it was not tried'
		check_open_files
	elif [ "$native" = yes ]; then
		warn "$kvm" "is not $([ -e "$kvm" ] && echo 'open to you' || echo there): machines are packed here, and boot elsewhere" \
			"to boot them here: $(kvm_remedy)"
	else
		fail "$kvm" "is not $([ -e "$kvm" ] && echo 'open to you' || echo there)" "$(kvm_remedy)"
	fi
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/smolmake-doctor.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
check_machine
check_make
check_compiling
check_jq
check_settings
check_cache
check_engine
check_registry
check_smolvm
check_kvm

# --- The verdict
if [ $faults -gt 0 ]; then
	verdict="not ready: $faults fault$([ $faults = 1 ] || echo s)"
elif [ $native = yes ]; then
	verdict="ready: images are packed here without KVM$([ $boots = yes ] || echo ', and boot elsewhere')"
else
	verdict='ready: smolvm packs images here'
fi
[ $warnings = 0 ] || verdict="$verdict, $warnings warning$([ $warnings = 1 ] || echo s)"
if [ "$DOCTOR" = json ]; then
	answer "{
  \"ready\": $([ $faults = 0 ] && echo true || echo false),
  \"verdict\": $(quoted "$verdict"),
  \"checks\": [$objects
  ]
}"
else
	answer "$verdict"
fi
[ $faults = 0 ]
finish $?
