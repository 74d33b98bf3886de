#!/bin/sh
# install.sh install|uninstall - puts smolmake into $DESTDIR$PREFIX, or takes it away.
#
# PREFIX/lib/smolmake is replaced as a whole: it is made beside its place. Nothing is written into it afterwards.
set -eu
prefix=${PREFIX:-/usr/local}

refuse() { # MESSAGE
	printf 'error: %s\n' "$1" >&2
	exit 1
}
case $prefix in
/*) ;;
*) refuse "PREFIX: '$prefix' is no absolute path; give one, as PREFIX=/usr/local" ;;
esac
case ${DESTDIR-} in
'' | /*) ;;
*) refuse "DESTDIR: '$DESTDIR' is no absolute path" ;;
esac
to=${DESTDIR-}$prefix
lib=$to/lib/smolmake

# What lies outside lib: each file, its mode, its place.
each() { # COMMAND
	"$1" share/smolmake 755 bin/smolmake
	"$1" share/smolmake.mk 644 include/smolmake.mk
	"$1" share/images.schema.json 644 share/smolmake/images.schema.json
	"$1" share/smolmake.1 644 share/man/man1/smolmake.1
	"$1" share/smolmake.bash 644 share/bash-completion/completions/smolmake
	"$1" share/_smolmake 644 share/zsh/site-functions/_smolmake
}
put() { # FILE MODE TO: by rename
	mkdir -p "$to/${3%/*}"
	cp "$1" "$to/$3.$$" && chmod "$2" "$to/$3.$$" && mv -f "$to/$3.$$" "$to/$3"
}
take_away() { rm -f "$to/$3"; }
manuals=$to/share/man/man8 # a page a helper

if [ "$1" = uninstall ]; then
	[ -e "$lib/VERSION" ] || refuse "PREFIX: no smolmake is installed in '$to'"
	for helper in "$lib"/bin/*; do rm -f "$manuals/smolmake-${helper##*/}.8"; done
	rm -rf "$lib" "$to/share/smolmake"
	each take_away
	exit
fi

umask 022
if ! mkdir -p "$to/lib" 2>/dev/null || [ ! -w "$to/lib" ]; then
	refuse "PREFIX: '$to/lib' cannot be written; run make as somebody who can, or give another PREFIX"
fi
new=$to/lib/.smolmake.$$
trap 'rm -rf "$new"' EXIT
mkdir "$new" "$new/mk" "$new/bin"
mkdir "$new/docs"
cp GNUmakefile VERSION LICENSE README.md "$new"
cp docs/reference.md "$new/docs"
cp mk/*.mk mk/*.sh mk/*.jq mk/*.awk mk/*.html mk/settings "$new/mk"
cp cache/bin/* "$new/bin"
chmod -R go+rX,go-w "$new"
[ ! -e "$lib" ] || mv "$lib" "$new.old"
mv "$new" "$lib"
rm -rf "$new.old"
each put
mkdir -p "$manuals"
date=$(sed -n 's/^\.Dd //p' share/smolmake.1)
for helper in "$lib"/bin/*; do
	name=${helper##*/}
	page=$manuals/smolmake-$name.8
	"$helper" -h | awk -v name="$name" -v date="$date" -f mk/man.awk "helpers/$name.c" - >"$page.$$" && mv -f "$page.$$" "$page"
done
printf '%s\n' "$to/bin/smolmake"
