#!/bin/sh
# setup.sh [GOAL...]: installs what those goals need and the machine lacks; with no goal, what a user needs.
#
# Debian and Ubuntu by apt-get, macOS by Homebrew; elsewhere it names the packages and says no. One line per package; what is
# there is not touched, so a second call installs nothing. As root, where no engine answers and one is wanted, it starts the
# installed dockerd and says how to stop it.
# Environment: DOCKER, SMOLVM, REGISTRY_IMAGE, PREFIX, SETUP_SMOLVM (pypi: installs smolvm from there; empty: asks on a terminal).
# Exit: 0 all is there, 1 something is not (named, with the remedy).
set -u
: "${DOCKER:=docker}" "${SMOLVM:=smolvm}" "${REGISTRY_IMAGE:=}"
PATH=$PATH:/usr/sbin:/sbin
failed=0

# sets            told by                 Debian                    Homebrew      what for
packages() {
	cat <<'END'
run               tool:cc                 gcc                       -             compiles the helpers
run               header:stdlib.h         libc6-dev                 -             compiles the helpers
run               header:curl/curl.h      libcurl4-openssl-dev      -             asks the registry whether it is ready
run               header:jansson.h        libjansson-dev            jansson       reads what engine and smolvm say
run               header:zlib.h           zlib1g-dev                -             checks the artifact's CRC32
run               header:openssl/sha.h    libssl-dev                openssl@3     makes digests
run               header:archive.h        libarchive-dev            libarchive    reads and writes layers
run               header:zstd.h           libzstd-dev               zstd          reads layers that are packed so
run               header:microhttpd.h     libmicrohttpd-dev         libmicrohttpd serves layers
run,check         tool:jq                 jq                        jq            reads the images file
engine            tool:docker             docker-cli|docker.io      docker        the engine's command line
engine            tool:dockerd            docker.io                 -             the engine
engine            tool:iptables           iptables                  -             the engine publishes ports by it
engine            certificates            ca-certificates           -             the engine pulls images over HTTPS
standin           tool:skopeo             skopeo                    skopeo        the stand-in for smolvm pulls by it
standin           tool:zstd               zstd                      zstd          the stand-in packs what it pulls by it
registry          tool:docker-registry    docker-registry           -             a registry where none can be pulled
registry,busybox  tool:busybox            busybox-static            -             what the images here are made of
check             header:cmocka.h         libcmocka-dev             cmocka        unit tests
check             tool:prove              perl                      perl          runs the tests
check             tool:umoci              umoci                     umoci         tests apply layers by it, to compare
check             tool:curl               curl                      -             tests talk to registries by it
check             tool:socat              socat                     socat         tests reach an engine by TCP through it
check             tool:strace             strace                    -             tests see by it what a hit reads
check             tool:valgrind           valgrind                  -             runs the unit tests once more
check             tool:ps                 procps                    -             tests look for what is left running
check             tool:ip                 iproute2                  -             the tests' own network
check             tool:setpriv            util-linux                -             the tests' own namespaces
check             tool:script             bsdutils                  -             tests run on a terminal of its making
check             tool:tmux               tmux                      tmux          tests look at a terminal of its making
check             tool:faketime           faketime                  -             tests set their clock by it
check             tool:mkfs.btrfs         btrfs-progs               -             tests need a disk that copies by reference
check             tool:zsh                zsh                       zsh           tests complete words in it
real              tool:qemu-system-x86_64 qemu-system-x86           -             emulates a machine that boots smolvm's
real              tool:depmod             kmod                      -             finds the modules of its kernel
real              tool:mkfs.ext4          e2fsprogs                 -             makes its disks
real,pypi         pip                     python3-pip               -             fetches smolvm's wheels
debian,real       tool:debootstrap        debootstrap               -             a Debian sid with a newer Docker, its qemu; a Debian to flatten
engines           tool:rootlesskit        rootlesskit               -             runs Docker without root
engines           tool:slirp4netns        slirp4netns               -             its network
engines           tool:newuidmap          uidmap                    -             its user IDs
check,engines     tool:podman             podman                    -             one of the engines
engines           tool:runc               runc                      -             podman starts containers by it
page              tool:chromium           chromium                  -             shows the report
page              tool:pngtopnm           netpbm                    -             reads what it shows
fuzz              tool:clang              clang                     llvm          fuzzes by libFuzzer
fuzz              fuzzer                  libclang-rt-dev           -             libFuzzer
lint              tool:shellcheck         shellcheck                shellcheck    lint
lint              tool:cppcheck           cppcheck                  cppcheck      lint
lint              tool:clang-tidy         clang-tidy                llvm          lint
lint              tool:mandoc             mandoc                    mandoc        lint
lint              tool:clang-format       clang-format              clang-format  lint
END
}

. "${0%/*}/answer.sh"
say() { answer "setup: $1"; }
fail() {
	printf 'setup: %s\n' "$@" >&2
	failed=1
}

# --- What is there
has() { # HOW-TO-TELL
	case $1 in
	tool:*) command -v "${1#*:}" ;;
	fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o /dev/null ;;
	pip) python3 -m pip --version ;;
	certificates) [ -s /etc/ssl/certs/ca-certificates.crt ] ;;
	header:*) printf '#include <stddef.h>\n#include <stdarg.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s>\n' "${1#*:}" |
		CPATH=$include cc -E - ;;
	esac >/dev/null 2>&1
}
within() { # SECONDS COMMAND...
	if command -v timeout >/dev/null 2>&1; then
		timeout -k 5 "$@"
	else
		perl -e 'alarm shift @ARGV; exec @ARGV' -- "$@"
	fi </dev/null
}
engine_answers() { within 20 "$DOCKER" version >/dev/null 2>&1; }
registry_image() { # whether there is one, or can be
	[ -n "$REGISTRY_IMAGE" ] || return
	within 20 "$DOCKER" image inspect "$REGISTRY_IMAGE" >/dev/null 2>&1 && return
	say "pull     $REGISTRY_IMAGE"
	within 90 "$DOCKER" pull "$REGISTRY_IMAGE" >/dev/null 2>&1
}

# --- Installing
system=$(uname)
include=
if [ "$system" = Darwin ] && command -v brew >/dev/null 2>&1; then
	manager=brew
	prefix=$(brew --prefix)
	include=$prefix/include:$prefix/opt/openssl@3/include:$prefix/opt/libarchive/include
elif command -v apt-get >/dev/null 2>&1; then
	manager=apt
else
	manager=none
fi
done=' ' # packages that have had their line
log=$(mktemp "${TMPDIR:-/tmp}/smolmake-setup.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		say "this needs root: $*"
		return 1
	fi
}

# of a|b the first that this release of the system has
candidate() { # NAME[|NAME...]
	case $1 in
	*'|'*)
		for name in $(echo "$1" | tr '|' ' '); do
			apt-cache show "$name" 2>/dev/null | grep -q '^Package:' && break
		done
		echo "$name"
		;;
	*) echo "$1" ;;
	esac
}

wanted() { # SETS-OF-THE-PACKAGE SET...
	of=,$1,
	shift
	for set; do
		case $of in *,$set,*) return ;; esac
	done
	return 1
}

install() { # SET...
	packages >"$log"
	# First what is missing, since names can only be chosen from an up-to-date list.
	lines='' lacking=no
	while read -r sets check debian brew purpose; do
		case $manager in brew) package=$brew ;; *) package=$debian ;; esac
		if [ "$package" = - ] && [ "$check" != tool:cc ]; then continue; fi
		wanted "$sets" "$@" || continue
		case $done in *" $package "*) continue ;; esac
		done="$done$package "
		has "$check" && state=ok || state=install lacking=yes
		lines="$lines$state $package $purpose
"
	done <"$log"
	[ $lacking$manager != yesapt ] || update

	missing='' shown=' '
	while read -r state package purpose; do
		package=$(candidate "$package")
		case $shown in *" $package "*) continue ;; esac
		# two lines may come to one package: what is missing of it counts
		case $state$lines in ok*"install $package "*) continue ;; esac
		shown="$shown$package "
		case $state-$package in
		ok-*) say "ok       $package" ;;
		install--) fail "missing  the C compiler: 'xcode-select --install' brings it" ;;
		install-*)
			say "install  $package: $purpose"
			missing="$missing $package"
			;;
		esac
	done <<END
$lines
END
	[ -n "$missing" ] || return 0

	case $manager in
	apt) install_apt "$missing" ;;
	brew)
		# shellcheck disable=SC2086 # a list of names
		brew install $missing >"$log" 2>&1
		;;
	none)
		fail "no apt-get and no Homebrew here: install these (Debian's names):$missing"
		return 1
		;;
	esac || {
		cat "$log" >&2
		fail "could not install:$missing"
		return 1
	}
}

updated=no
update() {
	[ $updated = no ] || return
	say 'update   the list of packages'
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update >"$log" 2>&1 || cat "$log" >&2
	updated=yes
}
install_apt() { # "PACKAGE..."
	# shellcheck disable=SC2086 # a list of names
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 \
		install $1 >"$log" 2>&1
}

# --- The engine
start_engine() {
	if [ "$DOCKER" != docker ]; then
		engine_answers || fail "DOCKER: '$DOCKER' does not answer; start it, or leave DOCKER unset"
		return
	fi
	case ${DOCKER_HOST-} in
	'' | unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
	*)
		engine_answers || fail "DOCKER_HOST: the engine at '$DOCKER_HOST' does not answer; start it, or unset DOCKER_HOST"
		return
		;;
	esac
	if engine_answers; then
		say 'ok       the engine answers'
	elif [ "$system" = Darwin ]; then
		fail "no engine answers; start Docker Desktop, OrbStack or Colima ('brew install colima && colima start')"
	elif ls /var/run/docker.sock >/dev/null 2>&1 && [ "$(id -u)" != 0 ] && pgrep -x dockerd >/dev/null 2>&1; then
		fail "the engine does not answer you; 'sudo usermod -aG docker $(id -un)', then log in again"
	elif [ "$(id -u)" != 0 ]; then
		fail "no engine answers; start it: 'sudo systemctl start docker', or 'sudo dockerd'"
	elif [ -d /run/systemd/system ]; then
		within 120 systemctl start docker >"$log" 2>&1
		engine_answers || { cat "$log" >&2 && fail "systemctl could not start docker; 'journalctl -u docker' says why"; return; }
		say 'started  docker, by systemctl; to stop it: systemctl stop docker docker.socket'
	else
		start_dockerd
	fi
}

start_dockerd() {
	dockerd_log=/var/log/smolmake-dockerd.log
	# nothing of make's goes into the daemon: its output, the jobserver's descriptors, its flags
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL setsid dockerd \
		</dev/null >>"$dockerd_log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	dockerd=$!
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
		engine_answers && break
		kill -0 $dockerd 2>/dev/null || break
		sleep 1
	done
	if engine_answers; then
		say "started  dockerd, process $dockerd, log in $dockerd_log; to stop it: kill $dockerd"
	else
		tail -n 20 "$dockerd_log" >&2
		fail "dockerd did not come up after $try s; its log: $dockerd_log"
	fi
}

# --- smolvm, which no package list has: from PyPI, where the user says so
get_smolvm() {
	how=${SETUP_SMOLVM-}
	if [ -z "$how" ] && [ "$SMOLVM" = smolvm ] && [ -t 0 ] && [ -t 2 ]; then
		printf "setup: smolvm is missing: install it from PyPI (smolmachines) into '%s'? [y/N] " "${PREFIX:-${HOME-}/.local}" >&2
		read -r answer
		case $answer in [yY]*) how=pypi ;; esac
	fi
	if [ "$how" != pypi ]; then
		say "missing  smolvm ('$SMOLVM'), by which images are packed: get it from https://github.com/smol-machines/smolvm/releases, or by: make setup SETUP_SMOLVM=pypi; or give SMOLVM=<path>"
		return
	fi
	install pypi || return
	if said=$("${0%/*}/get-smolvm.sh" 2>&1); then
		say "install  smolvm, as $said"
		case :$PATH:$said in
		*:"${said%/*}":*) ;;
		*:"$HOME/.local/bin/smolvm") say "note     make finds it there; for commands of your own, add '${said%/*}' to PATH" ;;
		*) say "note     '${said%/*}' is not in PATH: give SMOLVM=$said, or add it" ;;
		esac
	else
		fail "smolvm cannot be installed: $said"
	fi
}
end() {
	if [ -n "$packer" ] && ! command -v -- "$SMOLVM" >/dev/null 2>&1; then
		get_smolvm
	fi
	finish $failed
}

case ${SETUP_SMOLVM-} in
'' | pypi) ;;
*) say "SETUP_SMOLVM: '$SETUP_SMOLVM' is not known; give SETUP_SMOLVM=pypi, or none" && exit 1 ;;
esac

# --- The goals
private() { [ "$system$(id -u)" = Linux0 ] && [ "${ENGINE-}" != current ]; } # check brings an engine of its own
[ $# -gt 0 ] || set -- smolmachine
sets='' engine='' demo='' packer=''
for goal; do
	case $goal in
	lint) sets="$sets run lint" ;;
	check-fuzz) sets="$sets run fuzz" ;;
	check-page) sets="$sets run page" ;;
	check-real | check-core) sets="$sets run engine busybox registry real" ;;
	check-engines) sets="$sets run engine standin registry busybox check debian engines" ;;
	check | check-* | bench)
		sets="$sets run engine standin registry busybox check"
		[ "$goal" != check-crate ] || sets="$sets pypi"
		[ "$goal" != check-long ] || sets="$sets debian"
		private || engine=yes
		;;
	demo)
		sets="$sets run engine busybox"
		engine=yes demo=yes packer=yes
		command -v "$SMOLVM" >/dev/null 2>&1 || sets="$sets standin"
		;;
	*)
		sets="$sets run engine"
		engine=yes
		[ "$goal" = image-id ] || packer=yes
		;;
	esac
done
# an engine that answers, or another than docker, needs none of ours; a private one always does
if [ -n "$engine" ] && { [ "$DOCKER" != docker ] || engine_answers; }; then
	case " $* " in
	*' check'* | *' bench '*) private || sets=$(echo "$sets" | sed 's/engine//g') ;;
	*) sets=$(echo "$sets" | sed 's/engine//g') ;;
	esac
fi
# shellcheck disable=SC2086 # a list of names
install $sets || end
if [ -n "$engine" ]; then
	start_engine
	[ $failed = 0 ] || end
	if [ -z "$REGISTRY_IMAGE" ]; then
		: # none is named, and none needed
	elif registry_image; then
		say "ok       $REGISTRY_IMAGE"
	elif [ -n "$demo" ] && [ "$system" = Linux ]; then
		say 'missing  the registry image, which cannot be pulled here: the demo wraps the registry of this system'
		install registry || end
	else
		say "missing  the registry image, which cannot be pulled now; the first pack will need it, or REGISTRY_IMAGE naming another"
	fi
fi
end
