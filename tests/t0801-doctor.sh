#!/bin/sh
# make doctor: one line a thing, the remedy where one is needed, 1 if something needed is missing; no line takes for ever. On a
# made-up machine: PATH holds stand-ins and the small tools that the script itself uses, /dev is made of files.
. "$(dirname "$0")/lib.sh"
need_private
unset DOCKER_HOST SMOLVM

bin=$tmp/bin
named=registry@sha256:$(printf x | sha256sum | cut -c1-64) # REGISTRY_IMAGE
fake() { fake_program "$bin/$1" "$2"; } # TOOL SCRIPT-TEXT
machine() { # with nothing wrong
	rm -rf "$bin" "${tmp:?}/dev"
	mkdir -p "$bin" "$tmp/empty" "$tmp/dev"
	mknod "$tmp/dev/null" c 1 3
	: >"$tmp/dev/kvm"
	borrow_tools "$bin" sh cat tr cut sed grep mktemp rm timeout sleep id uname df awk tail head
	fake cc 'case $* in *--version*) echo "cc (System 1) 2.3" ;; esac'
	fake jq 'echo jq-9'
	fake smolvm 'echo smolvm 1.17.0'
	fake docker 'case $1 in
		version) echo 20.10.24 ;;
		context) echo unix:///var/run/docker.sock ;;
		image) echo sha256:x ;;
		info) echo /nowhere-to-be-seen ;;
		--version) echo Docker version 20.10.24 ;;
		*) exit 1 ;;
		esac'
	fake df 'echo header; echo x x x 9999999 x /'
}
doctor() {
	MAKE_VERSION=4.3 REGISTRY_IMAGE=$named unshare -m sh -euc \
		'mount --bind "$0/empty" /usr/sbin && mount --bind "$0/dev" /dev && PATH=$0/bin && exec "$@"' "$tmp" "$top/mk/doctor.sh" \
		>"$out" 2>"$err"
	rc=$?
	return "$rc"
}
of_here='^warn  (memory|open files): ' # what the machine that runs this may lack
bad() { grep -vE '^(ok|skip)  |^(not )?ready: ' "$out"; } # what it has to say
verdict() { tail -n 1 "$out"; }

machine
ok 'a fit machine' doctor
is '... has nothing to mend' "$(bad | grep -vE "$of_here")" ''
is '... in one line a thing' "$(sed -n 's/^\(ok\|skip\|warn\)  *\([^:]*\): .*/\2/p' "$out" | grep -vx 'open files' | tr '\n' ',')" \
	"smolmake,GNU Make,C compiler,libcurl,jansson,zlib,OpenSSL,libarchive,zstd,libmicrohttpd,jq,settings,CACHE_DIR,engine,engine is local,buildx,the engine's disk,registry image,smolvm,packing,memory,/dev/kvm,"
is '... what it could not look at is said' "$(grep '^skip' "$out")" "skip  the engine's disk: not looked at: '/nowhere-to-be-seen' is not to be seen from here"
like '... and the verdict stands last' "$(verdict)" '^ready: smolvm packs images here(, 1 warning)?$'
like '... a machine that smolvm packs needs KVM' "$(cat "$out")" '^ok    packing: by smolvm, which needs KVM for it: a native pack is proved for smolvm [0-9., and]*, not for smolvm 1\.17\.0$'
like '... with the facts' "$(cat "$out")" "^ok    smolvm: smolvm 1\\.17\\.0, '$bin/smolvm'; make check-real has "
is '... and nothing else' "$(cat "$err")" ''
is '... and it leaves nothing' "$(ls "$TMPDIR")$(ls -A "$CACHE_DIR" 2>/dev/null)" ''

sick() { # DESCRIPTION LINE-PATTERN: doctor fails, with that one line
	must_fail "$1" doctor
	like '... is named, with the remedy' "$(bad)" "^FAIL  $2"
	is '... and nothing else is' "$(bad | grep -vcE "$of_here")" 1
	like '... and counted' "$(verdict)" '^not ready: 1 fault(, [0-9] warnings?)?$'
}
machine && rm "$bin/jq"
sick 'no jq' 'jq: is not there; make setup$'
machine && rm "$bin/smolvm"
sick 'no smolvm' "smolvm: SMOLVM: 'smolvm' is not there; install it from .*, or by make setup SETUP_SMOLVM=pypi, or give SMOLVM=path\$"
mkdir -p "$HOME/.local/bin" && fake_program "$HOME/.local/bin/smolvm" 'echo smolvm 1.17.0'
ok 'one that setup has installed, though PATH does not lead there' doctor
like '... is found' "$(cat "$out")" "^ok    smolvm: smolvm 1\\.17\\.0, '$HOME/.local/bin/smolvm';"
rm "$HOME/.local/bin/smolvm"
machine && fake smolvm 'echo cannot load library; exit 127'
sick 'a broken smolvm' "smolvm: .* fails: cannot load library; install it anew\$"
machine && fake smolvm 'exit 3'
sick 'a smolvm that fails without a word' "smolvm: .* fails: it ended with 3 and said nothing; install it anew\$"
machine && fake docker 'exit 1'
must_fail 'an engine that fails without a word' doctor
like '... is told by its status' "$(cat "$out")" '^FAIL  engine: does not answer: it ended with 1 and said nothing; '
machine && rm "$tmp/dev/kvm"
sick 'no KVM' '/dev/kvm: is not there; .*(modprobe kvm|--device /dev/kvm)$'
machine
# shellcheck disable=SC3045 # dash and bash have it
few_files() { (ulimit -Sn 1024 && ulimit -Hn 4096 && doctor); }
ok 'a limit of 4096 open files' few_files
like '... is a warning' "$(bad | grep '^warn  open files')" '^warn  open files: at most 4096: under smolvm, .*; raise the hard limit'
# shellcheck disable=SC3045
many_files() { (ulimit -Hn 65536 && doctor); }
# shellcheck disable=SC3045
if (ulimit -Hn 65536) 2>/dev/null; then
	ok 'one of 65536' many_files
	is '... is none' "$(bad | grep '^warn  open files')" ''
else
	skip_kernel 'one of 65536' 'the limit cannot be raised'
fi
must "$top/tests/fake/parts.sh" "$tmp/parts"
machine && fake smolvm "
parts='$tmp/parts'
echo smolvm 1.32.2"
ok 'a smolvm whose parts we pack of' doctor
like '... needs no KVM for it' "$(cat "$out")" '^ok    packing: needs no KVM'
rm "$tmp/dev/kvm"
ok '... so that its absence is no fault' doctor
like '... but a warning: nothing boots here' "$(bad)" '^warn  /dev/kvm: is not there: machines are packed here, and boot elsewhere; to boot them here: '
like '... as the verdict says' "$(verdict)" '^ready: images are packed here without KVM, and boot elsewhere, 1 warning$'
machine && fake cc 'case $1 in -E) ! grep -q jansson "$4" ;; esac'
sick 'a missing header' 'jansson: no <jansson.h>; make setup$'
machine && fake cc 'case $* in *-std=*) echo no disk >&2; exit 1 ;; esac'
sick 'a compiler that compiles nothing' "C compiler: 'cc' compiles nothing: no disk; make setup\$"
machine && fake df 'echo header; echo x x x 1000 x /'
sick 'a full disk' 'CACHE_DIR: 0 MiB free at .*; .*CACHE_DIR=folder$'
machine && export CACHE_DIR="$bin/jq/x"
sick 'a folder that cannot be written to' "CACHE_DIR: .*/jq/x' .*; give a CACHE_DIR that can be written\$"
export CACHE_DIR="$tmp/cache dir"
machine && fake docker 'case $1 in image|manifest) exit 1 ;; version) echo 1 ;; context) echo unix:///x ;; esac'
sick 'no registry image' 'registry image: neither here nor to be pulled: registry@sha256:.*; docker load .*REGISTRY_IMAGE='
machine && fake docker 'case $1 in version) echo 20 ;; context) echo tcp://build.example:2375 ;; esac'
sick 'a remote engine' "engine is local: 'tcp://build.example:2375' is not this machine, so nothing can be pushed here; .*unset DOCKER_HOST"
named=''
ok '... but no fault where nothing is pushed' doctor
like '... which is said' "$(bad)" "^warn  engine is local: .*nothing can be pushed here; leave ROUTE"
export ROUTE=push
must_fail '... unless that is asked for' doctor
machine
for host in 127.0.0.1:2375 :2375 tcp:// tcp://:2375 tcp://LOCALHOST:2375 ' tcp://127.0.0.1:2375/ ' 'tcp://[::1]:2375' '[::ffff:127.0.0.1]:1' '[0:0:0:0:0:0:0:1]:1' '[0::0001]' '[::]:1' '[0:0::FFFF:7f00:1]:1' 127.255.9.10 0.0.0.0:1 unix:// ' unix:///x
'; do
	export DOCKER_HOST="$host"
	ok "DOCKER_HOST='$host' is this machine's" doctor
done
for host in tcp://127.example.com:2375 127.0.0.1.example.com tcp://localhost.example.com 'tcp://[2001:db8::1]:1' tcp://127.1:1 127.999.0.1:1 127.0.0.01 0.0.0.1 '[::2]:1' '[::11]' '[::ffff:8f00:1]' '[1::1]:1' '[::ffff:128.0.0.1]:1' ssh://127.0.0.1 http://127.0.0.1:1; do
	export DOCKER_HOST="$host"
	sick "DOCKER_HOST='$host' is not" "engine is local: '.*' is not this machine"
done
unset ROUTE DOCKER_HOST
named=registry:2

machine && fake docker 'echo Cannot connect; echo "is it running?"; exit 1'
must_fail 'an engine that does not answer' doctor
like '... is named, with the remedy' "$(bad)" "^FAIL  engine: does not answer: Cannot connect is it running\\?; 'make setup' starts it"
machine && rm "$bin/docker"
must_fail 'no engine' doctor
like '... is named, with the remedy' "$(bad)" "^FAIL  engine: DOCKER: 'docker' is not there; make setup\$"
machine && rm "$bin/cc"
must_fail 'no compiler' doctor
like '... is named, with the remedy' "$(bad)" "^FAIL  C compiler: 'cc' is not there; make setup\$"

machine && fake docker 'case $1 in version) echo 20 ;; context) echo unix:///x ;; image) exit 1 ;; esac'
ok 'a registry image that is not here but can be pulled' doctor
like '... is no fault' "$(cat "$out")" '^ok    registry image: not here yet, can be pulled$'
machine && fake df 'echo header; echo x x x 2000000 x /'
ok 'little room' doctor
like '... is a warning' "$(bad)" '^warn  CACHE_DIR: only 1953 MiB'
ok 'without MAKE_VERSION it asks' env PATH="$bin:$PATH" sh -c "fake=1; '$top/mk/doctor.sh' | grep -q '^ok    GNU Make: [4-9]'"

# a program that never answers; the sleeps go with it
machine && fake smolvm 'exec sleep 300'
start=$(date +%s)
must_fail 'a smolvm that hangs' doctor
like '... is said to' "$(bad)" 'no answer in 10 s'
ok '... within its deadline' test $(($(date +%s) - start)) -lt 20

# What a run would refuse is asked of its own programs.
machine && mkdir "$tmp/open" && chmod 777 "$tmp/open" && export CACHE_DIR="$tmp/open"
sick 'a folder that everybody can write to' "CACHE_DIR: everybody can write to '$tmp/open'; run .chmod o-w"
export CACHE_DIR="$tmp/cache dir"
for wrong in ROUTE=sideways MEM=lots CPUS=0 PACK=maybe PLATFORM=x SQUASH=2 STORE_MAX=1X BUILD_TIMEOUT=soon IMAGE=UPPER REGISTRY_HOST=example.com CACHE_MAX=0; do
	machine && export "${wrong?}"
	sick "$wrong" "${wrong%%=*}: .*${wrong#*=}.*; give |${wrong%%=*}: '${wrong#*=}' is n(ot|either)"
	unset "${wrong%%=*}"
done
ok 'after all that nothing is made' test ! -e "$CACHE_DIR"

machine && export CC='cc -pipe'
ok 'a compiler with flags' doctor
is '... is one that is there' "$(bad | grep -vE "$of_here")" ''
export CC='clang -pipe'
sick 'another one that is missing' "C compiler: 'clang -pipe' is not there; install it, or leave CC out\$"
unset CC
machine && export DOCKER=podman
must_fail 'another engine that is missing' doctor
like '... is not what setup installs' "$(bad)" "^FAIL  engine: DOCKER: 'podman' is not there; install it, or leave DOCKER out\$"
unset DOCKER
machine && export SMOLVM_EGRESS_FLOOR=strict
sick 'a loopback that is closed to smolvm' 'loopback: SMOLVM_EGRESS_FLOOR=strict keeps smolvm from the registry on 127.0.0.1; unset it for make, or set it to metadata$'
unset SMOLVM_EGRESS_FLOOR
export SMOLVM_PUBLISH_ADDR=10.0.0.1
sick '... by another name' 'loopback: with SMOLVM_PUBLISH_ADDR set, .*; unset it for make$'
unset SMOLVM_PUBLISH_ADDR
machine && fake docker 'case $1 in version) echo 28.1 ;; context) echo unix:///x ;; image) echo sha256:x ;; info) echo "'"$tmp"'" ;; esac; [ $1 != buildx ]'
ok 'Docker without buildx' doctor
like '... is a warning from 23 on' "$(bad)" '^warn  buildx: is not there, .*; install docker-buildx'
like "... the engine's disk is looked at where it can be seen" "$(cat "$out")" "^ok    the engine's disk: [0-9]* MiB free at '$tmp'\$"
machine && mkdir -p "$tmp/noexec"
ok 'a CACHE_DIR where no program runs' unshare -m sh -c 'mount -t tmpfs -o noexec none "$1" && cd "$2" && PATH="$3:$PATH" CACHE_DIR=$1 mk/doctor.sh >"$4"; :' sh "$tmp/noexec" "$top" "$bin" "$out"
like '... is a warning' "$(bad)" "^warn  launchers: '$tmp/noexec' is on a file system where no program runs"

machine && export DOCTOR=json
must_fail 'DOCTOR=json, with a quote in what it has to say' env CC="$(printf 'no"such\134')" sh -c 'PATH="$1:$PATH" "$2/mk/doctor.sh" >"$3"' sh "$bin" "$top" "$out"
is '... is JSON' "$(jq -r '.checks[] | select(.thing == "C compiler") | .state, .fact' "$out" | tr '\n' '|')" "FAIL|'no\"such\\' is not there|"
is '... with the verdict' "$(jq -r '.ready, (.verdict | .[:9])' "$out" | tr '\n' '|')" 'false|not ready|'
export DOCTOR=xml
must_fail 'another form is refused' doctor
is '... in one line' "$(cat "$err")" "error: DOCTOR: 'xml' is not json; leave DOCTOR out for lines"
unset DOCTOR

# through make: the settings get there, and odd ones stay text
must_fail 'as a goal' run_make doctor 'SMOLVM=/no/such;touch '"$tmp/pwned"
like '... with its settings' "$(cat "$out")" "^FAIL  smolvm: SMOLVM: '/no/such;touch"
ok '... which are not run' test ! -e "$tmp/pwned"
done_testing
