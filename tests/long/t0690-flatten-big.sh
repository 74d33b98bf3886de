#!/bin/sh
# shellcheck disable=SC2317 # functions are called by assertions
# flatten-image on a real Debian and on 20,000 small files, as npm leaves them: the same trees as umoci's, in constant memory
# and less than 200 bytes a path, at a speed that is told. The Debian is kept in cache/ (debootstrap takes a minute).
. "$(dirname "$0")/../lib.sh"
need umoci tar gzip zstd jq awk
[ "$(id -u)" = 0 ] || skip_all 'only root can unpack devices and owners'
. "$top/tests/fake/flat.sh"
[ -x "$top/cache/tests/measure" ] || must make --no-print-directory -C "$top" cache/tests/measure
must cp "$top/cache/tests/measure" "$programs"

# Sets $kilobytes and $milliseconds (of processor, which neighbours do not lengthen). Output goes to ARCHIVE.
measured() { # EXPORT ARCHIVE
	rm -f "$tmp/figures"
	"$programs/measure" -o "$tmp/figures" "$programs/flatten-image" -t "$TMPDIR" -o "$2" <"$1" >/dev/null || return
	milliseconds=$(awk -F '\t' 'END { printf "%d", $4 }' "$tmp/figures")
	kilobytes=$(awk -F '\t' 'END { print $5 }' "$tmp/figures")
}
speed() { # BYTES
	awk -v bytes="$1" -v ms="$milliseconds" 'BEGIN { printf "%d", bytes / 1048576 / (ms > 0 ? ms : 1) * 1000 }'
}
try() { # NAME IMAGE: every dialect that matters, the truth, the figures
	must save_images docker "$2.saved" "$2"
	must measured "$2.saved" "$2.flat"
	bytes=$(flat_layer "$2.flat" | wc -c)
	paths=$(flat_layer "$2.flat" | tar -tf - | wc -l)
	diag "$1: $paths paths, $((bytes >> 20)) MB, $(speed "$bytes") MB a second of processor, $kilobytes KB resident"
	ok "$1: at least 60 MB a second of processor" [ "$(speed "$bytes")" -ge 60 ]
	same_tree "$1: the same tree" "$2" "$2.flat"
	ok "$1: resident memory stays below 32 MB" [ "$kilobytes" -lt 32768 ]
	for compress in 'gzip -1' 'zstd -1'; do
		must save_images ctrd "$tmp/saved" "$2"
		must measured "$tmp/saved" "$tmp/flat"
		diag "$1, layers by $compress: $(speed "$bytes") MB a second of processor, $kilobytes KB resident"
		ok "$1: the same archive from layers by $compress" cmp "$tmp/flat" "$2.flat"
		ok "$1: resident memory stays below 32 MB" [ "$kilobytes" -lt 32768 ]
	done
	rm -rf "$2.true"* "$2.flat"* "$2.saved"
}

topic 'Memory a path: 200,000 of them, and next to nothing beside'
mkdir "$tmp/one" "$tmp/many"
must make_layers "$tmp/one" <<'END'
layer
dir ./
END
awk 'BEGIN {
	print "layer"
	for (p = 0; p < 1000; p++) {
		printf "dir node_modules/package-%d/lib\n", p
		for (f = 0; f < 200; f++) printf "file node_modules/package-%d/lib/some-module-%d.js\n", p, f
	}
	print "layer"
	for (p = 0; p < 1000; p++) printf "file node_modules/package-%d/lib/.wh.some-module-7.js\n", p
}' >"$tmp/description"
must make_layers "$tmp/many" <"$tmp/description"
must save_images docker "$tmp/one.saved" "$tmp/one"
must save_images docker "$tmp/many.saved" "$tmp/many"
must measured "$tmp/one.saved" "$tmp/flat"
base=$kilobytes
must measured "$tmp/many.saved" "$tmp/flat"
paths=$(flat_layer "$tmp/flat" | tar -tf - | wc -l)
bytes=$(((kilobytes - base) * 1024 / paths))
diag "$paths paths: $bytes bytes of memory each, $base KB without any; $((milliseconds * 1000 / paths)) microseconds each"
is 'all of them' "$paths" 201001
ok 'less than 200 bytes of memory a path' [ "$bytes" -lt 200 ]
rm -rf "$tmp/many"* "$tmp/flat"

topic '20,000 files as npm leaves them, in layers as builds leave those: installed, pruned, updated'
mkdir "$tmp/npm"
awk 'function file(p, f, text) { printf "file app/node_modules/%s/%s mode=644 uid=1000 gid=1000 time=%d.%09d %s\n", p, f, 1600000000 + n, n * 7919, text; n++ }
BEGIN {
	print "layer\ndir ./\ndir app uid=1000 gid=1000"
	print "layer\ndir app/node_modules uid=1000 gid=1000\ndir app/node_modules/.bin"
	for (p = 0; p < 500; p++) {
		scope = p % 5 ? "" : "@scope" p % 7 "/"
		name = scope "package-" p
		if (scope != "") printf "dir app/node_modules/%s\n", scope
		printf "dir app/node_modules/%s\ndir app/node_modules/%s/lib\ndir app/node_modules/%s/node_modules\n", name, name, name
		file(name, "package.json", "size=" 300 + p)
		for (f = 0; f < 37; f++) file(name, "lib/module-" f ".js", "seed=" n " size=" n * 37 % 9000)
		printf "symlink app/node_modules/.bin/bin-%d to=../%s/lib/module-0.js\n", p, name
		printf "link app/node_modules/%s/node_modules/LICENSE to=app/node_modules/%s/package.json\n", name, name
	}
	print "layer\ndir app/node_modules uid=1000 gid=1000"
	for (p = 1; p < 500; p += 10) printf "file app/node_modules/.wh.package-%d\nfile app/node_modules/.bin/.wh.bin-%d\n", p, p
	print "layer"
	for (p = 2; p < 500; p += 10) {
		printf "dir app/node_modules/package-%d\nfile app/node_modules/package-%d/.wh..wh..opq\n", p, p
		file("package-" p, "package.json", "text=new")
	}
	for (p = 3; p < 500; p += 10) file("package-" p, "package.json", "text=newer")
}' >"$tmp/description"
must make_layers "$tmp/npm" <"$tmp/description"
try '20,000 files' "$tmp/npm"

topic 'A Debian, then what a Dockerfile does to it: documentation removed, lists emptied, links turned, files replaced'
debian=$top/cache/debian-minbase.tar
if [ ! -e "$debian" ]; then
	need debootstrap
	debootstrap --variant=minbase bookworm "$tmp/root" http://deb.debian.org/debian >"$tmp/debootstrap" 2>&1 ||
		skip_all "debootstrap cannot get a Debian: $(tail -n 1 "$tmp/debootstrap")"
	must tar -cf "$debian.tmp" --format=posix --pax-option=delete=atime,delete=ctime --numeric-owner --xattrs \
		--xattrs-include='*' -C "$tmp/root" .
	must mv "$debian.tmp" "$debian"
	rm -rf "$tmp/root"
fi
mkdir "$tmp/debian" "$tmp/debian.more"
cp "$debian" "$tmp/debian/1.tar"
must make_layers "$tmp/debian.more" <<'END'
layer
dir usr
dir usr/share
file usr/share/.wh.doc
file usr/share/.wh.man
dir usr/share/locale
file usr/share/locale/.wh..wh..opq
file usr/share/locale/locale.alias text=kept
dir var
dir var/lib
dir var/lib/apt
dir var/lib/apt/lists
file var/lib/apt/lists/.wh..wh..opq
layer
link usr/bin/perl.before to=usr/bin/perl
file usr/bin/perl mode=755 text=%23!/bin/sh
link usr/bin/bash.again to=usr/bin/bash
dir etc/passwd-
file etc/passwd-/inside text=1
symlink var/log to=../srv
dir srv
file srv/here text=1
layer
dir usr/bin
file usr/bin/.wh.bash
file etc/debian_version text=42
dir etc
symlink etc/apt to=/nowhere
END
for layer in 1 2 3; do mv "$tmp/debian.more/$layer.tar" "$tmp/debian/$((layer + 1)).tar"; done
try 'Debian' "$tmp/debian"
done_testing
