#!/bin/sh
# make setup: installs what the goals need and the machine lacks, once, and nothing else. On machines that are made up: PATH
# holds only stand-ins for apt-get, brew, docker and cc, and the small tools that the script itself uses.
# shellcheck disable=SC2086,SC2119,SC2120 # lists are words
. "$(dirname "$0")/lib.sh"
need_private
unset DOCKER_HOST SMOLVM

bin=$tmp/bin
fake() { fake_program "$bin/$1" "$2"; } # TOOL SCRIPT-TEXT
# A machine with nothing. What is installed there is a file in bin (a tool) or in headers.
machine() { # Debian|Darwin|Other UID
	rm -rf "$bin" "$tmp/headers" "$tmp"/*.log "$tmp/up" "$tmp/image" "$tmp/online"
	mkdir -p "$bin" "$tmp/headers"
	: >"$tmp/apt.log"
	: >"$tmp/docker.log"
	borrow_tools "$bin" sh env cat tr cut sed grep mktemp rm timeout sleep tail ls perl mkdir rmdir cp touch chmod setsid mv
	echo "$1" >"$tmp/kind"
	case $1 in Darwin) fake uname 'echo Darwin' ;; *) fake uname 'echo Linux' ;; esac
	fake id "case \$1 in -un) echo me ;; *) echo $2 ;; esac"
	case $1 in
	Debian)
		fake apt-cache "[ \"\$2\" = docker-cli ] && [ ! -e '$tmp/trixie' ] || echo \"Package: \$2\""
		fake apt-get "echo \"\$*\" >>'$tmp/apt.log'
			case \$* in *install*) ;; *) exit ;; esac
			[ ! -e '$tmp/broken' ] || { echo 'E: Unable to locate package' >&2 && exit 100; }
			. '$tmp/provides'; for package; do provide \"\$package\"; done"
		;;
	Darwin)
		fake brew "case \$1 in --prefix) echo '$tmp/brew' ;; install) echo \"\$*\" >>'$tmp/apt.log'
			. '$tmp/provides'; shift; for package; do provide \"\$package\"; done ;; esac"
		;;
	esac
}
# what a package brings
cat >"$tmp/provides" <<END
bin=$bin headers=$tmp/headers
put() { chmod +x "\$1" && mv -f "\$1" "\$bin/\$2"; }
tool() { for t; do printf '#!/bin/sh\n' >"\$bin/.new"; put "\$bin/.new" "\$t"; done; }
copy() { cp "\$1" "\$bin/.new" && put "\$bin/.new" "\$2"; }
header() { mkdir -p "\$headers/\$1"; rmdir "\$headers/\$1"; : >"\$headers/\$1"; }
provide() {
	case \$1 in
	gcc) copy '$tmp/cc' cc ;;
	libc6-dev) header stdlib.h ;;
	libcurl4-openssl-dev) header curl/curl.h ;;
	libjansson-dev | jansson) header jansson.h ;;
	libmicrohttpd-dev | libmicrohttpd) header microhttpd.h ;;
	zlib1g-dev | zlib) header zlib.h ;;
	libarchive-dev | libarchive) header archive.h ;;
	libzstd-dev) header zstd.h ;;
	zstd) header zstd.h; tool zstd ;;
	libssl-dev | openssl@3) header openssl/sha.h ;;
	libcmocka-dev | cmocka) header cmocka.h ;;
	docker.io) copy '$tmp/dockerd' dockerd; tool iptables; copy '$tmp/docker' docker ;;
	docker-cli | docker) copy '$tmp/docker' docker ;;
	bsdutils) tool script ;;
	busybox-static) tool busybox ;;
	perl) tool prove ;;
	procps) tool ps ;;
	iproute2) tool ip ;;
	util-linux) tool setpriv ;;
	btrfs-progs) tool mkfs.btrfs ;;
	llvm) tool clang-tidy ;;
	jq | curl | podman | umoci | faketime | socat | strace | tmux | zsh | mandoc | skopeo | docker-registry | iptables | valgrind | shellcheck | cppcheck | clang-tidy | clang-format) tool "\$1" ;;
	esac
}
END
cat >"$tmp/cc" <<END
#!/bin/sh
while read -r _ header; do
	header=\${header#<} header=\${header%>}
	case \$header in stddef.h | stdarg.h | stdint.h | setjmp.h) continue ;; esac
	[ -e "$tmp/headers/\$header" ] || exit 1
done
END
cat >"$tmp/docker" <<END
#!/bin/sh
echo "\$*" >>'$tmp/docker.log'
[ -e '$tmp/up' ] || exit 1
case \$1-\$2 in
version-*) ;;
image-inspect) [ -e '$tmp/image' ] ;;
pull-*) [ -e '$tmp/online' ] ;;
*) exit 1 ;;
esac
END
cat >"$tmp/dockerd" <<END
#!/bin/sh
echo dockerd is up
touch '$tmp/up'
exec sleep 300
END
chmod +x "$tmp/cc" "$tmp/docker" "$tmp/dockerd"

# The made-up machine: no tools of the real one, and dockerd's log does not go to the real one's folder.
mkdir -p "$tmp/log" "$tmp/empty" "$tmp/certs"
echo certificate >"$tmp/certs/ca-certificates.crt"
on_machine() { # COMMAND...
	unshare -m sh -euc 'mount --bind "$0/log" /var/log && mount --bind "$0/empty" /usr/sbin
		mkdir -p /etc/ssl/certs && mount --bind "$0/certs" /etc/ssl/certs
		PATH=$0/bin && exec "$@"' "$tmp" "$@"
}
setup() { # GOAL...
	REGISTRY_IMAGE=registry@sha256:x on_machine "$top/mk/setup.sh" "$@" >"$out" 2>"$err"
	rc=$?
	return "$rc"
}
packages() { sed -n 's/^setup: install  \([^:]*\):.*/\1/p' "$out" | sort | xargs; }
installed() { sed -n 's/^.* install //p' "$tmp/apt.log" | tr ' ' '\n' | sort | xargs; }

topic 'Debian'
user='gcc jq libarchive-dev libc6-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev libssl-dev libzstd-dev zlib1g-dev'
list() { echo "$@" | tr ' ' '\n' | sort | xargs; }

machine Debian 0
touch "$tmp/online"
exec 3>"$tmp/three" # as a jobserver has
export MAKEFLAGS=k MAKELEVEL=1
ok 'on a bare Debian it installs' setup
exec 3>&-
unset MAKEFLAGS MAKELEVEL
is '... what a user needs, one line a package' "$(packages)" "$(list $user docker.io iptables)"
is '... and tells apt each name once' "$(installed)" "$(list $user docker.io iptables)"
like '... starts the engine' "$(cat "$out")" '^setup: started  dockerd, process [0-9]+, log in .*; to stop it: kill [0-9]+$'
like '... and says in the end that smolvm is missing, and how to get it' "$(tail -n 1 "$out")" \
	"^setup: missing  smolvm \\('smolvm'\\), .*: get it from https://github.com/smol-machines/smolvm/releases, or by: make setup SETUP_SMOLVM=pypi; or give SMOLVM=<path>\$"
pid=$(sed -n 's/.*to stop it: kill //p' "$out")
ok '... which runs' alive "$pid"
unlike "... without our descriptors" "$(cd "/proc/$pid/fd" && echo *)" "(^| )[3-9]( |$)"
unlike '... or flags' "$(tr '\0' '\n' <"/proc/$pid/environ")" '^MAKE'
is '... with its log where it says' "$(cat "$tmp/log/smolmake-dockerd.log")" 'dockerd is up'
like '... and pulls the registry image' "$(cat "$tmp/docker.log")" '^pull registry@sha256:x$'

: >"$tmp/apt.log"
touch "$tmp/image"
ok 'a second time' setup
is '... it installs nothing' "$(packages)$(cat "$tmp/apt.log")" ''
unlike '... and starts nothing' "$(cat "$out")" started
is '... with one line a package' "$(grep -c "^setup: ok       " "$out")" 12
kill "$pid"

machine Debian 0
touch "$tmp/up" "$tmp/image"
cp "$tmp/docker" "$bin/docker"
ok 'where an engine answers' setup smolmachine
is '... it installs none' "$(packages)" "$(list $user)"
like '... and says so' "$(cat "$out")" '^setup: ok       the engine answers$'
for goal in lint check demo bench; do
	machine Debian 0
	touch "$tmp/up" "$tmp/image"
	cp "$tmp/docker" "$bin/docker"
	ok "for $goal" setup $goal
	case $goal in
	lint) more='clang-format clang-tidy cppcheck mandoc shellcheck' ;;
	demo) more='busybox-static skopeo zstd' ;; # no smolvm here; the registry image is
	*) more='bsdutils btrfs-progs busybox-static curl docker-registry docker.io faketime iproute2 iptables libcmocka-dev perl podman procps skopeo socat strace tmux umoci util-linux valgrind zsh zstd' ;;
	esac
	is '... what that needs besides' "$(packages)" "$(list $user $more)"
	case $goal in
	demo) like '... and in the end that smolvm is missing' "$(tail -n 1 "$out")" "^setup: missing  smolvm" ;;
	*) unlike '... and not a word of smolvm' "$(cat "$out")" 'missing  smolvm' ;;
	esac
done

machine Debian 0
touch "$tmp/up"
cp "$tmp/docker" "$bin/docker"
ok 'the demo where the registry image cannot be had' setup demo
is '... gets one to wrap' "$(packages)" "$(list $user busybox-static skopeo zstd docker-registry)"
fake smolvm :
machine Debian 0
touch "$tmp/up" "$tmp/image"
cp "$tmp/docker" "$bin/docker"
fake smolvm :
ok 'the demo beside a real smolvm' setup demo
unlike '... which is not said to be missing' "$(cat "$out")" 'missing  smolvm'
is '... needs no skopeo' "$(packages)" "$(list $user busybox-static)"

machine Debian 0
cp "$tmp/docker" "$bin/docker"
touch "$tmp/broken"
must_fail 'where setup fails' setup smolmachine
like '... it ends with that too' "$(tail -n 1 "$out")" '^setup: missing  smolvm'
rm "$tmp/broken"

machine Debian 0
ok 'check as root needs no engine that runs' setup check
is '... only one that is installed' "$(installed)" \
	"$(list $user docker.io iptables bsdutils btrfs-progs busybox-static curl docker-registry faketime iproute2 libcmocka-dev perl podman procps skopeo socat strace tmux umoci util-linux valgrind zsh zstd)"
ok '... a second time' setup check
is '... with one line a package' "$(sed -n "s/^setup: ok  *//p" "$out" | sort | uniq -d)" ""
is '... and no other' "$(grep -v "^setup: ok " "$out")" ""
unlike '... and starts none' "$(cat "$out")" started

machine Debian 0
touch "$tmp/trixie"
ok 'where the command line is a package of its own' setup check
like '... that is installed' "$(installed)" 'docker-cli docker-registry docker.io'
rm "$tmp/trixie"

machine Debian 0
touch "$tmp/broken"
must_fail 'a failing apt-get' setup lint
like '... is shown' "$(cat "$err")" 'E: Unable to locate package'
like '... and what could not be installed is named' "$(cat "$err")" '^setup: could not install:.* shellcheck'
rm "$tmp/broken"

machine Debian 1000
must_fail 'no root and no sudo' setup lint
like '... says that root is needed' "$(cat "$out" "$err")" 'needs root'
fake sudo 'echo sudo >>"'"$tmp"'/sudo.log"; exec "$@"'
ok 'with sudo' setup lint
ok '... that is used' test -s "$tmp/sudo.log"
must_fail 'a user without an engine' setup
like '... is told how to start it' "$(cat "$err")" '^setup: no engine answers; start it: .sudo systemctl start docker'
touch "$tmp/up"
ok 'the engine started' setup
rm "$tmp/up"
export DOCKER_HOST=tcp://192.0.2.1:1
must_fail 'DOCKER_HOST with nobody behind it' setup
like '... is named' "$(cat "$err")" '^setup: DOCKER_HOST: .*192.0.2.1'
unset DOCKER_HOST

topic 'macOS, and elsewhere'
machine Darwin 501
must_fail 'a bare Mac' setup
like '... needs the compiler first' "$(cat "$err")" "^setup: missing  the C compiler: 'xcode-select --install'"
cp "$tmp/cc" "$bin/cc"
mkdir "$tmp/headers/curl"
touch "$tmp/headers/stdlib.h" "$tmp/headers/zlib.h" "$tmp/headers/curl/curl.h" # the SDK's
setup
is '... brings the rest' "$(sed -n 's/^install //p' "$tmp/apt.log" | tr ' ' '\n' | sort | xargs)" 'docker jansson jq libarchive libmicrohttpd openssl@3 zstd'
must_fail '... and no engine, which it cannot start' setup
like '... but names' "$(cat "$err")" '^setup: no engine answers; start Docker Desktop, OrbStack or Colima'
touch "$tmp/up" "$tmp/image"
ok 'then all is there' setup

machine Other 0
must_fail 'elsewhere' setup lint
like '... the packages are named' "$(cat "$err")" '^setup: no apt-get and no Homebrew here: install these .*: gcc .*jq .*clang-format'

topic 'The list is whole: whatever a source includes comes from a package of it'
need cc dpkg
cc -D_GNU_SOURCE -I"$top/helpers" -M "$top"/helpers/*.c "$top"/helpers/*/*.c "$top"/tests/*/*.c | tr ' ' '\n' | grep '^/usr/' | sort -u |
	xargs dpkg -S 2>/dev/null | sed 's/[:,].*//' | sort -u | grep -vE '^(linux-libc-dev|libgcc-[0-9]+-dev)$' >"$tmp/used"
while read -r package; do
	ok "$package, which a source needs, is in the list" grep -q " $package " "$top/mk/setup.sh"
done <"$tmp/used"

done_testing
