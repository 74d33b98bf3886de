# shellcheck shell=sh
# picture.sh: what a script needs that makes a picture of CACHE_DIR.  . mk/picture.sh
#
# refuse MESSAGE: one line, and the end. begin SETTING VALUE: VALUE (an absolute path) is $place, and $work a folder that goes again;
# refuses a place where no file can be. put FILE: FILE is at $place, by rename, and its path printed.
. "$TOP/mk/answer.sh"

refuse() {
	printf 'error: %s\n' "$1" >&2
	exit 1
}
begin() {
	setting=$1 place=$2 folder=${2%/*}
	command -v jq >/dev/null || refuse 'jq is not installed; run `make setup`'
	[ -d "$CACHE_DIR" ] || refuse "CACHE_DIR: '$CACHE_DIR' is not there yet; pack an image first"
	[ ! -d "$place" ] || refuse "$setting: '$place' is a folder; give the path of a file"
	if [ ! -d "${folder:-/}" ] || [ ! -w "${folder:-/}" ]; then
		refuse "$setting: cannot write to '${folder:-/}'; give a path in a folder that is there"
	fi
	work=$(mktemp -d) || exit
	trap 'rm -rf "$work"' EXIT
}
put() {
	if ! cp "$1" "$place.$$" || ! mv -f "$place.$$" "$place"; then
		rm -f "$place.$$"
		refuse "$setting: cannot write '$place'"
	fi
	answer "$place"
	finish 0
}
