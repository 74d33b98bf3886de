#!/bin/sh
# doctor.sh: is this machine fit? One line a thing: ok, warn or FAIL, the thing, the fact, and the remedy where one is needed.
#
# Changes nothing, needs none of our helpers, and gives every foreign program a deadline.
# Environment: CC, DOCKER, SMOLVM, ROUTE, REGISTRY_IMAGE, CACHE_DIR, MAKE_VERSION.
# Exit: 0 all that is needed is there, 1 something is not.
set -u
: "${CC:=cc}" "${DOCKER:=docker}" "${SMOLVM:=smolvm}" "${REGISTRY_IMAGE:=}"
: "${CACHE_DIR:=${XDG_CACHE_HOME:-${HOME:-/}/.cache}/claude-bottle/smolmachines}"
PATH=$PATH:/usr/sbin:/sbin
status=0

. "${0%/*}/answer.sh"
line() { answer "$(printf '%-4s  %s: %s' "$1" "$2" "$3")"; }
ok() { line ok "$@"; }
warn() { line warn "$1" "$2; $3"; } # THING FACT REMEDY
fail() {
	line FAIL "$1" "$2; $3"
	status=1
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
	said=$(printf '%s' "$said" | tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-200)
	return "$code"
}

check_make() {
	version=${MAKE_VERSION-}
	[ -n "$version" ] || version=$(make --version 2>/dev/null | sed -n '1s/^GNU Make //p')
	case $version in
	4.[3-9]* | 4.[1-9][0-9]* | [5-9].* | [1-9][0-9]*) ok 'GNU Make' "$version" ;;
	*) fail 'GNU Make' "${version:-none}, 4.3 or later is needed" "Debian: apt-get install make; macOS: brew install make, then gmake" ;;
	esac
}

check_compiler() {
	if ! command -v "$CC" >/dev/null 2>&1; then
		fail 'C compiler' "'$CC' is not there" 'make setup'
		return
	fi
	if echo 'int main(void) { return 0; }' >"$scratch/a.c" && within 20 "$CC" -std=c11 -o "$scratch/a" "$scratch/a.c"; then
		within 5 "$CC" --version
		ok 'C compiler' "$(echo "$said" | cut -d' ' -f1-4)"
	else
		fail 'C compiler' "'$CC' compiles nothing: $said" 'make setup'
	fi
}

check_library() { # NAME HEADER
	include=
	if command -v brew >/dev/null 2>&1; then
		prefix=$(brew --prefix)
		include=$prefix/include:$prefix/opt/openssl@3/include:$prefix/opt/libarchive/include
	fi
	echo "#include <$2>" >"$scratch/h.c"
	if CPATH=$include within 20 "$CC" -E -o "$scratch/h.i" "$scratch/h.c"; then
		ok "$1" "<$2>"
	else
		fail "$1" "no <$2>" 'make setup'
	fi
}

check_jq() {
	if within 5 jq --version; then
		ok jq "$said"
	else
		fail jq 'is not there' 'make setup'
	fi
}

engine=no native=no
check_engine() {
	if ! command -v "$DOCKER" >/dev/null 2>&1; then
		fail engine "DOCKER: '$DOCKER' is not there" 'make setup'
	elif ! within 20 "$DOCKER" version --format '{{.Server.Version}}'; then
		if [ "$(id -u)" = 0 ]; then remedy="'make setup' starts it"; else remedy="start it, or join its group: sudo usermod -aG docker $(id -un)"; fi
		fail engine "does not answer: $said" "$remedy"
	else
		engine=yes
		ok engine "$DOCKER $said"
	fi
	check_local
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
check_local() {
	host=$(printf '%s' "${DOCKER_HOST-}" | tr '\n\t' '  ' | sed 's/^ *//; s/ *$//')
	if [ -z "$host" ] && [ $engine = yes ] &&
		within 20 "$DOCKER" context inspect --format '{{.Endpoints.docker.Host}}'; then
		host=$said
	fi
	if is_local "$host"; then
		[ $engine = no ] || ok 'engine is local' "${host:-its default socket}"
		return
	fi
	[ "${ROUTE:-auto}" != push ] && [ -z "$REGISTRY_IMAGE" ] && verdict=warn || verdict=fail
	$verdict 'engine is local' "'$host' is not this machine, so nothing can be pushed here" \
		'leave ROUTE and REGISTRY_IMAGE unset, or unset DOCKER_HOST, or: docker context use default'
}

check_registry() {
	if [ -z "$REGISTRY_IMAGE" ]; then
		ok 'registry image' 'none is named, and none needed'
	elif [ $engine = no ]; then
		warn 'registry image' 'not asked: no engine' 'see above'
	elif within 20 "$DOCKER" image inspect --format '{{.Id}}' "$REGISTRY_IMAGE"; then
		ok 'registry image' 'present'
	elif within 20 "$DOCKER" manifest inspect "$REGISTRY_IMAGE"; then
		ok 'registry image' 'not here yet, can be pulled'
	else
		fail 'registry image' "neither here nor to be pulled: $REGISTRY_IMAGE" \
			"docker load it from another machine, or give REGISTRY_IMAGE=one that is here"
	fi
}

# Whether this version packed and booted in `make check-real`: its table says so.
is_proved() { # VERSION
	grep -q "^| $1 |" "${0%/*}/../tests/real/RESULTS.md" 2>/dev/null && ! grep "^| $1 |" "${0%/*}/../tests/real/RESULTS.md" | grep -q FAIL
}
check_smolvm() {
	if ! command -v "$SMOLVM" >/dev/null 2>&1; then
		fail smolvm "SMOLVM: '$SMOLVM' is not there" 'install it from https://github.com/smol-machines/smolvm/releases, or by make setup SETUP_SMOLVM=pypi, or give SMOLVM=path'
	elif within 10 "$SMOLVM" --version; then
		within 10 sh -c 'exec "$0" --version 2>/dev/null' "$SMOLVM" # without notes
		version=$(printf '%s' "$said" | sed -n 's/.*smolvm \([0-9][0-9.]*\).*/\1/p')
		if is_proved "${version:-none}"; then
			proved='make check-real has packed and booted with this version'
		else
			proved='make check-real has no row without a failure for this version'
		fi
		ok smolvm "${version:+smolvm }${version:-$said}, '$(command -v "$SMOLVM")'; $proved"
		check_packing "${version:-}"
	else
		fail smolvm "'$SMOLVM --version' fails: $said" 'install it anew'
	fi
}

# Whether machines are packed here without a virtual machine; else KVM is needed for that too.
check_packing() { # VERSION
	program=${0%/*}/../cache/bin/pack-image
	if [ ! -x "$program" ]; then
		warn packing 'not asked: the helpers are not compiled' 'make all'
	elif SMOLVM=$SMOLVM within 10 "$program" -p "smolvm $1"; then
		native=yes
		ok packing 'needs no KVM: smolmake packs, of the parts of this smolvm'
	else
		ok packing "by smolvm, which needs KVM for it: $said"
	fi
}
check_kvm() {
	[ "$(uname)" = Linux ] || return
	kvm=/dev/kvm
	if [ ! -r "$kvm" ] || [ ! -w "$kvm" ] && [ "$native" = yes ]; then
		warn "$kvm" "is not $([ -e "$kvm" ] && echo 'open to you' || echo there): machines are packed here, and boot elsewhere" \
			"to boot them here: turn on virtualisation, then sudo usermod -aG kvm $(id -un)"
	elif [ ! -e "$kvm" ]; then
		fail "$kvm" 'is not there' 'turn on virtualisation in the firmware (or nested, in a virtual machine), then: modprobe kvm'
	elif [ ! -r "$kvm" ] || [ ! -w "$kvm" ]; then
		fail "$kvm" 'is not open to you' "sudo usermod -aG kvm $(id -un), then log in again"
	else
		ok "$kvm" 'is there and open to you'
	fi
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
		fail CACHE_DIR "'$folder' is not a folder that you can write to" 'give CACHE_DIR=folder'
		return
	fi
	free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${free:-0}" -lt 512 ]; then
		fail CACHE_DIR "$free MiB free at '$folder'" 'an artifact takes as much as its image: make room, or give CACHE_DIR=folder'
	elif [ "$free" -lt 4096 ]; then
		warn CACHE_DIR "only $free MiB free at '$folder'" 'an artifact takes as much as its image'
	else
		ok CACHE_DIR "$free MiB free at '$folder'"
	fi
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/smolmake-doctor.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
check_make
check_compiler
check_library libcurl curl/curl.h
check_library jansson jansson.h
check_library zlib zlib.h
check_library OpenSSL openssl/sha.h
check_library libarchive archive.h
check_library zstd zstd.h
check_library libmicrohttpd microhttpd.h
check_jq
check_engine
check_registry
check_smolvm
check_kvm
check_cache
finish $status
