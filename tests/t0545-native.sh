#!/bin/sh
# t0545-native: machines that are packed without a virtual machine: which bytes, by which way, when not, and how it fails.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/sidecar.sh
. "$top/tests/sidecar.sh"
need jq zstd tar skopeo
need_engine

unset REGISTRY_IMAGE
parts=$tmp/parts
must "$top/tests/fake/parts.sh" "$parts"
export FAKE_SMOLVM="$SMOLVM" FAKE_SMOLVM_VERSION=1.32.2 SMOLVM="$parts/smol-vmm"
export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
touch "$FAKE_SMOLVM_LOG"
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; } # of smolvm
said() { sed -n "s/^  $1  *//p" "$err"; }
at() { footer_number "$sidecar" "$1"; } # OFFSET
manifest() { manifest_of "$sidecar"; }
unpack() { assets_of "$sidecar" "$1"; } # FOLDER
sum() { sha256sum <"$1" | cut -c1-64; }
native() { # [VARIABLE...]: sets sidecar
	run_make smolmachine IMAGE="$image" "$@" && sidecar=$(cat "$out")
}

must make_context agent
mkdir "$context/more"
echo kept >"$context/more/kept"
echo gone >"$context/more/gone"
printf 'COPY more /more\nRUN ["/bin/busybox", "sh", "-c", "rm /more/gone && mkfifo -m 640 /more/pipe"]\nENV A="b c"\nUSER 1000:1001\nWORKDIR /more\nENTRYPOINT ["/bin/busybox", "sh"]\nCMD ["-c", "a b"]\n' >>"$context/Dockerfile"
must _build
id=$(docker image inspect --format '{{.Id}}' "$image")

topic 'A first miss'
ok 'is packed' native
is '... and smolvm packs nothing' "$(packs)" 0
like '... a line tells who packs, and how to have smolvm pack' "$(said PACK)" '^native, .*PACK=smolvm'
ok '... whole' "$top/cache/bin/verify-machine" "$sidecar"
assert_nothing_left '... and leaves nothing' 30
record=${sidecar%.smolmachine.smolmachine}.json
is '... its record has the SHA-256 of the sidecar' "$(jq -r .sidecar_sha256 "$record")" "$(sum "$sidecar")"
is '... and that of the launcher' "$(jq -r .launcher_sha256 "$record")" "$(sum "${sidecar%.smolmachine}")"
is '... and who packed it' "$(jq -r '.packed_by + " " + .smolvm_version' "$record")" 'smolmake 1.32.2'
ok '... a hit' run_make smolmachine IMAGE="$image"
is '... is the same machine' "$(cat "$out")" "$sidecar"

topic 'Its manifest'
manifest >"$tmp/manifest"
ok 'is as smolvm writes it: the fields, in their order' sh -c '
	jq -c "[paths | map(select(type == \"string\")) | join(\".\")] | unique" "$1" >"$3/is"
	jq -c "[paths | map(select(type == \"string\")) | join(\".\")] | unique" "$2" >"$3/wanted"
	diff "$3/is" "$3/wanted" && [ "$(jq -c keys_unsorted "$1")" = "$(jq -c keys_unsorted "$2")" ]' sh \
	"$tmp/manifest" "$top/tests/real/recorded/1.32.2/manifest" "$tmp"
is '... without a newline behind it' "$(tail -c 1 "$tmp/manifest")" '}'
is '... its digest is the image' "$(jq -r .digest "$tmp/manifest")" "$id"
is '... its name has no port' "$(jq -r .image "$tmp/manifest")" "${image%:*}:$(printf %.16s "${id#sha256:}")"
is '... its time is the image'\''s' "$(jq -r .created "$tmp/manifest")" "$(docker image inspect --format '{{.Created}}' "$image")"
is '... command, user, folder and variables are the image'\''s' "$(jq -c '[.entrypoint, .cmd, .user, .workdir, (.env | last)]' "$tmp/manifest")" \
	'[["/bin/busybox","sh"],["-c","a b"],"1000:1001","/more","A=b c"]'

topic 'Its assets'
ok 'are one tar' unpack "$tmp/assets"
is '... with what smolvm'\''s have, in its order' "$(assets_tar "$sidecar" | tar -tf - | sed 's/[0-9a-f]\{64\}/HEX/' | xargs)" \
	'agent-rootfs.tar layers/ layers/HEX.tar storage.ext4'
zstd -dcq "$parts/storage-template.ext4.zst" >"$tmp/disk"
ok '... the disk template, with its holes' cmp "$tmp/disk" "$tmp/assets/storage.ext4"
ok '... which stay holes' test "$(du -k "$tmp/assets/storage.ext4" | cut -f1)" -lt 1000
zstd -dcq "$parts/agent-rootfs.tar.zst" >"$tmp/rootfs"
ok '... the agent'\''s root filesystem' cmp "$tmp/rootfs" "$tmp/assets/agent-rootfs.tar"
layer=$(echo "$tmp"/assets/layers/*.tar)
is '... a layer that its name tells' "${layer##*/}" "$(sum "$layer").tar"
is '... which the manifest names' "$(jq -r '.assets.layers[0] | "\(.digest) \(.size)"' "$tmp/manifest")" "sha256:$(sum "$layer") $(stat -c %s "$layer")"
unlike '... where nothing is that a layer has deleted' "$(tar -tf "$layer" | xargs)" 'gone|\.wh\.'
like '... and the rest' "$(tar -tf "$layer" | xargs)" 'more/kept'
is '... a pipe is an empty file, as in a machine of smolvm'\''s own' "$(tar -tvf "$layer" --numeric-owner | awk '$6 == "more/pipe" { print $1, $3 }')" '-rw-r----- 0'
is '... bytes of its files' "$(jq .image_size "$tmp/manifest")" "$(tar -tvf "$layer" --numeric-owner | awk '/^-/ { n += $3 } END { print n + 0 }')"

topic 'Its launcher'
launcher=${sidecar%.smolmachine}
ok 'begins with the engine' cmp -n "$(stat -c %s "$SMOLVM")" "$SMOLVM" "$launcher"
is '... ends with where its libraries are' "$(tail -c 32 "$launcher" | head -c 8)" SMOLLIBS
tail -c "+$(($(stat -c %s "$SMOLVM") + 1))" "$launcher" | head -c -32 | zstd -dcq >"$tmp/libs"
is '... which are' "$(tar -tf "$tmp/libs" | xargs)" 'lib/ lib/libkrun.so lib/libkrunfw.so.5'
ok '... as they are installed' sh -c 'tar -xOf "$1" lib/libkrun.so | cmp - "$2"' sh "$tmp/libs" "$parts/libkrun.so"
ok '... can be started' test -x "$launcher"

topic 'The same bytes'
once=$(sum "$sidecar") launched=$(sum "$launcher")
ok 'again' native FORCE=1
is '...' "$(sum "$sidecar") $(sum "$launcher")" "$once $launched"
ok 'by a push' native FORCE=1 ROUTE=push
is '...' "$(sum "$sidecar")" "$once"
ok 'through a registry container' native FORCE=1 ROUTE=push REGISTRY_IMAGE="$SMOLMAKE_TEST_REGISTRY_IMAGE"
is '...' "$(sum "$sidecar")" "$once"
ok 'with one processor' taskset -c 0 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" FORCE=1
is '...' "$(sum "$sidecar")" "$once"
ok 'in another cache, with smolvm elsewhere' sh -c 'cp -r "$1" "$2/elsewhere" && SMOLVM="$2/elsewhere/smol-vmm" CACHE_DIR="$2/other" "$3/tests/make" --no-print-directory -s -C "$3" smolmachine IMAGE="$4" >"$2/path"' \
	sh "$parts" "$tmp" "$top" "$image"
is '...' "$(sum "$(cat "$tmp/path")")" "$once"

topic 'Layers that are kept'
framed() { grep -lxz CODING=frames "$CACHE_DIR"/.store/*.record 2>/dev/null | sed 's/\.record$//' | sort; }
layers() { docker image inspect --format '{{len .RootFS.Layers}}' "$image"; }
before=$(framed)
is 'each is kept once' "$(echo "$before" | wc -l)" "$(layers)"
was=$image
must make_context above
mkdir "$context/more"
printf '%s' "kept $mine" | base64 >"$context/more/kept" # compressed, its bytes would not be found
printf '%s' "secret $mine" | base64 >"$context/more/secret"
printf 'FROM %s\nUSER 0\nCOPY more /above\nRUN ["/bin/busybox", "sh", "-c", "ln /above/secret /above/other && rm /above/secret /more/kept && echo new >/more/new"]\n' "$was" >"$context/Dockerfile"
printf 'RUN ["/bin/busybox", "sh", "-c", "%s"]\n' 'mkdir -m 711 /folder && echo 1 >/folder/1 && ln -s nowhere /folder/2 && ln /folder/2 /folder/3' \
	'chmod 755 /folder && echo 4 >/folder/4' >>"$context/Dockerfile"
must _build
ok 'an image above' native
is '... adds its own' "$(framed | wc -l)" "$(layers)"
is '... and leaves those below as they are' "$(framed | grep -cxF -e "$before")" "$(echo "$before" | wc -l)"
unpack "$tmp/assets"
layer=$(echo "$tmp"/assets/layers/*.tar)
is '... is all of it' "$(tar -tf "$layer" | sort -u | grep -E '^(above|more)/' | xargs)" 'above/ above/kept above/other more/ more/new more/pipe'
is '... with the content of a name that went' "$(tar -xOf "$layer" above/other)" "$(printf '%s' "secret $mine" | base64)"
is '... a folder has the mode that it has in the end, and no other' "$(tar -tvf "$layer" | sed -n 's, .* folder/$,,p' | sort -u)" drwxr-xr-x
is '... and each name of a symlink is one' "$(tar -tvf "$layer" | sed -nE 's,^(.).* (folder/[23]) -> nowhere$,\1 \2,p' | xargs)" 'l folder/2 l folder/3'
above=$(sum "$sidecar")
framed | while read -r file; do printf x | dd of="$file" bs=1 seek=30 conv=notrunc 2>/dev/null; done
ok 'kept ones that are damaged' native FORCE=1
is '... are made anew' "$(sum "$sidecar")" "$above"
is '... and kept' "$(framed | wc -l)" "$(layers)"
framed | while read -r file; do truncate -s -40 "$file"; done
ok 'ones that are cut short' native FORCE=1 ROUTE=push
is '... too' "$(sum "$sidecar")" "$above"
rm -rf "$CACHE_DIR/.store"
for route in direct push; do
	ok "with STORE_MAX=0, by $route" native FORCE=1 ROUTE=$route STORE_MAX=0
	is '... the bytes are the same' "$(sum "$sidecar")" "$above"
	is '... and nothing is kept' "$(framed)" ''
	ok "with a STORE_MAX that is too small, by $route" native FORCE=1 ROUTE=$route STORE_MAX=1
	is '...' "$(sum "$sidecar")" "$above"
done
ok 'by an export of what is there, packed at once' run_make -j4 smolmachine IMAGES="$was $image" FORCE=1
is '... too' "$(sum "$sidecar")" "$above"
image=$was

topic 'Options'
ok 'are in the manifest' native CPUS=2 MEM=1G ENTRYPOINT=/bin/x
is '...' "$(manifest | jq -c '[.cpus, .mem, .entrypoint, .cmd]')" '[2,1024,["/bin/x"],["-c","a b"]]'

topic 'Links out of the root'
was=$image
must make_context outward
mkdir -p "$context/more/a/b"
ln -s ../../../etc/passwd "$context/more/a/b/inside" # to the root's, by as many as there are
ln -s /bin "$context/more/bin"
printf 'COPY more /more\n' >>"$context/Dockerfile"
must _build
ok 'none' native
unlike '... is told' "$(cat "$err")" warning
for target in / //. /a/.. ../../../../etc/passwd a/../../../../../x; do
	rm -f "$context/more/a/b/out" && ln -s "$target" "$context/more/a/b/out"
	must _build
	for route in direct push; do
		ok "one to $target, by $route" native ROUTE=$route FORCE=1
		is '... is told, once' "$(grep -c "^warning: $image: 'more/a/b/out' links to the root or out of it; smolvm does not start " "$err")" 1
	done
done
image=$was

topic 'Several at once'
first=$image
must make_image other
other=$image image=$first
ok 'are packed' run_make -j4 smolmachine IMAGES="$image $other" FORCE=1
is '... by us' "$(packs)" 0

topic 'smolvm packs'
by_smolvm() { # WHY-PATTERN VARIABLE...
	: >"$FAKE_SMOLVM_LOG"
	_why=$1
	shift
	native FORCE=1 "$@" && [ "$(packs)" = 1 ] && { [ -z "$_why" ] || said PACK | grep -qE "$_why" || { said PACK && false; }; }
}
echo 'cpus = 2' >"$tmp/Smolfile"
ok 'where it is asked to' by_smolvm '' PACK=smolvm
ok 'with a SMOLFILE, and a line says so' by_smolvm '^smolvm, since a SMOLFILE is' SMOLFILE="$tmp/Smolfile"
ok 'with SQUASH=0' by_smolvm '^smolvm, since SQUASH=0' SQUASH=0
export FAKE_SMOLVM_VERSION=1.32.1
ok 'of a version that was not proved' by_smolvm '^smolvm, since a native pack is proved for smolvm .*, not for smolvm 1\.32\.1$'
export FAKE_SMOLVM_VERSION=1.32.2
must_fail 'PACK=native refuses instead: a SMOLFILE' run_make smolmachine IMAGE="$image" PACK=native SMOLFILE="$tmp/Smolfile" FORCE=1
like '...' "$(cat "$err")" '^error: PACK: native: a SMOLFILE'
must_fail '... SQUASH=0' run_make smolmachine IMAGE="$image" PACK=native SQUASH=0 FORCE=1
must_fail '... an archive, which is for smolvm' run_make smolmachine IMAGE="$image" PACK=native ROUTE=archive FORCE=1
like '...' "$(cat "$err")" '^error: ROUTE: an archive'
must_fail 'another word is none' run_make smolmachine IMAGE="$image" PACK=fast
like '...' "$(cat "$err")" "^error: PACK: 'fast' .*PACK=native"

topic 'Parts'
# what is wrong with a copy of the parts, and what is said of it
lacking() { # WHAT PATTERN COMMAND...
	_what=$1 _pattern=$2
	shift 2
	rm -rf "$tmp/spoilt" && cp -r "$parts" "$tmp/spoilt"
	(cd "$tmp/spoilt" && "$@") || exit 1
	must_fail "$_what: refused" run_make smolmachine IMAGE="$image" PACK=native FORCE=1 SMOLVM="$tmp/spoilt/smol-vmm"
	like '... in one line' "$(grep -c '^error: ' "$err") $(grep '^error: PACK' "$err")" "^1 error: PACK: native: .*$_pattern"
	: >"$FAKE_SMOLVM_LOG"
	ok '... and smolvm packs without PACK' by_smolvm "^smolvm, since .*$_pattern" SMOLVM="$tmp/spoilt/smol-vmm"
	assert_nothing_left '... nothing is left' 30
}
lacking 'no library' 'libkrun' rm libkrun.so
lacking 'no root filesystem' "agent's root filesystem" rm agent-rootfs.tar.zst
lacking 'one that is cut short' 'agent-rootfs.tar.zst' truncate -s -20 agent-rootfs.tar.zst
lacking 'one that is no tar' 'no whole tar' sh -c 'echo no tar | zstd -q -f -o agent-rootfs.tar.zst'
lacking 'one without the agent' 'no agent' sh -c 'tar -cf - libkrun.so | zstd -q -f -o agent-rootfs.tar.zst'
lacking 'a template that is damaged' 'storage-template' sh -c 'printf damaged | dd of=storage-template.ext4.zst bs=1 seek=200 conv=notrunc 2>/dev/null'
ok 'a smolvm without a template is none the worse' sh -c 'rm -rf "$1/bare" && cp -r "$2" "$1/bare" && rm "$1/bare/storage-template.ext4.zst"' sh "$tmp" "$parts"
ok '...' native FORCE=1 PACK=native SMOLVM="$tmp/bare/smol-vmm"
is '... its manifest names none' "$(manifest | jq .assets.storage_template)" null
ok 'a folder instead of an archive' sh -c 'cp -r "$2" "$1/folder" && cd "$1/folder" && mkdir agent-rootfs && zstd -dcq agent-rootfs.tar.zst | tar -xf - -C agent-rootfs && rm agent-rootfs.tar.zst && touch agent-rootfs/.smolvm-ready' sh "$tmp" "$parts"
ok '...' native FORCE=1 PACK=native SMOLVM="$tmp/folder/smol-vmm"
unpack "$tmp/assets"
is '... is packed, but for smolvm'\''s own mark' "$(tar -tf "$tmp/assets/agent-rootfs.tar" | sed 's,^\./,,; s,/$,,' | grep . | sort | xargs)" 'sbin sbin/init usr usr/local usr/local/bin usr/local/bin/smolvm-agent'
printf '#!/bin/sh\nparts='\''%s'\''\necho smolvm 1.32.2\n' "$parts" >"$tmp/older"
chmod +x "$tmp/older"
must_fail 'a program of another version than its command' env FAKE_SMOLVM_VERSION=1.31.0 "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" FORCE=1 PACK=native SMOLVM="$tmp/older" CACHE_DIR="$tmp/other cache"
like '... is refused' "$(cat "$tmp/.log")" "^error: PACK: native: '.*/smol-vmm' does not say that it is smolvm 1\.32\.2, as the command does"
printf '#!/bin/sh\nparts='\''%s'\''\nexec "$parts/smol-vmm" "$@"\n' "$parts" >"$tmp/smolvm"
chmod +x "$tmp/smolvm"
ok 'a script that names its folder, as make setup installs it' native FORCE=1 PACK=native SMOLVM="$tmp/smolvm"

topic 'What is kept'
for file in "$CACHE_DIR"/.parts/*/head; do printf x | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null; done
must_fail 'a part that a disk has spoilt' run_make smolmachine IMAGE="$image" FORCE=1 PACK=native
like '... is told' "$(cat "$err")" 'was damaged and is removed; run make again'
ok '... and made anew' native FORCE=1 PACK=native
is '... the same as ever' "$(sum "$sidecar")" "$once"
for file in "$CACHE_DIR"/.parts/*/launcher; do : >"$file"; done
ok 'one that is cut short is made anew at once' native FORCE=1 PACK=native
touch -d '40 days ago' "$CACHE_DIR"/.parts/*
ok 'after a month' sh -c 'cp -r "$1" "$2/new"' sh "$parts" "$tmp"
ok '... another smolvm' native FORCE=1 PACK=native SMOLVM="$tmp/new/smol-vmm"
is '... replaces what nobody used' "$(find "$CACHE_DIR/.parts" -mindepth 1 -maxdepth 1 | wc -l)" 1

topic 'What was read again while it was written is not read once more'
native FORCE=1
key=$(basename "$record" .json)
no=$(printf %064d 7)
publish() { # PACK SIDECARS-SIZE: with what pack-image might have noted; sets record
	rm -rf "$tmp/cache of one"
	run=$tmp/"cache of one"/.run/test
	(umask 077 && mkdir -p "$run") && cp "${sidecar%.smolmachine}" "$run/$key" && cp "$sidecar" "$run/$key.smolmachine" || return
	printf '%s\n' "$(manifest_of "$sidecar" | jq -r .image)" >"$run/$key.ref"
	printf 'SLUG=test\0IMAGE=%s\0IMAGE_ID=%s\0' "$image" "$id" >"$run/$key.env"
	printf '%s %s\n%s %s\n' "$no" "$2" "$no" "$(stat -c %s "${sidecar%.smolmachine}")" >"$run/$key.written"
	record="$tmp/cache of one/$key.json"
	CACHE_DIR="$tmp/cache of one" RUN=.run/test PACK=$1 SMOLVM="$parts/smol-vmm" ROUTE=direct "$top/cache/bin/publish-machine" "$key" >"$tmp/.log" 2>&1
}
size=$(stat -c %s "$sidecar")
ok 'one is published' publish native "$size"
is '... as was noted' "$(jq -r '.sidecar_sha256, .launcher_sha256' "$record")" "$no
$no"
ok 'where the size is another' publish native "$((size + 1))"
is '... it is read' "$(jq -r '.sidecar_sha256, .launcher_sha256' "$record")" "$(sum "$sidecar")
$(sum "${sidecar%.smolmachine}")"
ok "and what smolvm has packed" publish smolvm "$size"
is '... is read too, whoever noted something' "$(jq -r .sidecar_sha256 "$record")" "$(sum "$sidecar")"

topic 'make -n'
run_make -n smolmachine IMAGE="$image" PACK=native FORCE=1
like 'shows the way' "$(cat "$out")" 'pack-image'
done_testing
