# shellcheck shell=sh disable=SC2154 # top and work are the caller's
# images.sh: the images that check-real packs, as archives for `docker load`. Sourced; needs $top and a folder $work.
#
#   zoo    three layers: files that are deleted, replaced, hidden by an opaque folder; owners, modes, links, attributes,
#          a device; its command is a shell
#          (as engines write them: a name that one layer both deletes and makes is in `odd` alone)
#   odd    such a layer, which smolvm 1.32.2 does not unpack
#   agent  a user, a folder, variables, an entry point with arguments
#   debian           a Debian, of which the second layer removes the documents
#   random_images    sixty images of tests/trees, of which twenty are booted, with what is needed to look at them
. "$top/tests/fake/exports.sh"

# The config of the image being written; exports.sh calls it.
image_config() { # IMAGE
	_ids=$(image_layers "$1" | while read -r _layer; do printf '"sha256:%s"\n' "$(sha256 <"$_layer")"; done | joined)
	printf '{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05Z","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$(cat "$1/config")" "$_ids"
}
base() { # IMAGE: its first layer, with a shell and what reports
	mkdir -p "$1.root/bin" "$1.root/etc" "$1.root/tmp" "$1.root/proc" "$1.root/sys" "$1.root/dev"
	cp "$(command -v busybox)" "$1.root/bin/busybox"
	for _tool in sh ls cat id env grep sort pwd stat sleep; do ln -s busybox "$1.root/bin/$_tool"; done
	cp "$top/tests/real/report" "$work/list-tree" "$1.root/bin/"
	printf 'root:x:0:0::/:/bin/sh\nagent:x:1000:1001::/home/agent:/bin/sh\n' >"$1.root/etc/passwd"
	printf 'root:x:0:\nagent:x:1001:\n' >"$1.root/etc/group"
	chmod 1777 "$1.root/tmp"
	mkdir -p "$1"
	tar -cf "$1/1.tar" --format=posix --pax-option=delete=atime,delete=ctime --mtime=@1700000000 --owner=0 --group=0 --numeric-owner -C "$1.root" .
	rm -rf "$1.root"
}
zoo() { # ARCHIVE
	base "$work/zoo"
	mkdir "$work/zoo.more"
	"$work/make-layers" "$work/zoo.more" <<'END'
layer
dir zoo
file zoo/gone text=1
dir zoo/gone-folder
file zoo/gone-folder/inside text=1
dir zoo/opaque
file zoo/opaque/old text=1
file zoo/file-to-folder text=1
symlink zoo/link-to-folder to=gone
dir zoo/folder-to-file
file zoo/folder-to-file/inside text=1
dir zoo/folder-to-link
file zoo/folder-to-link/inside text=1
file zoo/own mode=600 uid=1234 gid=4321 text=own
file zoo/setuid mode=4755 text=1
dir zoo/sticky mode=1777 uid=7 gid=8
file zoo/first text=linked
link zoo/second to=zoo/first
symlink zoo/dangling to=/nowhere
file zoo/attribute xattr.user.zoo=yes text=1
file zoo/large size=3000000 seed=7
fifo zoo/fifo
char zoo/null dev=1,3 mode=666
file zoo/%C3%A9%20name text=1
file zoo/old time=1.5 text=1
layer
dir zoo
file zoo/.wh.gone
file zoo/.wh.gone-folder
dir zoo/opaque
file zoo/opaque/.wh..wh..opq
file zoo/opaque/new text=1
dir zoo/file-to-folder
file zoo/file-to-folder/inside text=1
dir zoo/link-to-folder
file zoo/link-to-folder/inside text=1
file zoo/folder-to-file text=1
symlink zoo/folder-to-link to=own
END
	mv "$work/zoo.more/1.tar" "$work/zoo/2.tar"
	mv "$work/zoo.more/2.tar" "$work/zoo/3.tar"
	echo '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}' >"$work/zoo/config"
	save_images docker "$1" "$work/zoo"
}
odd() { # ARCHIVE
	base "$work/odd"
	mkdir "$work/odd.more"
	"$work/make-layers" "$work/odd.more" <<'END'
layer
dir zoo
file zoo/turned text=1
layer
dir zoo
file zoo/.wh.turned
dir zoo/turned
file zoo/turned/inside text=1
END
	mv "$work/odd.more/1.tar" "$work/odd/2.tar"
	mv "$work/odd.more/2.tar" "$work/odd/3.tar"
	echo '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}' >"$work/odd/config"
	save_images docker "$1" "$work/odd"
}
agent() { # ARCHIVE
	base "$work/agent"
	mkdir "$work/agent.more"
	printf 'layer\ndir home\ndir home/agent uid=1000 gid=1001 mode=750\n' | "$work/make-layers" "$work/agent.more"
	mv "$work/agent.more/1.tar" "$work/agent/2.tar"
	echo '{"User":"1000:1001","WorkingDir":"/home/agent","Env":["PATH=/bin","ZOO_A=one two","ZOO_B=\"x\""],"Entrypoint":["/bin/sh","/bin/report"],"Cmd":["first","second third"]}' \
		>"$work/agent/config"
	save_images docker "$1" "$work/agent"
}
debian() { # ARCHIVE
	mkdir -p "$work/debian" "$work/debian.more" "$work/debian.root/usr/local/bin" "$work/debian.root/usr/share"
	ln -s "$("$top/tests/real/parts" debian)/debian.tar" "$work/debian/1.tar" || return
	cp "$work/list-tree" "$work/debian.root/usr/local/bin/"
	: >"$work/debian.root/usr/share/.wh.doc"
	tar -cf "$work/debian/2.tar" --mtime=@1700000000 --owner=0 --group=0 --numeric-owner -C "$work/debian.root" usr
	echo '{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"],"WorkingDir":"/var/tmp","Cmd":["/bin/bash"]}' >"$work/debian/config"
	save_images docker "$1" "$work/debian"
}
# The first seeds that every engine takes.
random_images() { # FOLDER
	_seed=0 _count=0
	mkdir -p "$1" "$work/tools/.tools"
	cp "$(command -v busybox)" "$work/tools/.tools/sh"
	cp "$work/list-tree" "$work/tools/.tools/"
	tar -cf "$work/tools.tar" --mtime=@1700000000 --owner=0 --group=0 --numeric-owner -C "$work/tools" .tools
	while [ $_count -lt 60 ]; do
		_seed=$((_seed + 1))
		"$programs/random-layers" $_seed >"$work/description" || return
		grep -q '^# truth engine' "$work/description" || continue
		! grep -q '^# refused' "$work/description" || continue
		_image=$work/random-$_seed
		mkdir -p "$_image" "$work/layers"
		"$work/make-layers" "$work/layers" <"$work/description" || return
		cp "$work/tools.tar" "$_image/1.tar"
		for _layer in "$work/layers"/*.tar; do
			_number=${_layer##*/}
			mv "$_layer" "$_image/$((${_number%.tar} + 1)).tar"
		done
		echo '{"Env":["PATH=/.tools"],"Cmd":["/.tools/sh"]}' >"$_image/config"
		save_images docker "$1/$_seed.tar" "$_image" || return
		rm -rf "$_image"
		_count=$((_count + 1))
	done
}
