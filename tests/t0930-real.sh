#!/bin/sh
# t0930-real: check-real asked for what it cannot do: one line, with the remedy, before anything starts. And the stand-in for
# smolvm beside what was recorded of the real one (tests/real/recorded, by `make check-real RECORD=1`).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/sidecar.sh
. "$top/tests/sidecar.sh"
need jq skopeo zstd docker-registry

topic 'What check-real refuses'
here=$tmp/checkout
mkdir -p "$here/tests" "$tmp/bin" "$here/cache/tests"
mkdir -p "$here/mk"
cp "$top/mk/wheel.sh" "$here/mk/"
cp -r "$top/tests/real" "$here/tests/"
borrow_tools "$tmp/bin" sh awk grep mkdir mktemp rm cat sed tail xargs uname ls mv cp chmod
real() { # VARIABLE=VALUE...
	env PATH="$tmp/bin" "$@" sh "$here/tests/real/run" >"$out" 2>"$err"
}
refused() { # WHAT ERE VARIABLE=VALUE...
	_what=$1 _why=$2
	shift 2
	must_fail "$_what" real "$@"
	like '... is refused, with the remedy' "$(cat "$err")" "^check-real: $_why"
	is '... in one line, and nothing is tried' "$(wc -l <"$err")$(cat "$out")" 1
}
refused 'a version that there is not' "VERSIONS: '1.99' is not known; give some of: 1\\.4\\.5 .*1\\.32\\.2\$" VERSIONS='1.32.2 1.99'
refused 'a version that is a pattern' "VERSIONS: '1.3.*' is not known; " VERSIONS='1.3.*'
refused 'a cell that there is not' "CELLS: 'dirct' is not known; give some of: .*direct" CELLS='push dirct'
refused 'no qemu' 'qemu-system-x86_64 is missing; run: make setup check-real$' VERSIONS=1.32.2
fake_program "$tmp/bin/qemu-system-x86_64" exit
for tool in depmod modprobe busybox mkfs.ext4; do fake_program "$tmp/bin/$tool" exit; done
fake_program "$tmp/bin/dockerd" exit
fake_program "$tmp/bin/uname" 'echo aarch64'
refused 'another processor' 'the wheels and the kernel are for x86_64' VERSIONS=1.32.2
fake_program "$tmp/bin/uname" 'echo x86_64'
refused 'no apt-get' "the kernel comes from Debian's linux-image-amd64, and there is no apt-get here\$" VERSIONS=1.32.2
fake_program "$tmp/bin/apt-get" exit
fake_program "$tmp/bin/apt-cache" exit
refused 'an apt that knows no kernel' 'apt knows no linux-image-amd64; run: apt-get update$' VERSIONS=1.32.2
mkdir -p "$here/cache/real/linux"
fake_program "$tmp/bin/python3" 'exit 1'
refused 'no pip' 'pip is missing; Debian: apt-get install python3-pip$' VERSIONS=1.32.2
fake_program "$tmp/bin/timeout" 'shift; exec "$@"'
fake_program "$tmp/bin/python3" 'case $* in *--version*) ;; *) echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"; exit 1 ;; esac'
refused 'a wheel with another hash' 'the wheel of smolmachines 1\.32\.2 is not the one whose SHA-256 is known here; it is not used$' VERSIONS=1.32.2
fake_program "$tmp/bin/python3" 'case $* in *--version*) ;; *) echo "WARNING: retrying"; echo "ERROR: No matching distribution"; exit 1 ;; esac'
refused 'a network that is not there' 'pip cannot download smolmachines 1\.32\.2: ERROR: No matching distribution$' VERSIONS=1.32.2
is 'nothing half stays of all that' "$(ls "$here/cache/real")" linux

topic 'The table of results: what was run now, in the place of what was there, with its time'
cat >"$tmp/table" <<'END'
Text.
| smolvm | run | direct | push | boot |
|---|---|---|---|---|
| 1.9.1 | A, 1; push: B, 2 | 1 s | 2 s | FAIL |
| 1.32.2 | A, 1 | 1 s | 2 s | - |
Text.
END
rows() { # RESULT...
	printf '%s\n' "$@" >"$tmp/results"
	awk -v cells='direct push boot' -v known='1.9.1 1.17.0 1.32.2' -v when='C, 3' -f "$top/tests/real/table.awk" "$tmp/table" "$tmp/results" | sed 1,2d
}
is 'a cell' "$(rows '1.9.1 boot ok 7')" '| 1.9.1 | A, 1; push: B, 2; boot: C, 3 | 1 s | 2 s | 7 s |
| 1.32.2 | A, 1 | 1 s | 2 s | - |'
is 'most of a row, and a version that is new' "$(rows '1.9.1 direct ok 7' '1.9.1 boot skip 0' '1.17.0 push FAIL 9')" \
	'| 1.9.1 | C, 3; push: B, 2 | 7 s | 2 s | skip |
| 1.17.0 | C, 3 | - | FAIL | - |
| 1.32.2 | A, 1 | 1 s | 2 s | - |'
is 'a whole row' "$(rows '1.32.2 push ok 7' '1.32.2 direct ok 7' '1.32.2 boot ok 7' | tail -n 1)" '| 1.32.2 | C, 3 | 7 s | 7 s | 7 s |'

topic 'The real smolvm as a command of this host, asked in vain, and what it hands to its machine'
# A machine that is not there, but answers as tests/real/guest/serve.sh does, with what it was asked.
export REAL_JOB="$tmp/job"
mkdir -p "$REAL_JOB/calls" "$tmp/it's here"
echo 1.32.2 >"$REAL_JOB/version"
echo 'Kernel panic' >"$REAL_JOB/console"
sleep 600 &
alive=$!
echo $alive >"$REAL_JOB/pid"
cat >"$tmp/asked" <<'END'
printf '%s\n' "floor=${SMOLVM_EGRESS_FLOOR-}" "$@"
END
serve() { # COMMAND that runs in the call's folder
	(
		until [ -e "$(echo "$REAL_JOB"/calls/*/asked)" ]; do sleep 0.05; done
		cd "$REAL_JOB"/calls/* || exit
		eval "$1"
	) &
	server=$!
}
# shellcheck disable=SC2016
answers='sed -e "s,^cd .*,:," -e "s,^exec [^ ]*,sh $tmp/asked," asked >script; sh script >stdout <stdin; cat stdin ports >>stdout; echo "a note" >stderr
	echo made >"out/x y"; echo 3 >status'
serve "$answers"
cd "$tmp/it's here" || exit
printf archive | SMOLVM_EGRESS_FLOOR=metadata "$top/tests/real/smolvm" pack create --image - --smolfile "$tmp/asked" --output "$tmp/it's here/x y" \
	--label="it's \"a\" \$b" '' 127.0.0.1:5000/a:1 >"$out" 2>"$err"
is 'its status is handed on' $? 3
wait $server
cd "$tmp" || exit
call=$(sed -n 's,.*/job/calls/\([^/]*\)/.*,\1,p' "$out")
is 'each argument arrives as it is, files by their paths there, the floor, standard input and the port' "$(cat "$out")" "floor=metadata
pack
create
--image
-
--smolfile
/host$tmp/asked
--output
/job/calls/$call/out/x y
--label=it's \"a\" \$b

127.0.0.1:5000/a:1
archive5000"
is 'what it said of itself comes by standard error' "$(cat "$err")" 'a note'
is 'what it made is where --output says' "$(cat "$tmp/it's here/x y")" made
is 'nothing stays of the call' "$(ls "$REAL_JOB/calls")" ''
serve 'until [ -e stop ]; do sleep 0.05; done; echo 143 >status'
"$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null &
asking=$!
until [ -n "$(ls "$REAL_JOB/calls")" ]; do sleep 0.05; done
kill $asking
wait $asking
is 'TERM ends it there, too' $? 143
wait $server
touch -d '5 minutes ago' "$REAL_JOB/beat"
"$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null
is 'a machine that gives no sign' "$?, $(cat "$err")" '111, tests/real/smolvm: the emulated machine has died: Kernel panic'
touch "$REAL_JOB/beat"
kill $alive
wait $alive 2>/dev/null
"$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null
is 'a machine that has died' "$?, $(cat "$err")" '111, tests/real/smolvm: the emulated machine has died: Kernel panic'
echo 'CPU Reset' >"$REAL_JOB/console"
echo 'Triple fault' >"$REAL_JOB/qemu"
"$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null
is 'one whose kernel did not come to say why' "$(cat "$err")" 'tests/real/smolvm: the emulated machine has died: a triple fault'
SMOLVM_REAL=1.17.0 "$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null
is 'another version than the one that is served' "$?, $(cat "$err")" "111, tests/real/smolvm: SMOLVM_REAL: '1.17.0', and the machine that serves has 1.32.2"
SMOLVM_REAL=1.99 "$top/tests/real/smolvm" pack run --sidecar x >"$out" 2>"$err" </dev/null
like 'a version that there is not' "$?, $(cat "$err")" "^111, tests/real/smolvm: SMOLVM_REAL: '1\.99' is not known; give one of: 1\.4\.5 "
unset REAL_JOB

topic 'A machine for a command of this host lives as long as that, and no killed run leaves anything for good'
mkdir -p "$here/cache/real/1.32.2" "$here/cache/real/qemu" "$tmp/runs"
fake_program "$tmp/bin/docker-proxy" exit
cat >"$here/tests/real/machine" <<'END'
#!/bin/sh
# stands in: it is there until it is told that all is done
echo $$ >"$2/alive"
until [ -e "$2/end" ]; do sleep 0.05; done
END
beside() { # SCRIPT: runs it as `run -h` does
	env PATH="$tmp/bin:$PATH" TMPDIR="$tmp/runs" sh "$here/tests/real/run" -h sh -c "$1" >"$out" 2>"$err"
}
beside 'until [ -s "$REAL_JOB/alive" ]; do sleep 0.05; done; cat "$REAL_JOB/version" "$REAL_JOB/alive"; exit 7'
is 'the status is that of the command' $? 7
is '... which has a machine of the newest smolvm' "$(sed -n 1p "$out")" 1.32.2
must_fail '... that has ended' kill -0 "$(sed -n 2p "$out")"
is '... and left nothing' "$(ls "$tmp/runs")" ''
beside 'until [ -s "$REAL_JOB/alive" ]; do sleep 0.05; done; cat "$REAL_JOB/alive"; kill -9 $PPID'
is 'a run that is killed' $? 137
machine_of=$(cat "$out")
tries=100
while kill -0 "$machine_of" 2>/dev/null && [ $tries -gt 0 ]; do tries=$((tries - 1)) && sleep 0.05; done
must_fail '... takes its machine with it' kill -0 "$machine_of"
is '... leaves its folder' "$(find "$tmp/runs" -mindepth 1 -maxdepth 1 | wc -l)" 1
touch -d '2 minutes ago' "$tmp/runs"/*
flock -w 5 "$(echo "$tmp/runs"/*/lock)" env PATH="$tmp/bin:$PATH" TMPDIR="$tmp/runs" sh "$here/tests/real/run" -h true >"$out" 2>"$err"
is '... which stays while something of it lives' "$(find "$tmp/runs" -mindepth 1 -maxdepth 1 | wc -l)" 1
ok 'the next run' beside :
is '... clears it' "$(ls "$tmp/runs")" ''

topic 'smolvm from PyPI'
row=$(grep -v '^#' "$top/tests/real/versions" | tail -n 1 | awk '{ print "version=" $1 " hash=" $2 }')
like 'what setup installs is the newest that check-real knows' "$(grep '^version=' "$top/mk/get-smolvm.sh")" "^$row\$"
# A pip that brings a wheel: its smol-vmm says where its parts are.
mkdir -p "$tmp/wheel/smol"
printf '#!/bin/sh\necho "$SMOLVM_LIB_DIR $LD_LIBRARY_PATH $SMOLVM_AGENT_ROOTFS_TAR: $*"\n' >"$tmp/wheel/smol/smol-vmm"
: >"$tmp/wheel/smol/libkrun.so"
: >"$tmp/it.whl"
fake_program "$tmp/bin/uname" 'case $* in *-m*) echo x86_64 ;; *) echo Linux ;; esac'
borrow_tools "$tmp/bin" env tr cut id ln
fake_program "$tmp/bin/python3" "case \$* in
	*--version*) ;;
	*' download '*) echo \"\$*\" >>'$tmp/pip.log'; for folder; do [ \"\$last\" != --dest ] || cp '$tmp/it.whl' \"\$folder/\"; [ \"\$last\" != --requirement ] || cat \"\$folder\" >>'$tmp/pip.log'; last=\$folder; done ;;
	*' zipfile '*) for last; do :; done; cp -r '$tmp/wheel' \"\$last\" ;;
	esac"
get() { env PATH="$tmp/bin" HOME="$tmp/user" "$@" sh "$top/mk/get-smolvm.sh" >"$out" 2>"$err"; }
mkdir "$tmp/user"
ok 'it is installed' get
is '... as a command of the user' "$(cat "$out")" "$tmp/user/.local/bin/smolvm"
like '... by the hash of its wheel' "$(cat "$tmp/pip.log")" "^smolmachines==.* --hash=sha256:${row##*=}\$"
ok '... which runs' "$tmp/user/.local/bin/smolvm" pack create
parts="$tmp/user/.local/share/smolvm-pypi/$(echo "$row" | sed 's/version=\([^ ]*\).*/\1/')/smol"
is '... and knows where its parts are' "$("$tmp/user/.local/bin/smolvm" pack create)" "$parts $parts $parts/agent-rootfs.tar.zst: pack create"
: >"$tmp/pip.log"
ok 'a second time' get
is '... nothing is fetched' "$(cat "$tmp/pip.log")" ''
ok 'PREFIX is elsewhere' get PREFIX="$tmp/prefix"
is '... and taken' "$(cat "$out")" "$tmp/prefix/bin/smolvm"
must_fail 'a PREFIX that is no path' get PREFIX=here
like '... is named' "$(cat "$err")" "^PREFIX: 'here' is no absolute path\$"
mkdir -p "$tmp/other/bin"
echo 'another' >"$tmp/other/bin/smolvm"
must_fail "another's smolvm" get PREFIX="$tmp/other"
like '... is named' "$(cat "$err")" "is somebody else's; nothing was changed, give another PREFIX\$"
is '... and stays' "$(cat "$tmp/other/bin/smolvm")" another
must_fail 'SETUP_SMOLVM with a value that there is not' run_make setup SETUP_SMOLVM=brew
like '... is refused, with the remedy' "$(cat "$out" "$err")" "SETUP_SMOLVM: 'brew' is not known; give SETUP_SMOLVM=pypi, or none"
is 'nothing half stays' "$(find "$tmp/user" "$tmp/prefix" "$tmp/other" -name '*.tmp' -o -name '*.??????')" ''

topic 'The stand-in beside the real one'
recorded=$top/tests/real/recorded
isnt 'there are recordings' "$(ls "$recorded")" ''
# The image that was packed for them, and a registry that has it.
work=$tmp/images
mkdir -p "$work"
cp "$top/cache/tests/make-layers" "$top/cache/tests/list-tree" "$work/"
. "$top/tests/real/images.sh"
must agent "$tmp/agent.tar"
printf "version: 0.1\nstorage: {filesystem: {rootdirectory: '%s'}}\nhttp: {addr: '127.0.0.1:0'}\n" "$tmp/registry" >"$tmp/registry.yml"
docker-registry serve "$tmp/registry.yml" >"$tmp/registry.log" 2>&1 &
must wait_for "grep -q 'listening on' '$tmp/registry.log'" 60
registry=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$tmp/registry.log")
must skopeo --insecure-policy copy -q --dest-tls-verify=false "docker-archive:$tmp/agent.tar" "docker://$registry/agent:x"

standin() { # ARGUMENT...: of pack create or another command
	env SMOLVM_EGRESS_FLOOR=metadata FAKE_SMOLVM_VERSION="$version" "$SMOLVM" "$@" >"$out" 2>"$err" </dev/null
}
# What the image and the day make of a manifest is left out: sizes, digests, the time; the order of its fields stays.
plain() { # MANIFEST
	sed -e 's/"127\.0\.0\.1:[0-9]*\//"REGISTRY\//; s/agent:[0-9a-fx]*"/agent:TAG"/; s/[0-9a-f]\{64\}/DIGEST/g; s/"created": ".*"/"created": "TIME"/' \
		-e 's/size": [0-9]*/size": N/' "$1"
}
words() { sed -e "s/127\\.0\\.0\\.1:[0-9]*/REGISTRY/g; s/agent:[0-9a-fx]*\$/agent:TAG/; s/sha256:[0-9a-f]*/DIGEST/; s/Checksum: .*/Checksum: CRC/" "$1"; }
for folder in "$recorded"/*; do
	version=${folder##*/} real=$folder
	ok "smolvm $version" standin --version
	is '... says its version so' "$(cat "$out")" "$(cat "$real/version")"
	must_fail '... refuses an option that there is not' standin pack create --image a:1 --output "$tmp/made/x" --no-such
	is '... in these words' "$(head -n 1 "$err")" "$(head -n 1 "$real/bad-call")"
	flags=$(grep -o '^ *\(-[a-zA-Z], \)\?--[a-z-]*' "$real/help" | grep -o -- '--[a-z-]*$' | sort -u)
	isnt '... has options' "$flags" ''
	# shellcheck disable=SC2013 # words
	for flag in $(cat "$recorded"/*/help | grep -o '^ *\(-[a-zA-Z], \)\?--[a-z-]*' | grep -o -- '--[a-z-]*$' | sort -u); do
		case $flag in --help | --from-vm) continue ;; esac
		standin pack create --image a:1 --output "$tmp/made/x" "$flag" --no-such
		if echo "$flags" | grep -qx -- "$flag"; then
			unlike "... knows $flag" "$(cat "$err")" "unexpected argument '$flag'"
		else
			like "... does not know $flag" "$(cat "$err")" "unexpected argument '$flag'"
		fi
	done
	[ -e "$real/manifest" ] || continue # nothing was packed for it
	rm -rf "$tmp/made" && mkdir "$tmp/made"
	ok '... packs' standin pack create --image="$registry/agent:x" --output="$tmp/made/a"
	manifest_of "$tmp/made/a.smolmachine" >"$tmp/manifest"
	plain "$tmp/manifest" >"$tmp/found"
	plain "$real/manifest" >"$tmp/wanted"
	same '... a manifest of these fields, in this order, with these values' "$tmp/found" "$tmp/wanted"
	is '... which ends as the real one does' "$(tail -c 2 "$tmp/manifest" | od -An -c)" "$(tail -c 2 "$real/manifest" | od -An -c)"
	ok '... reads what it packs' standin pack run --sidecar "$tmp/made/a.smolmachine" --info
	words "$out" >"$tmp/found"
	words "$real/info" >"$tmp/wanted"
	same '... and says so of it' "$tmp/found" "$tmp/wanted"
	standin pack create --image a:1 --output /w/x.smolmachine
	if grep -q 'names the executable stub' "$real/output-name"; then
		is '... refuses the name of a sidecar in these words' "$(cat "$err")" "$(sed '/^exit/d' "$real/output-name")"
	else
		unlike '... refuses no name of a sidecar' "$(cat "$err")" 'names the executable stub'
	fi
done
done_testing
