#!/bin/sh
# t0171-leftovers: what dead runs have left goes, and nothing that only looks like it: no stranger's process, no live run's tag, no
# image of the user's; and nobody waits for that.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo setsid ps
need_private

must make_image agent
agent=$image
must run_make smolmachine IMAGE="$image"
key=$(basename "$(cat "$out")" .smolmachine.smolmachine)
id=$(docker image inspect -f '{{.Id}}' "$image")
boot=$(tr -d - </proc/sys/kernel/random/boot_id | cut -c1-12) space=$(stat -Lc %i /proc/self/ns/pid)
sh -c 'exec sleep 0' &
wait $!
dead=$boot-$space-$!-1
dead_run() { # [OWNER]: its folder in $run
	run=$CACHE_DIR/.run/${1:-$dead}
	must mkdir -p "$run"
}
hit() { run_make smolmachine IMAGE="$image"; }
swept() { run_make_until '[ ! -e "$run" ]' smolmachine IMAGE="$image"; }

topic "Processes: a group whose leader is gone, as a daemon's can be"
group_of() { # [SETTING...]: $member sleeps in the group $group
	setsid env "$@" sh -c 'sleep 300 & echo "$$ $!"' >"$tmp/group"
	read -r group member <"$tmp/group"
}
group_of
for leader in "$boot-$space-$group-1" "0123456789ab-$space-$group-1" "$boot-1-$group-1" "$group" "x-$group"; do
	dead_run
	echo "$leader" >"$run/group"
	must hit
	ok "a stranger in the group '${leader#"$boot"}' lives" alive "$member"
done
must_fail '... and the folder goes' test -e "$run"
kill "$member"
for strange in "RUN=.run/$dead" "RUN=.run/$dead CACHE_DIR=/elsewhere" "RUN=.run/$dead-2 CACHE_DIR=$CACHE_DIR" "XRUN=.run/$dead CACHE_DIR=$CACHE_DIR"; do
	group_of -u CACHE_DIR "${strange%% *}" "$(case $strange in *' '*) echo "${strange#* }" ;; *) echo A=b ;; esac)"
	dead_run
	echo "$boot-$space-$group-1" >"$run/group"
	must hit
	ok "a stranger with ${strange#RUN=.run/"$dead"}" alive "$member"
	kill "$member"
done
group_of "RUN=.run/$dead" "CACHE_DIR=$CACHE_DIR"
dead_run
echo "$boot-$space-$group-1" >"$run/group"
must hit
ok "the run's own member goes" wait_for '! alive "$member"' 5
group_of "RUN=.run/$dead" "CACHE_DIR=$CACHE_DIR"
dead_run
echo "$boot-$space-1$group-1" >"$run/group"
must hit
ok '... but not in another group, as what it has started for others' alive "$member"
kill "$member"

topic "smolvm's own folders of a pack that was killed"
machines=$XDG_CACHE_HOME/smolvm/vms
mkdir -p "$machines/older" "$machines/others" "$machines/living" "$machines/strange"
sh -c 'exec sleep 0' &
gone=$!
wait $gone
echo "pack-$gone-1000000000" >"$machines/older/name"            # of the year 1970
echo "machine-$gone" >"$machines/others/name"                   # no pack's
echo "pack-$$-$(($(date +%s) + 600))000000000" >"$machines/living/name" # ours, which lives
leave_and_die() { # NAME-FORMAT FAULT: a smolvm that is killed, and what it leaves
	fake_program "$tmp/dying" 'case $1 in --version) echo smolvm 1.17.0 && exit ;; esac
mkdir -p "$XDG_CACHE_HOME/smolvm/vms/mine" && printf "'"$1"'" $$ >"$XDG_CACHE_HOME/smolvm/vms/mine/name"
'"$2"
	must_fail "... $1, $2" run_make smolmachine IMAGE="$agent" FORCE=1 SMOLVM="$tmp/dying" PACK_TIMEOUT=2
	is '... goes, and nothing else does' "$(cd "$machines" && echo *)" 'living older others strange'
}
# shellcheck disable=SC2016 # for the program
leave_and_die 'pack-%s' 'kill -s KILL $$'
# shellcheck disable=SC2016
leave_and_die "pack-%s-$(($(date +%s) + 600))000000000" 'kill -s KILL $$'
leave_and_die 'pack-%s' 'trap "" TERM; exec sleep 100'
rm -rf "$machines"

topic 'Owners of other boots'
dead_run "0123456789ab-$space-$$-1"
docker tag "$image" 127.0.0.1:1/other-boot:x
echo 127.0.0.1:1/other-boot:x >"$run/a.tag"
must hit
ok 'the folder of another boot stays' test -e "$run/a.tag"
ok '... with its tag' docker image inspect 127.0.0.1:1/other-boot:x
unlike '... and nothing is said of a young one' "$(cat "$err")" warning
touch -d '2 days ago' "$run"
must hit
like '... of an old one, one line says how to remove it' "$(cat "$err")" "^with-run: warning: CACHE_DIR: '$run' is .*remove it: rm -r '$run'\$"
if [ -s /etc/machine-id ]; then
	echo "$(cat /etc/machine-id) $(uname -n)" >"$run/claim"
	exec 9>>"$run/claim"
	must flock -n 9
	must hit
	ok 'one of this machine stays while somebody has its claim' test -e "$run/a.tag"
	unlike '... and nothing is said' "$(cat "$err")" warning
	exec 9>&-
	must swept
	must_fail '... and goes when nobody has' test -e "$run"
	must_fail '... with its tag' docker image inspect 127.0.0.1:1/other-boot:x
	dead_run "0123456789ab-$space-$$-1"
	echo "$(cat /etc/machine-id) $(uname -n)x" >"$run/claim"
	must hit
	ok 'one of a clone of this machine stays' test -e "$run"
else
	skip 'claims of this machine' 'it has no ID'
fi
rm -rf "$run"
docker rmi 127.0.0.1:1/other-boot:x >/dev/null 2>&1

topic "Tags: a reference is a live run's while that has the port"
"$top/cache/tests/serve" -p 0 >"$tmp/port" &
server=$!
ok 'a server' wait_for '[ -s "$tmp/port" ]' 10
ref=127.0.0.1:$(head -n 1 "$tmp/port")/agent:$key
docker tag "$image" "$ref"
dead_run
echo "$ref" >"$run/$key.tag"
must hit
ok "a dead run's reference stays while a registry has its port" docker image inspect "$ref"
kill "$server"
wait "$server" 2>/dev/null
must swept
must_fail '... and goes then' docker image inspect "$ref"
must_fail '... with the folder' test -e "$run"

# Runs one after the other push to the same port, so that they give the same name: a dead one's is the next one's by then.
gated() { # GATE VERB [ARGUMENT...]: a make that will be held there
	mkdir "$tmp/$1"
	mkfifo "$tmp/$1/go"
	out=$tmp/$1/out err=$tmp/$1/err
	export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_FAULT="$2:gate" FAKE_DOCKER_GATE="$tmp/$1"
	_gate=$1
	shift 2
	start_make smolmachine IMAGE="$again" ROUTE=push REGISTRY_IMAGE= SQUASH=0 "$@"
	echo "$make_pid" >"$tmp/$_gate/pid"
	unset DOCKER FAKE_DOCKER_FAULT FAKE_DOCKER_GATE
	out=$tmp/stdout err=$tmp/stderr
}
held() { ok "a make is held ($1)" wait_for "[ -s '$tmp/$1/at' ]" 60; } # GATE
finish() { # GATE SECONDS
	read -r make_pid <"$tmp/$1/pid"
	out=$tmp/$1/out err=$tmp/$1/err
	finish_make "$2" || diag_file "stderr of $1" "$err"
	out=$tmp/stdout err=$tmp/stderr
	return "$rc"
}
tell() { timeout 10 sh -c 'echo go >"$1"' sh "$tmp/$1/go"; } # GATE
must make_image again
again=$image image=$agent
must run_make smolmachine IMAGE="$again" ROUTE=push REGISTRY_IMAGE= SQUASH=0 # the port is known
rm -f "$(cat "$out")"
gated killed push
held killed
gated second push
ok 'another waits for it' wait_for 'grep -q "waiting for" "$tmp/second/err"' 60
names=$(tags | sort -u)
isnt 'the first has a tag' "$names" ''
# shellcheck disable=SC2046 # a list
kill -s KILL $(ps -s "$(cat "$tmp/killed/pid")" -o pid=)
finish killed 10
held second
is 'when it is killed, the second has the same' "$(tags | sort -u)" "$names"
must hit
is '... and a third one, which sweeps, leaves it' "$(tags | sort -u)" "$names"
must tell second
ok '... so that the second succeeds' finish second 60
must hit
assert_nothing_left '... and nothing is left' 3

# The same beside one that is about to remove its own, with an engine that takes its time. Another user has a cache of his own.
rm -f "$CACHE_DIR"/*.smolmachine
gated slow rmi
held slow
names=$(tags | sort -u)
must mkdir -p -m 700 "$tmp/cache of another/.store"
must cp "$CACHE_DIR/.store/port" "$tmp/cache of another/.store"
gated beside push CACHE_DIR="$tmp/cache of another"
held beside
is 'a make beside one that removes its tag has a tag of its own' "$(tags | sort -u | wc -l) $(tags | sort -u | grep -cxF -e "$names")" '2 1'
must tell slow
ok '... that one ends' finish slow 60
must tell beside
ok '... and the other succeeds' finish beside 60
must hit
assert_nothing_left '... and nothing is left' 3

# The engine has the push's reference by digest: after the tag, or alone.
must make_image digest
digest=$image
must run_make smolmachine IMAGE="$image" ROUTE=push REGISTRY_IMAGE= SQUASH=0
digests() { docker image ls -a --digests --format '{{.Repository}}@{{.Digest}}' | grep -E "^127\..*-$mine@"; }
is 'a push leaves no reference by digest' "$(digests)" ''
push_port=$(cat "$CACHE_DIR/.store/port")
docker image inspect -f '{{.Id}}' "$image" >"$tmp/digest-id"
read -r digest_id <"$tmp/digest-id"
registry=$(docker run -d -p "127.0.0.1:$push_port:5000" "$REGISTRY_IMAGE")
ok 'a registry' wait_for 'docker tag "$image" "127.0.0.1:$push_port/d-$mine:x" && docker push -q "127.0.0.1:$push_port/d-$mine:x" >/dev/null 2>&1' 20
docker rm -fv "$registry" >/dev/null
docker tag "$id" "127.0.0.1:$push_port/d-$mine:x" # the tag moves, the digest stays
isnt 'an engine keeps a reference by digest' "$(digests)" ''
docker rmi "127.0.0.1:$push_port/d-$mine:x" >/dev/null
image=$agent
dead_run
printf '127.0.0.1:%s/d-%s:x\n%s\n' "$push_port" "$mine" "$digest_id" >"$run/$key.tag"
must swept
is "a dead run's goes" "$(digests)" ''
ok '... and the image stays' docker image inspect "$digest"

# An image that the user has by its ID alone
must make_context nameless
nameless=$(DOCKER_BUILDKIT=0 docker build -q "$context" 2>/dev/null)
for how in 'REGISTRY_IMAGE= SQUASH=0' "REGISTRY_IMAGE=$REGISTRY_IMAGE SQUASH=0"; do
	rm -f "$CACHE_DIR"/*.smolmachine
	is 'an image without a name' "$(docker image inspect -f '{{.RepoTags}}{{.RepoDigests}}' "$nameless")" '[][]'
	# shellcheck disable=SC2086 # settings
	ok "... is packed by a push ($how)" run_make smolmachine IMAGE="$nameless" ROUTE=push $how
	is '... and stays, without a name' "$(docker image inspect -f '{{.RepoTags}}{{.RepoDigests}}' "$nameless")" '[][]'
done
image=$agent
must hit
docker tag "$nameless" 127.0.0.1:1/nameless:x
dead_run
printf '127.0.0.1:1/nameless:x\n%s\n' "$nameless" >"$run/$key.tag"
must swept
is "... nor does a dead run's tag take it along" "$(docker image inspect -f '{{.RepoTags}}{{.RepoDigests}}' "$nameless")" '[][]'
docker rmi "$nameless" >/dev/null

topic 'An engine that does not answer rmi: nobody waits for that'
for n in 1 2 3 4; do
	dead_run "$dead$n"
	docker tag "$image" "127.0.0.1:$n/agent:x"
	echo "127.0.0.1:$n/agent:x" >"$run/$key.tag"
done
dead_run "${dead}5"
: >"$run/registry"
export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_FAULT=rmi:hang FAKE_DOCKER_LOG="$tmp/docker.log"
began=$(date +%s)
ok 'a hit beside four dead runs, and an engine that does not answer rmi' run_make smolmachine IMAGE="$image" TOOL_TIMEOUT=100
took=$(($(date +%s) - began))
ok "... takes $took s, not TOOL_TIMEOUT" test "$took" -lt 50
is '... has asked once' "$(grep -c '^rmi' "$tmp/docker.log")" 1
is '... has the answer' "$(cat "$out")" "$CACHE_DIR/$key.smolmachine.smolmachine"
is '... and leaves the folders to a later run' "$(find "$CACHE_DIR/.run" -name '*.tag' | wc -l)" 4
export FAKE_DOCKER_FAULT="rm:hang rmi:hang"
began=$(date +%s)
ok '... nor does one wait for rm' run_make smolmachine IMAGE="$image" TOOL_TIMEOUT=100
took=$(($(date +%s) - began))
ok "... which takes $took s" test "$took" -lt 50
must docker create --name "smolmake-${dead}6" --label "smolmake.owner=${dead}6" --label "smolmake.cache=$CACHE_DIR" "$REGISTRY_IMAGE"
rm -f "$CACHE_DIR/$key.smolmachine.smolmachine"
export FAKE_DOCKER_FAULT=ps:hang
began=$(date +%s)
ok 'a miss by a container does not wait for ps' run_make smolmachine IMAGE="$image" ROUTE=push TOOL_TIMEOUT=100
took=$(($(date +%s) - began))
ok "... which takes $took s" test "$took" -lt 50
docker rm -fv "smolmake-${dead}6" >/dev/null
is '... and no process' "$(for pid in $(processes); do tr '\0' ' ' <"/proc/$pid/cmdline" | grep -F rmi; done)" ''
unset DOCKER FAKE_DOCKER_FAULT FAKE_DOCKER_LOG
must hit
is '... which removes all of them' "$(find "$CACHE_DIR/.run" -mindepth 1)" ''
must_fail '... with their tags' docker image inspect 127.0.0.1:4/agent:x

topic 'Temporary files of a write that was killed'
for folder in .id .verified .store; do
	mkdir -p "$CACHE_DIR/$folder"
	for age in now yesterday; do
		: >"$CACHE_DIR/$folder/$age.aB3dE6.tmp"
		touch -d "$age" "$CACHE_DIR/$folder/$age.aB3dE6.tmp"
	done
done
must hit
is 'old temporary files go, and no others' "$(cd "$CACHE_DIR" && find . -name '*.tmp' | sort | tr '\n' ' ')" \
	'./.id/now.aB3dE6.tmp ./.store/now.aB3dE6.tmp ./.verified/now.aB3dE6.tmp '
find "$CACHE_DIR" -name '*.tmp' -exec rm {} +
mkdir "$tmp/gate"
mkfifo "$tmp/gate/go"
! sanitized || diag 'compiled with a sanitizer, which bears no library before its own: nothing is killed while it writes'
sanitized || for at in 'identify-image rename *.id/*' 'identify-image rename *.key/*' 'publish-machine rename *.verified/*' 'with-registry rename *.store/*.record' 'with-registry rename *.store/*.last'; do
	rm -rf "$CACHE_DIR/.id" "$CACHE_DIR/.key" "$CACHE_DIR/.verified" "$CACHE_DIR/.store" "$CACHE_DIR"/*.smolmachine "$tmp/gate/at"
	case $at in *.last) set -- ROUTE=auto ;; *) set -- ROUTE=push ;; esac
	export GATE="$tmp/gate" GATE_AT="$at" LD_PRELOAD="$top/cache/tests/gate.so" FAKE_SMOLVM_VERSION=1.17.0
	start_make smolmachine IMAGE="$image" REGISTRY_IMAGE= "$@"
	unset LD_PRELOAD GATE GATE_AT FAKE_SMOLVM_VERSION
	ok "${at%% *} is about to rename" wait_for '[ -s "$tmp/gate/at" ]' 60
	kill -s KILL "$(cat "$tmp/gate/at")"
	finish_make 60
	isnt '... and killed' "$rc" 0
	must run_make smolmachine IMAGE="$image"
	is '... leaves no temporary file' "$(find "$CACHE_DIR" -name '*.tmp')" ''
done
assert_nothing_left 'nothing is left of all that' 3
done_testing
