#!/bin/sh
# cells.sh: the cells of check-real, inside the emulated machine: this checkout packs with the real smolvm, beside an engine of
# the machine's own. /job has `versions` and `cells`, each on lines, and the images; /job/results gets a line a cell:
# VERSION CELL ok|FAIL|skip SECONDS, and /job/log/VERSION.CELL all that was said. Sourced; all_cells runs them.
set -u
top=/smolmake
real=$top/tests/real/guest/smolvm
# with the kernel's limit of 4096 a machine could open no folder any more behind some 3000 files (run: 1.32.2)
prlimit --pid $$ --nofile=262144 || exit 1
export TERM=dumb LC_ALL=C DOCKER_HOST=unix:///var/run/docker.sock SMOLMAKE_PACK_TIMEOUT=400 SMOLMAKE_TOOL_TIMEOUT=300 SMOLMAKE_PUSH_TIMEOUT=900
mkdir -p /job/log /w/cells
# shellcheck source=tests/sidecar.sh
. $top/tests/sidecar.sh
here=$top/tests/real # for versions.sh
. $top/tests/real/emulation.sh
. $top/tests/real/versions.sh

start_engine() {
	# overlay2, which most engines have, on a file system that keeps all attributes, as tmpfs does not
	truncate -s 8G /w/disk
	{ mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=1,nodiscard /w/disk && mkdir /w/ext4 && mount -o loop,discard /w/disk /w/ext4; } || exit 1
	# from an initramfs nothing can be pivoted away
	DOCKER_RAMDISK=1 dockerd --storage-driver=overlay2 --iptables=false --data-root=/w/ext4/docker >/job/log/dockerd 2>&1 &
	tries=120
	until docker version >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo '# dockerd does not come up' && exit 1; }
		sleep 1
	done
	for name in zoo odd agent; do
		id=$(docker load -q -i "/job/$name.tar" | sed -n 's/^Loaded image ID: //p')
		docker tag "$id" "$name:1" || exit 1
	done
}

# --- Of the cells
fail() { echo "FAILED: $*" && exit 1; }
skip() { echo "SKIP: $*" && exit 77; }
is() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }
calls() { grep -c '^pack create ' /w/calls || :; } # of smolvm
smolmake() { HOME=/w/home-$version make -s -C $top smolmachine PACK=smolvm CACHE_DIR="$cache" SMOLVM="$real" "$@"; }
packs_natively() { # IMAGE [VARIABLE...]: sets $sidecar
	image=$1
	shift
	HOME=/w/home-$version SMOLMAKE_UNPROVED=1 make -s -C $top smolmachine IMAGE="$image" CACHE_DIR="$cache-native" \
		SMOLVM="/real/$version/smol/smol-vmm" PACK=native "$@" >/w/answer 2>/w/said
	status=$?
	cat /w/said
	sidecar=$(cat /w/answer)
	return $status
}
pack() { # IMAGE ROUTE [VARIABLE...]: sets $sidecar
	image=$1 route=$2
	shift 2
	for limit in 150 300 400; do
		if SMOLMAKE_PACK_TIMEOUT=$limit smolmake IMAGE="$image" ROUTE="$route" "$@" >/w/answer 2>/w/said; then
			sidecar=$(cat /w/answer)
			cat /w/said
			return
		fi
		cat /w/said
		is_emulation /w/said || return 1
		echo "(the emulation's fault, in $limit s at most)"
	done
	: >/w/in-vain
	return 1
}
boot() { # COMMAND...: of smolvm that boots something; its output without smolvm's own remarks
	for limit in 60 120 200; do
		timeout $limit "$@" >/w/booted 2>/w/boot.err </dev/null
		status=$?
		if [ $status = 0 ]; then
			tr -d '\r' </w/booted
			return
		fi
		[ $status != 124 ] || echo "it did not end within $limit s" >>/w/boot.err
		cat /w/boot.err /w/booted >&2
		cat /w/booted >>/w/boot.err
		is_emulation /w/boot.err || return 1
	done
	: >/w/in-vain
	return 1
}
packed() { # IMAGE: it is there, by whichever route; sets $sidecar
	pack "$1" auto >/w/pack.log 2>&1 || { cat /w/pack.log && return 1; }
}
served() { # NAME OUTPUT: smolvm packs zoo:1's registry's NAME, without the pipeline; its words
	DOCKER=docker "$top/cache/bin/with-registry" -r direct -t /w "zoo:1=$(docker image inspect --format '{{.Id}}' zoo:1)" -- \
		sh -c 'exec timeout -k 10 200 "$1" pack create --image "$REGISTRY/$2" --output "$3" </dev/null' sh "$real" "$1" "$2" 2>&1
}
in_docker() { timeout 120 docker run --rm --network none "$@" </dev/null; }
# What smolvm makes of the layers that it pulls (run: 1.32.2): folders have the time of now, files whole seconds and no extended attributes,
# and a device or pipe is an empty file. These are left out on both sides.
as_merged() { # FILE
	awk '{ if ($2 == "d") $5 = "-"; sub(/[.].*/, "", $5); gsub(/ (user|trusted|security)[.][^ ]*/, ""); if ($2 ~ /^[pcb]$/) $2 = "-"; sub(/ dev=[0-9,]*| size=0 crc=00000000/, ""); print }' "$1"
}
# What we hand it as one layer differs in the last of these alone.
as_files() { awk '{ if ($2 ~ /^[pcb]$/) $2 = "-"; sub(/ dev=[0-9,]*| size=0 crc=00000000/, ""); print }' "$1"; } # FILE
# When it boots a machine, setuid, setgid and sticky bits are lost too, each name of a symlink is one (helpers/image/flat-write.c), and what is of
# 1970's first second is of its next (Rust's crate tar). In the oldest all is root's, and folders are 0755.
as_booted() { # FILE
	lost=''
	since 1007008 || lost=owners # 1.4.5, 1.5.2, 1.6.13 and 1.7.7; not 1.9.1
	as_merged "$1" | awk -v lost=$lost '{
		$3 = "0" substr($3, 2)
		if ($2 == "l") sub(/ same=[^ ]*/, "")
		if ($5 == "0") $5 = "1"
		if (lost == "owners") { $4 = "0:0"; if ($2 == "d") $3 = "0755" }
		print
	}'
}
list_zoo='for folder in /bin /zoo; do list-tree $folder; done'

# --- The cells
cell_reader() { # it reads what we call an artifact, and says what we read
	packed zoo:1 || fail 'no pack'
	"$real" pack run --info --sidecar "$sidecar" >/w/info 2>/dev/null </dev/null || fail 'it does not read the sidecar'
	cat /w/info
	# of the config that was served: the image's own, or that of its one layer
	if since 1017000; then
		digest=$(docker image inspect --format '{{.Id}}' zoo:1)
	else
		digest=$(jq -r .digest "${sidecar%.smolmachine.smolmachine}.json")
	fi
	grep -q "^Digest: *$digest\$" /w/info || fail "the digest is not '$digest'"
	$top/cache/bin/verify-machine "$sidecar" || fail 'verify-machine does not read it'
}
cell_direct() {
	pack zoo:1 direct FORCE=1 || fail 'no pack'
	$top/cache/bin/verify-machine "$sidecar"
}
cell_push() {
	pack zoo:1 push FORCE=1 || fail 'no pack'
	$top/cache/bin/verify-machine "$sidecar"
}
cell_container() { # by a registry container of the engine's, which publishes a port
	command -v docker-registry >/dev/null || skip 'docker-registry is not installed; run: make setup check-real'
	"$top/tests/registry/build" registry:1 >/w/built 2>&1 || { cat /w/built && fail 'no registry image'; }
	began=$(date +%s)
	layers=''
	since 1017000 || layers=SQUASH=0 # one layer, as these are given it, comes from our own registry alone
	pack zoo:1 push FORCE=1 REGISTRY_IMAGE=registry:1 $layers || fail 'no pack'
	"$top/cache/bin/verify-machine" "$sidecar"
	docker events --since "$began" --until "$(date +%s)" --filter event=start --format '{{.From}}' >/w/started
	grep -qx registry:1 /w/started || fail 'no registry container was started'
}
cell_hit() { # a hit asks smolvm for nothing
	packed zoo:1 || fail 'no pack'
	before=$(calls) path=$sidecar
	smolmake IMAGE=zoo:1 >/w/answer || fail 'a hit fails'
	is 'the answer' "$(cat /w/answer)" "$path"
	is 'packs' "$(calls)" "$before"
}
cell_floor() { # from 1.13.0 on every pack is given the loopback at once, before that none is
	packed zoo:1 || fail 'no pack'
	grep '^pack create ' /w/calls | sed 's/.* floor=/floor=/' | sort | uniq -c
	if since 1013000; then
		is 'floors' "$(grep '^pack create ' /w/calls | sed 's/.* floor=//' | sort -u)" metadata
		# and it is needed: what smolvm says without
		if served zoo:1 /w/no-floor >/w/refused; then fail 'it packs without'; fi
		tr '\r' '\n' </w/refused | grep -av '^$' | tail -n 3
		grep -aqE 'permission denied|connection refused|network is unreachable' /w/refused || fail 'its words are not those that with-smolvm knows'
	else
		is 'floors' "$(grep '^pack create ' /w/calls | sed 's/.* floor=//' | sort -u)" ''
	fi
}
same_trees() { # as_merged|as_booted
	[ "$(wc -l </w/docker.tree)" -gt 20 ] || fail 'the tree in Docker is too small'
	$1 /w/docker.tree >/w/docker.plain
	$1 /w/machine.tree >/w/machine.plain
	diff -u /w/docker.plain /w/machine.plain || fail 'the trees differ'
	diff /w/docker.tree /w/machine.tree | grep -c '^>' | sed 's/$/ lines differ in what smolvm does not keep/'
}
list_layer() { # TAR: what of a zoo is in it
	rm -rf /w/ext4/layer
	mkdir /w/ext4/layer
	tar -xpf "$1" -C /w/ext4/layer --numeric-owner --xattrs --xattrs-include='*' || fail 'the layer is no tar'
	for folder in /bin /zoo; do /job/list-tree /w/ext4/layer$folder; done >/w/machine.tree
}
cell_layer() { # the layer in the artifact has the tree that Docker has
	packed zoo:1 || fail 'no pack'
	in_docker zoo:1 /bin/sh -c "$list_zoo" >/w/docker.tree || fail 'docker run fails'
	assets_of "$sidecar" /w/layer || fail 'the assets are no tar'
	is 'layers' "$(find /w/layer/layers -name '*.tar' | wc -l)" 1
	list_layer /w/layer/layers/*.tar
	same_trees as_merged
}
cell_boot() { # the sidecar boots, by `pack run`: the same tree as in Docker
	packed zoo:1 || fail 'no pack'
	in_docker zoo:1 /bin/sh -c "$list_zoo" >/w/docker.tree || fail 'docker run fails'
	boot "$real" pack run --sidecar "$sidecar" -- /bin/sh -c "$list_zoo" >/w/machine.tree || fail 'it does not boot'
	same_trees as_booted
}
cell_agent() { # user, folder, variables, entry point and arguments are the image's
	packed agent:1 || fail 'no pack'
	in_docker agent:1 >/w/docker.report || fail 'docker run fails'
	boot "$real" pack run --sidecar "$sidecar" >/w/machine.report || fail 'it does not boot'
	cat /w/docker.report
	if ! since 1014002; then # before which the artifact carries no user (run: 1.4.5 starts it as root)
		sed -i '/^uid/d' /w/docker.report /w/machine.report
	fi
	diff -u /w/docker.report /w/machine.report || fail 'the reports differ'
}
# A machine made from the sidecar: create, start, exec, stop. Of the size that it is created with: one that was started with another
# than its record says is stopped by the next command that asks for it (run: 1.32.2).
in_machine() { # NAME SIDECAR
	export REAL_OWN_SIZE=1
	# a machine lives as long as its command, and the image's, a shell, ends at once
	"$real" machine create --name "$1" --cpus 1 --mem 2048 --from "$2" -- /bin/sleep 900 </dev/null || fail 'it is not created'
	for try in 1 2 3; do
		boot "$real" machine start --name "$1" || fail 'it does not start'
		boot "$real" machine exec --name "$1" -- /bin/sh -c "$list_zoo" >/w/machine.tree && break
		grep -q 'connection closed\|is not running' /w/boot.err || fail 'nothing can be executed'
		echo "(the emulation's fault: try $try)"
		[ "$try" != 3 ] || fail 'its machine dies at each try'
	done
	"$real" machine stop --name "$1" </dev/null || fail 'it does not stop'
	unset REAL_OWN_SIZE
	in_docker zoo:1 /bin/sh -c "$list_zoo" >/w/docker.tree || fail 'docker run fails'
	same_trees as_booted
}
cell_machine() {
	packed zoo:1 || fail 'no pack'
	in_machine smolvm "$sidecar"
}
cell_fail() { # an image that is not there: smolvm's own words, and nothing under a final name
	if SMOLVM_EGRESS_FLOOR=metadata served none:1 /w/none >/w/said; then fail 'it packs what is not there'; fi
	tr '\r' '\n' </w/said | grep -av '^$' | tail -n 3
	[ ! -e /w/none.smolmachine ] || fail 'it leaves a sidecar'
}
cell_odd() { # a layer that both deletes and makes a name: as it is, or by SQUASH=1, which the error names
	if pack odd:1 direct; then
		echo 'it packs as it is'
	else
		grep -q 'SQUASH=1 packs it as one layer' /w/said || fail 'the error does not say what helps'
		pack odd:1 direct SQUASH=1 || fail 'SQUASH=1 does not help'
	fi
	list_odd='list-tree /zoo'
	in_docker odd:1 /bin/sh -c "$list_odd" >/w/docker.tree || fail 'docker run fails'
	boot "$real" pack run --sidecar "$sidecar" -- /bin/sh -c "$list_odd" >/w/machine.tree || fail 'it does not boot'
	as_booted /w/docker.tree >/w/docker.plain
	as_booted /w/machine.tree >/w/machine.plain
	diff -u /w/docker.plain /w/machine.plain || fail 'the trees differ'
}
cell_killed() { # smolvm is killed in the middle of a pack: nothing is there, and the next run packs
	rm -rf "$cache"
	smolmake IMAGE=zoo:1 ROUTE=direct >/w/answer 2>/w/said &
	run=$!
	tries=1200
	until [ -n "$(find "$cache/.run" -name '*.smolmachine' -size +1000k 2>/dev/null)" ] || [ $tries = 0 ]; do
		kill -0 $run 2>/dev/null || break
		tries=$((tries - 1))
		sleep 0.1
	done
	pkill -KILL -f 'smol-vmm pack create' || fail 'there was no smolvm to kill'
	wait $run && fail 'the run succeeds'
	cat /w/said
	is 'machines' "$(find "$cache" -maxdepth 1 -name '*smolmachine')" ''
	is "what smolvm's cache has of packs" "$(grep -l ^pack- "/w/home-$version"/.cache/smolvm/vms/*/name 2>/dev/null)" ''
	pgrep -f smol-vmm >/dev/null && fail 'something of smolvm still runs'
	pack zoo:1 direct || fail 'the next run does not pack'
	is 'folders of runs' "$(ls "$cache/.run")" ''
}
cell_full() { # the disk is full: one line says so, and nothing is left
	mkdir -p /w/small
	mountpoint -q /w/small || mount -t tmpfs -o size=24m small /w/small
	make -s -C $top smolmachine CACHE_DIR=/w/small/cache SMOLVM="$real" IMAGE=zoo:1 ROUTE=direct >/w/answer 2>/w/said && fail 'it packs into 24 MiB'
	cat /w/said
	grep -aqiE 'no space left|full|room' /w/said || fail 'the message does not say so'
	is 'machines' "$(find /w/small/cache -maxdepth 1 -name '*smolmachine')" ''
	umount /w/small
}

comparable_manifest() { # SIDECAR: but for what has to differ: names, times, and how the agent's files and the layer are written as a tar
	manifest_of "$1" |
		jq '.image = 0 | .created = 0 | .image_size = 0 | .assets.agent_rootfs.size = 0 | .assets.layers[0] = 0'
}
libraries_of() { # LAUNCHER: what the archive in it holds
	tail -c "+$(($(tail -c 32 "$1" | od -An -j12 -N8 -tu8) + 1))" "$1" | head -c "$(($(tail -c 32 "$1" | od -An -j20 -N8 -tu8)))" |
		zstd -dc | tar -tvf - --numeric-owner --full-time | awk '{ $4 = $5 = ""; print }'
}
# What smolvm has no part in: the same tree as in Docker, its own parts, a manifest as its own, the same bytes each time, and it boots.
cell_native() {
	since 1017000 || skip 'smolvm is given one layer here, so that its own artifact is of another config; we pack natively for no such version'
	packed agent:1 || fail 'no pack by smolvm'
	own=$sidecar
	packs_natively agent:1 || fail 'no pack'
	is 'the packer' "$(jq -r .packed_by "${sidecar%.smolmachine.smolmachine}.json")" smolmake
	once=$(sha256sum <"$sidecar")
	# for the cell twice: the sum, and the disk's template, which is the one part that was made here
	echo "$once" >"/job/native.$version"
	tar -C "/w/home-$version" -cSf - .smolvm | zstd -q -o "/job/home.$version.tar.zst" -f
	packs_natively agent:1 FORCE=1 ROUTE=push || fail 'no pack by a push'
	is 'the sidecar by another route' "$(sha256sum <"$sidecar")" "$once"
	comparable_manifest "$own" >/w/own.manifest
	comparable_manifest "$sidecar" >/w/our.manifest
	diff -u /w/own.manifest /w/our.manifest || fail 'the manifests differ'
	for file in "$own" "$sidecar"; do libraries_of "${file%.smolmachine}"; done | sort | uniq -c | awk '$1 != 2 { exit 1 }' || fail 'the libraries differ'
	cmp -n "$(stat -c %s "/real/$version/smol/smol-vmm")" "${sidecar%.smolmachine}" "/real/$version/smol/smol-vmm" || fail 'the launcher does not begin with the engine'
	{ assets_of "$own" /w/own && assets_of "$sidecar" /w/our; } || fail 'the assets are no tar'
	for side in own our; do tar -tf /w/$side/agent-rootfs.tar | sed 's,^\./,,; s,/$,,' | grep -vx '' | grep -vx .extracted | sort >/w/$side.agent; done
	diff /w/own.agent /w/our.agent || fail "the agent's files differ"
	[ ! -e /w/own/storage.ext4 ] || cmp /w/own/storage.ext4 /w/our/storage.ext4 || fail 'the disks differ'
	"$real" pack run --info --sidecar "$sidecar" >/w/info 2>/dev/null </dev/null || fail 'smolvm does not read it'
	in_docker agent:1 >/w/docker.report || fail 'docker run fails'
	boot "$real" pack run --sidecar "$sidecar" >/w/machine.report || fail 'it does not boot'
	since 1014002 || sed -i '/^uid/d' /w/docker.report /w/machine.report
	diff -u /w/docker.report /w/machine.report || fail 'the reports differ'
	export REAL_LAUNCHER="${sidecar%.smolmachine}"
	boot "$real" run >/w/launcher.report || fail 'the launcher does not boot'
	unset REAL_LAUNCHER
	since 1014002 || sed -i '/^uid/d' /w/launcher.report
	diff -u /w/docker.report /w/launcher.report || fail 'the reports differ: by the launcher'
	packs_natively zoo:1 || fail 'no pack of zoo'
	in_docker zoo:1 /bin/sh -c "$list_zoo" >/w/docker.tree || fail 'docker run fails'
	assets_of "$sidecar" /w/our || fail 'the assets are no tar'
	list_layer /w/our/layers/*.tar
	same_trees as_files
	boot "$real" pack run --sidecar "$sidecar" -- /bin/sh -c "$list_zoo" >/w/machine.tree || fail 'zoo does not boot'
	same_trees as_booted
	in_machine native "$sidecar"
}
# A real distribution: smolvm's artifact and ours of the same image, and both booted, beside `docker run`.
look_at_debian='uname -s -m; id; pwd; env | grep -E "^(PATH|LANG)=" | sort; cat /etc/debian_version; dpkg-query -W | wc -l; dpkg-query -W | sha256sum
	ls -d /usr/share/doc 2>&1; perl -e "print qq(perl\n)"; getent passwd www-data
	list-tree -x proc -x sys -x dev -x etc -x run -x tmp -x storage -x workspace -x .dockerenv / >/tmp/tree || exit 1; echo tree; sed 1d /tmp/tree'
cell_debian() {
	id=$(docker load -q -i /job/debian.tar | sed -n 's/^Loaded image ID: //p')
	docker tag "$id" debian:1
	packed debian:1 || fail 'no pack by smolvm'
	own=$sidecar
	packs_natively debian:1 || fail 'no pack'
	our=$sidecar
	in_docker debian:1 /bin/bash -c "$look_at_debian" >/w/docker.debian || fail 'docker run fails'
	boot "$real" pack run --sidecar "$our" -- /bin/bash -c "$look_at_debian" >/w/our.debian || fail 'ours does not boot'
	comparable_manifest "$own" >/w/own.manifest
	comparable_manifest "$our" >/w/our.manifest
	diff -u /w/own.manifest /w/our.manifest || fail 'the manifests differ'
	boot "$real" pack run --sidecar "$own" -- /bin/bash -c "$look_at_debian" >/w/own.debian || fail "smolvm's own does not boot"
	for side in docker our own; do
		sed '/^tree$/,$d' /w/$side.debian >/w/$side.said
		sed '1,/^tree$/d' /w/$side.debian >/w/$side.tree
		as_booted /w/$side.tree >/w/$side.plain
		[ "$(wc -l </w/$side.tree)" -gt 2000 ] || fail "the tree of $side is too small"
	done
	paste -d '|' /w/docker.said /w/our.said /w/own.said | awk -F '|' '{ print; if ($1 != $2 || $1 != $3) bad = 1 } END { exit bad }' || fail 'they answer differently'
	diff -u /w/own.plain /w/our.plain | head -n 40
	cmp /w/own.plain /w/our.plain || fail 'the two machines differ'
	diff -u /w/docker.plain /w/our.plain | head -n 40
	cmp /w/docker.plain /w/our.plain || fail 'the machine differs from docker run'
	echo "$(wc -l </w/our.plain) entries are the same in docker run, in our machine and in smolvm's; $(wc -c <"$our") and $(wc -c <"$own") bytes"
}
# Images at random, packed natively and booted.
list_random='list-tree -x proc -x sys -x dev -x etc -x run -x tmp -x storage -x workspace -x .tools -x .dockerenv /'
cell_random() {
	# what of it was done before the machine died is not done again
	touch /job/random.done
	for file in /job/random/*.tar; do
		seed=${file##*/} seed=${seed%.tar}
		! grep -q "^$seed " /job/random.done || continue
		[ "$(grep -c booted /job/random.done)" -lt 20 ] || break
		id=$(docker load -q -i "$file" | sed -n 's/^Loaded image ID: //p')
		# some it cannot take, or not give back
		if [ -z "$id" ] || ! docker tag "$id" "random:$seed" || ! docker save "$id" >/dev/null 2>&1; then
			echo "$seed the engine cannot load or export it" >>/job/random.done
			[ -z "$id" ] || docker rmi -f "$id" >/dev/null
			continue
		fi
		packs_natively "random:$seed" || fail "seed $seed: no pack"
		in_docker "random:$seed" /.tools/sh -c "$list_random" >/w/docker.tree || fail "seed $seed: docker run fails"
		if ! boot "$real" pack run --sidecar "$sidecar" -- /.tools/sh -c "$list_random" >/w/machine.tree; then
			{ grep -q 'links to the root or out of it' /w/said && grep -q 'escapes destination directory' /w/boot.err; } || fail "seed $seed: it does not boot"
			echo "$seed is not started, as the warning says: a link leads out of it" >>/job/random.done
			docker rmi -f "random:$seed" >/dev/null
			continue
		fi
		for side in docker machine; do
			sed -i 1d /w/$side.tree # the root itself
			as_booted /w/$side.tree >/w/$side.plain
		done
		if diff -u /w/docker.plain /w/machine.plain >"/job/log/$version.random.$seed"; then
			echo "$seed booted, $(wc -l </w/machine.plain) entries" >>/job/random.done
		else
			echo "seed $seed:"
			cat "/job/log/$version.random.$seed"
			echo "$seed booted, and differs" >>/job/random.done
		fi
		docker rmi -f "random:$seed" >/dev/null
		rm -rf "$cache-native/.store" "${sidecar%.smolmachine}"*
	done
	sed 's/^/seed /' /job/random.done
	! grep -q differs /job/random.done || fail 'trees differ'
	[ "$(grep -c booted /job/random.done)" = 20 ] || fail 'there were to be 20 that boot'
}
cell_archive() { # from 1.29.1 on it takes an archive; before, the setting is refused
	if ! since 1029001; then
		smolmake IMAGE=zoo:1 ROUTE=archive FORCE=1 PACK=smolvm >/w/answer 2>/w/said && fail 'it packs'
		cat /w/said
		grep -q 'ROUTE: .* takes no archive' /w/said || fail 'the error does not say why'
		return
	fi
	pack zoo:1 archive FORCE=1 || fail 'no pack'
	is 'what is left of archives' "$(find "/w/home-$version/.cache/smolvm-image-archives" -mindepth 1 2>/dev/null)" ''
	in_docker zoo:1 /bin/sh -c "$list_zoo" >/w/docker.tree || fail 'docker run fails'
	boot "$real" pack run --sidecar "$sidecar" -- /bin/sh -c "$list_zoo" >/w/machine.tree || fail 'it does not boot'
	same_trees as_booted
	smolmake IMAGE=zoo:1 >/w/answer 2>/w/said || fail 'no hit'
	is 'the hit' "$(cat /w/answer)" "$sidecar"
}
cell_record() { # what the stand-in, tests/fake/smolvm, has to be like: for tests/real/recorded
	packed agent:1 || fail 'no pack'
	to=/job/recorded/$version
	mkdir -p "$to"
	"$real" --version >"$to/version" 2>/dev/null </dev/null
	"$real" pack create --help >"$to/help" 2>/dev/null </dev/null
	"$real" pack run --info --sidecar "$sidecar" >"$to/info" 2>/dev/null </dev/null || echo "exit $?" >>"$to/info"
	footer=$(tail -c 64 "$sidecar" | od -An -tx1 | tr -d ' \n')
	manifest_of "$sidecar" >"$to/manifest"
	assets_tar "$sidecar" 2>/dev/null | tar -tf - >"$to/members"
	echo "${footer%%0000000000000000*}" | cut -c1-24 >"$to/footer"
	SMOLVM_EGRESS_FLOOR=metadata served agent:1 /w/recorded >"$to/no-image"
	echo "exit $?" >>"$to/no-image"
	"$real" pack create --image a:1 --output /w/x --no-such >"$to/bad-call" 2>&1 </dev/null
	echo "exit $?" >>"$to/bad-call"
	"$real" pack create --image ./x.tar --output /w/x >"$to/archive" 2>&1 </dev/null
	echo "exit $?" >>"$to/archive"
	"$real" pack create --image a:1 --output /w/x.smolmachine >"$to/output-name" 2>&1 </dev/null
	echo "exit $?" >>"$to/output-name"
	# what differs from run to run
	port='s/127\.0\.0\.1:[0-9]*/REGISTRY/g'
	for file in "$to"/*; do
		tr '\r' '\n' <"$file" | sed -e "$port" -e 's/\x1b\[[0-9;?]*[a-zA-Z]//g' -e '/no packed assets found/d' >"$file.plain" && mv "$file.plain" "$file"
	done
}

# --- All of them
run_cell() { # VERSION CELL
	version=$1
	cache=/w/cache-$version
	echo "$version" >/w/version
	rm -f /w/in-vain
	began=$(date +%s)
	(cell_"$2") >"/job/log/$1.$2" 2>&1
	case $? in
	0) verdict=ok ;;
	77) verdict=skip ;;
	*)
		verdict=FAIL
		# all tries were the emulation's: another machine tries
		[ ! -e /w/in-vain ] || exit 1
		;;
	esac
	echo "$1 $2 $verdict $(($(date +%s) - began))" | tee -a /job/results
}
all_cells() {
	# who waits for this machine sees by it that the emulated kernel lives
	while :; do : >/job/beat && sleep 5; done &
	while read -r version; do
		: >/w/calls
		while read -r cell; do run_cell "$version" "$cell" </dev/null; done </job/cells
		rm -rf "/w/cache-$version" "/w/home-$version"
	done </job/versions
}
start_engine
