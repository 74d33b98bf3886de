#!/bin/sh
# shellcheck disable=SC2317 # functions are called by assertions
# flatten-image against umoci: an image's layers, unpacked one after the other by somebody else, and the one layer made of
# them, unpacked by tar, are the same to the last attribute: a zoo. Images at random are t0620's.
. "${0%/*}/lib.sh"
need umoci skopeo jq tar gzip zstd busybox
[ "$(id -u)" = 0 ] || skip_all 'only root can unpack devices and owners'
. "$top/tests/fake/flat.sh"

zoo=$tmp/zoo
mkdir "$zoo"

topic '1. Layers that meet: a folder for each way in which they do'
must make_layers "$zoo/meetings" <<'END'
layer
dir ./ mode=755 time=1000000001.5
dir whiteout time=1
file whiteout/a text=1
file whiteout/b text=1
dir whiteout/d
dir whiteout/d/e
file whiteout/d/e/f text=1
dir opaque
dir opaque/d mode=700 time=5
file opaque/d/a text=1
dir opaque/after
file opaque/after/a text=1
dir turned
file turned/file-folder text=1
dir turned/folder-file
dir turned/folder-file/a
file turned/folder-file/a/b text=1
dir turned/folder-link
file turned/folder-link/b text=1
symlink turned/link-folder to=whiteout
symlink turned/link-file to=whiteout
file turned/file-link text=1
fifo turned/fifo-file
dir turned/back
file turned/back/a text=1
dir links
file links/one text=one mode=640 uid=5 xattr.user.x=1
link links/two to=links/one
file links/moved text=moved time=77
file links/removed text=removed uid=7 time=88.123
file links/changed text=old mode=4711
symlink links/symlink to=nowhere
link links/symlink2 to=links/symlink
char links/device dev=1,3
link links/device2 to=links/device
dir links/folder
file links/folder/below text=below gid=9
file links/overwritten text=1
link links/overwritten2 to=links/overwritten
dir implied mode=700 uid=3 gid=4 time=99.000000001
dir implied/deeper mode=711 uid=3
layer
dir whiteout time=2
file whiteout/.wh.a
file whiteout/.wh.d
file whiteout/.wh.never
dir opaque
dir opaque/d mode=750 time=6
file opaque/d/.wh..wh..opq
file opaque/d/b text=2
dir opaque/after
file opaque/after/b text=2
file opaque/after/.wh..wh..opq
dir turned
dir turned/file-folder
file turned/file-folder/a text=2
file turned/folder-file text=2
symlink turned/folder-link to=../whiteout
dir turned/link-folder
file turned/link-folder/b text=2
file turned/link-file text=2
symlink turned/file-link to=x
file turned/fifo-file text=2
symlink turned/back to=x
link links/three to=links/moved
link links/four to=links/removed
file links/.wh.removed
link links/five to=links/changed
file links/changed text=new
link links/six to=links/symlink
file links/.wh.symlink
link links/seven to=links/device
link links/eight to=links/folder/below
symlink links/folder to=x
file links/overwritten text=2
file implied/a text=2
file implied/deeper/b text=2
file twice text=1
file twice text=2
dir twice-folder
file twice-folder/a text=1
file twice-folder text=2
dir twice-folder mode=711
layer
dir whiteout
dir whiteout/d mode=700
file whiteout/d/new text=3
file opaque/d/c text=3
dir turned
dir turned/back
file turned/.wh.link-folder
file links/moved text=3
link links/nine to=links/three
layer
END

topic "1b. Links that other entries of the same layer go through: tars made of several packages, debootstrap's, Bazel's"
must make_layers "$zoo/links" <<'END'
layer
dir ./ time=1
dir usr
dir usr/bin
dir usr/lib time=2
symlink bin to=usr/bin
symlink lib to=/usr/lib
file bin/busybox text=busybox mode=4755
symlink usr/bin/sh to=busybox
symlink bin/ash to=sh
link bin/[ to=usr/bin/busybox
link usr/bin/[[ to=bin/busybox
dir lib/deep mode=750
symlink chain1 to=chain2
symlink chain2 to=./usr/../chain3
symlink chain3 to=lib/deep
file chain1/a text=a
dir chain1/below
symlink chain1/below/up to=../../../..
file chain1/below/up/root text=root
layer
dir usr
dir usr/lib
dir usr/lib/deep mode=700
symlink again to=../../usr/lib
file again/deep/.wh.a
file again/deep/b text=b
END

topic "1c. Extended headers: what archive/tar, which all engines read by, takes from one. Docker writes a link's target that is"
# not ASCII there and nowhere else; the first one of a layer is the one that libarchive loses.
utf=%e3%82%a2
must make_layers "$zoo/headers" <<END
layer
dir ./ time=1
file $utf text=1
link first pax.linkpath=$utf
symlink second pax.linkpath=$utf/x
layer
symlink $utf-s pax.linkpath=$utf
link third pax.linkpath=$utf
symlink fourth pax.linkpath=%ff/%fe
file names xattr.user.a%20b=1 xattr.user.%2541=2 xattr.user.%c3%bc=3 xattr.user.%ff=4 xattr.user.p%25=5 text=x
file values xattr.user.nul=a%00b xattr.user.nl=a%0ab xattr.user.empty= xattr.user.e=x=y text=x
dir folder xattr.user.a%20b=1
symlink folder/s to=x xattr.trusted.a%20b=1
file renamed pax.path=folder/$utf%ff text=2
file twice xattr.user.x=1 xattr.user.x=2
file acl mode=640 pax.SCHILY.acl.access=user::rwx,group::rwx,other::rwx,mask::rwx,user:5:r-- text=x
dir acl-default pax.SCHILY.acl.default=user::rwx,group::r-x,other::---
file foreign pax.LIBARCHIVE.xattr.user.x=MQ== pax.RHT.security.selinux=x pax.SCHILY.fflags=nodump pax.mode=0777 text=x
file foreign2 pax.SCHILY.realsize=5 pax.SCHILY.dev=1 pax.LIBARCHIVE.creationtime=5 pax.MSWINDOWS.rawsd=AAAA text=x
char device dev=1,3 pax.SCHILY.devmajor=9 pax.SCHILY.devminor=8
file numbers pax.uid=4294967294 pax.gid=5 pax.mtime=5.25 pax.uname=$utf pax.gname=root text=x
file empty pax.uid= pax.path= pax.mtime= uid=9
END

topic '2. Whatever a file can be: names, modes, owners, times, attributes, kinds, sizes'
long=$(printf '%0150d' 7)
must make_layers "$zoo/kinds" <<END
layer
dir ./ mode=1777 uid=1 gid=2 time=1000000000.123456789
dir names
file names/%ff%fe text=not%20UTF-8
file names/e%cc%81 text=decomposed
file names/%c3%a9 text=composed
file names/%e6%97%a5 text=wide
file names/blank%20%09and%0anewline
file names/-dash
file names/back%5cslash%25
file names/...
file names/.wh
file names/%01
file names/$long
dir names/$long-d
file names/$long-d/$long text=300
symlink names/to-%ff to=%fe/%cc%81
symlink names/long to=$long/$long
link names/hard-%ff to=names/%ff%fe
link names/hard-$long to=names/$long-d/$long
symlink names/empty-looking to=%20
dir modes
file modes/0 mode=0
file modes/setuid mode=4755
file modes/setgid mode=2755 uid=1000
file modes/sticky mode=1644
file modes/all mode=7777
dir modes/tmp mode=1777
dir modes/setgid-folder mode=2775 gid=50
dir modes/closed mode=0
file modes/closed/inside mode=600
dir owners
file owners/nobody uid=65534 gid=65534
file owners/large uid=2097152 gid=3000000
file owners/largest uid=4294967294 gid=4294967294
dir times
file times/epoch time=0
file times/nanosecond time=0.000000001
file times/late time=4102444800.999999999
file times/before time=-1000000
dir times/folder time=1234567890.987654321
file times/folder/newer time=1700000000
symlink times/symlink to=x time=5.5
dir attributes xattr.user.on-folder=1 xattr.trusted.t=2
file attributes/bytes xattr.user.bytes=%00%01%0a%3d%ff text=x
file attributes/many xattr.user.a=1 xattr.user.b=2 xattr.user.c=3
file attributes/ping mode=755 text=%7fELF xattr.security.capability=%01%00%00%02%00%20%00%00%00%00%00%00%00%00%00%00%00%00%00%00
symlink attributes/symlink to=x xattr.trusted.t=3
link attributes/linked to=attributes/many
dir kinds
char kinds/null dev=1,3 mode=666
char kinds/large dev=511,70000
block kinds/loop dev=7,200 uid=0 gid=6
fifo kinds/fifo mode=600
symlink kinds/absolute to=/etc/passwd
symlink kinds/out to=../../../../etc
dir sizes
file sizes/0
file sizes/1 size=1 seed=1
file sizes/511 size=511 seed=2
file sizes/512 size=512 seed=3
file sizes/513 size=513 seed=4
file sizes/262143 size=262143 seed=5
file sizes/262144 size=262144 seed=6
file sizes/1000000 size=1000000 seed=7
layer
file attributes/many xattr.user.d=4
dir attributes
END

topic '3. Whatever a tar can be: each format that tar writes, holes, headers for everybody, a layer that is there twice'
mkdir -p "$zoo/formats" "$tmp/data/sparse" "$tmp/data/plain"
(
	cd "$tmp/data" || exit
	truncate -s 30M sparse/hole
	truncate -s 30M sparse/both
	for at in 0 1000000 20000000; do printf '%s' "$at" | dd of=sparse/both bs=1 seek="$at" conv=notrunc status=none; done
	truncate -s 5M sparse/end
	printf 'end' >>sparse/end
	printf x >plain/a
	ln plain/a plain/b
	ln -s a plain/c
	touch -d @1000000000.25 plain/* sparse/*
)
n=0
for format in v7 oldgnu gnu ustar posix; do
	n=$((n + 1))
	must tar -cf "$zoo/formats/$n.tar" --format=$format --owner=root:0 --group=disk:6 -C "$tmp/data" \
		--transform "s,^plain,$format," plain
done
for format in '--format=posix --sparse-version=0.0' '--format=posix --sparse-version=0.1' '--format=posix'; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # two options
	must tar -cSf "$zoo/formats/$n.tar" $format -C "$tmp/data" --transform "s,^sparse,sparse$n," sparse
done
cp "$zoo/formats/1.tar" "$zoo/formats/$((n + 1)).tar"
printf 'what follows the end is no entry' >>"$zoo/formats/$((n + 1)).tar"
must make_layers "$tmp/root" <<'END'
layer
dir ./
END
mv "$tmp/root/1.tar" "$zoo/formats/$((n + 2)).tar"
# GNU's older sparse format and headers for the whole archive are nothing for umoci: here tar says what is in them.
must make_layers "$zoo/oddities" <<'END'
layer
dir ./ time=1
END
must tar -cSf "$zoo/oddities/2.tar" --format=gnu -C "$tmp/data" sparse
must tar -cf "$zoo/oddities/3.tar" --format=posix --pax-option='globexthdr.name=g,comment=global,delete=atime' \
	-C "$tmp/data" plain
mkdir -p "$zoo/oddities.true/rootfs"
for layer in 1 2 3; do must tar -xpf "$zoo/oddities/$layer.tar" -C "$zoo/oddities.true/rootfs"; done
touch -d @1 "$zoo/oddities.true/rootfs"

topic 'One archive, whichever engine has saved the image and however it comes'
for name in meetings links headers kinds formats oddities; do
	image=$zoo/$name
	must save_images docker "$image.saved" "$image"
	must flatten -o "$image.flat" <"$image.saved"
	same_tree "$name: the same tree" "$image" "$image.flat"
	for dialect in 'docker25 gzip' 'ctrd gzip' 'ctrd zstd' 'oci gzip' 'oci zstd'; do
		compress=${dialect#* }
		must save_images "${dialect% *}" "$tmp/saved" "$image"
		must flatten -o "$tmp/flat" <"$tmp/saved"
		ok "$name: the same archive from $dialect" cmp "$tmp/flat" "$image.flat"
	done
	must skopeo --insecure-policy copy -q "docker-archive:$image.saved" "docker-archive:$tmp/podman.saved:x:y"
	must flatten -o "$tmp/flat" <"$tmp/podman.saved"
	ok "$name: the same archive from podman's docker-archive" cmp "$tmp/flat" "$image.flat"
	must skopeo --insecure-policy copy -q "docker-archive:$image.saved" "oci-archive:$tmp/oci.saved:y"
	must flatten -o "$tmp/flat" <"$tmp/oci.saved"
	flat_layer "$tmp/flat" >"$tmp/layer"
	flat_layer "$image.flat" >"$tmp/layer.expected"
	ok "$name: the same layer from podman's oci-archive" cmp "$tmp/layer" "$tmp/layer.expected"
	# shellcheck disable=SC2002 # a pipe is what is tried
	cat "$image.saved" | flatten | cat >"$tmp/flat"
	ok "$name: the same archive by pipes" cmp "$tmp/flat" "$image.flat"
	rm -f "$tmp/flat" "$tmp/saved" "$tmp/podman.saved" "$tmp/oci.saved"
done
holes=$(flat_layer "$zoo/formats.flat" | wc -c)
ok "holes stay holes: 200 MB of them in $holes bytes" [ "$holes" -lt 1000000 ]

topic 'Who reads it: containers/image (podman, skopeo), umoci by way of it, busybox as far as that reads anything'
for name in meetings kinds; do
	image=$zoo/$name
	must skopeo --insecure-policy copy -q "docker-archive:$image.flat" "oci:$image.oci:image"
	must umoci --log error unpack --image "$image.oci:image" "$image.umoci"
	must list_both "$image.true/rootfs" "$image.umoci/rootfs"
	same "$name: skopeo and umoci read the same tree" "$tmp/found" "$tmp/truth"
done
without_fractions() { sed 's/\(:[0-9]* [0-9]*\)\.[0-9]*/\1/; s/ user\.x=.*//'; }
mkdir "$tmp/busybox"
flat_layer "$zoo/meetings.flat" | busybox tar -x -C "$tmp/busybox" >"$tmp/busybox.log" 2>&1
"$programs/list-tree" -t "$zoo/meetings.true/rootfs" | without_fractions >"$tmp/truth"
"$programs/list-tree" -t "$tmp/busybox" | without_fractions >"$tmp/found"
same 'busybox reads the same tree, but for what it never reads' "$tmp/found" "$tmp/truth"

topic 'The config: all of it, but for the layers'
config_of() { tar -xOf "$1" "$(tar -xOf "$1" manifest.json | jq -r '.[0].Config')"; }
image_config "$zoo/kinds" | jq -S 'del(.rootfs, .history)' >"$tmp/config"
config_of "$zoo/kinds.flat" | jq -S 'del(.rootfs, .history)' >"$tmp/config.found"
same 'the config is kept, with what nobody knows' "$tmp/config.found" "$tmp/config"
is 'one layer, which is the one in the archive' "$(config_of "$zoo/kinds.flat" | jq -r '.rootfs.diff_ids[]')" \
	"sha256:$(flat_layer "$zoo/kinds.flat" | sha256)"
is 'one entry of history, which is a layer' "$(config_of "$zoo/kinds.flat" | jq -c '[.history[].empty_layer]')" '[null]'
is 'the config is named by its digest' "$(tar -xOf "$zoo/kinds.flat" manifest.json | jq -r '.[0].Config')" \
	"$(config_of "$zoo/kinds.flat" | sha256).json"
is 'and -o prints that' "$(flatten -o "$tmp/flat" <"$zoo/kinds.saved")" "sha256:$(config_of "$tmp/flat" | sha256)"
is 'no name is taken from anybody' "$(tar -xOf "$zoo/kinds.flat" manifest.json | jq -c '.[0].RepoTags')" null

topic 'A link without a target is none, whatever stands in an extended header'
for entry in 'link a' 'symlink a' 'symlink a pax.linkpath=' 'link a pax.GNU.linkpath=x'; do
	rm -rf "$tmp/empty"
	printf 'layer\nfile x\n%s\n' "$entry" | make_layers "$tmp/empty"
	must save_images docker "$tmp/saved" "$tmp/empty"
	flatten -o "$tmp/none" <"$tmp/saved" >"$tmp/out" 2>"$tmp/err"
	is "$entry: refused" "$? $(sed 's/.*: //' "$tmp/err")" \
		"1 'a' is a $(case $entry in symlink*) echo symbolic ;; *) echo hard ;; esac) link without a target"
done

topic 'Several images in one export, which share layers'
mkdir "$zoo/more"
cp "$zoo/meetings/1.tar" "$zoo/more/1.tar"
cp "$zoo/kinds/1.tar" "$zoo/more/2.tar"
for image in meetings more kinds; do
	must save_images docker "$tmp/saved" "$zoo/$image"
	flatten -o "$tmp/flat" <"$tmp/saved"
done >"$tmp/one-by-one"
for dialect in docker docker25 ctrd oci; do
	must save_images $dialect "$tmp/saved" "$zoo/meetings" "$zoo/more" "$zoo/kinds"
	flatten -o "$tmp/flat" <"$tmp/saved" >"$tmp/together"
	same "$dialect: three images in one export are three images" "$tmp/together" "$tmp/one-by-one"
done
must save_images docker25 "$tmp/saved" "$zoo/kinds" "$zoo/kinds"
is 'one image under two names is one image' "$(flatten -o "$tmp/flat" <"$tmp/saved" | wc -l)" 1

topic 'What is no export: one line, no file, nothing left'
refused() { # DESCRIPTION FILE ERE
	flatten -o "$tmp/none" <"$2" >"$tmp/out" 2>"$tmp/err"
	is "$1: refused" "$? $(wc -c <"$tmp/out") $(wc -l <"$tmp/err") $(find "$TMPDIR" "$tmp/none"* -type f 2>/dev/null)" '1 0 1 '
	like "$1: and why" "$(cat "$tmp/err")" "$3"
}
refused 'an empty file' /dev/null '^flatten-image: the export is empty$'
refused 'another file' "$0" '^flatten-image: '
gzip -1 <"$zoo/kinds.saved" >"$tmp/saved.gz"
refused 'a compressed export' "$tmp/saved.gz" '^flatten-image: Unrecognized archive format$'
head -c 1000000 "$zoo/kinds.saved" >"$tmp/cut"
refused 'half an export' "$tmp/cut" '^flatten-image: Truncated'
mkdir "$tmp/spoil"
must tar -xf "$zoo/kinds.saved" -C "$tmp/spoil"
for layer in "$tmp/spoil"/*/layer.tar; do printf x | dd of="$layer" bs=1 seek=600 conv=notrunc status=none; done
must tar -cf "$tmp/spoilt" -C "$tmp/spoil" .
refused 'a byte of a layer is another' "$tmp/spoilt" '^flatten-image: layer 1 of sha256:[0-9a-f]{12}\.\.\.: it holds sha256:'
rm "$tmp/spoil"/*/layer.tar
must tar -cf "$tmp/spoilt" -C "$tmp/spoil" .
refused 'layers are missing' "$tmp/spoilt" "layer '[0-9a-f]*/layer.tar' is missing\$"
expect_code 'called wrongly' 100 flatten -x
expect_code 'and with an operand' 100 flatten "$zoo/kinds.saved"
done_testing
