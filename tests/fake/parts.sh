#!/bin/sh
# parts.sh FOLDER: the parts of an installed smolvm, small ones, as PyPI's wheel has them: the engine, which is the stand-in behind a
# program (engine.c), the libraries, the agent's root filesystem and a disk template with holes.
set -eu
folder=$1
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
mkdir -p "$folder"
cp "$here/../../cache/tests/engine" "$folder/smol-vmm"
for library in libkrun.so libkrunfw.so.5; do
	{ printf '\177ELF%s' "$library" && head -c 70001 /dev/zero | tr '\0' "${library#libkru}"; } >"$folder/$library"
	chmod 755 "$folder/$library"
done
work=$(mktemp -d "$folder/work.XXXXXX")
mkdir -p "$work/usr/local/bin" "$work/sbin"
echo agent >"$work/usr/local/bin/smolvm-agent"
ln -s /usr/local/bin/smolvm-agent "$work/sbin/init"
tar -cf - -C "$work" --sort=name --mtime=@1700000000 --owner=1001 --group=1001 --numeric-owner . | zstd -q -o "$folder/agent-rootfs.tar.zst"
# what is in it: more pieces than a header has room for, and one at its end
truncate -s 64M "$work/disk"
for at in 1 3 5 7 9 11 40 70 100 130 160 190 220 250 280 300 320 340 360 380 400 420 440 460 480 500 520 16383; do
	printf 'block %s' "$at" | dd of="$work/disk" bs=4096 seek="$at" conv=notrunc status=none
done
zstd -q -1 -o "$folder/storage-template.ext4.zst" <"$work/disk"
rm -rf "$work"
