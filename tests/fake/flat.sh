# shellcheck shell=sh disable=SC2154 # top and tmp come from lib.sh
# flat.sh: an image and the one layer made of it, side by side. Sourced by the tests of flatten-image after lib.sh.
#
# flatten [OPTION]...                       flatten-image
# make_layers IMAGE                         from a description on stdin (make-layers)
# flat_layer ARCHIVE                        its one layer
# unpack_flat ARCHIVE FOLDER                and what tar makes of that
# list_both TRUTH TREE                      $tmp/truth and $tmp/found, to be compared
# same_tree DESCRIPTION IMAGE ARCHIVE       the assertion; what umoci makes of the image is kept in IMAGE.true
. "$top/tests/fake/exports.sh"

# Copies, so that whoever makes or cleans meanwhile does not matter.
if [ -z "${programs-}" ]; then
	programs=$tmp/programs
	started=$(date +%s)
	mkdir "$programs"
	for _program in tests/make-layers tests/list-tree bin/flatten-image; do
		[ -x "$top/cache/$_program" ] || must make --no-print-directory -C "$top" "cache/$_program"
		must cp "$top/cache/$_program" "$programs"
	done
fi

# shellcheck disable=SC2120 # the tests that source this have arguments for it
flatten() { "$programs/flatten-image" -t "$TMPDIR" "$@"; }
make_layers() { mkdir -p "$1" && "$programs/make-layers" "$1"; }
flat_layer() { tar -xOf "$1" --wildcards '*/layer.tar'; }
unpack_flat() { mkdir "$2" && flat_layer "$1" | tar -xpf - -C "$2" --numeric-owner --xattrs --xattrs-include='*'; }
# Where a whiteout reaches into folders below it, umoci leaves them with the time of now: those are '?' in both lists.
list_both() {
	"$programs/list-tree" "$1" >"$1.list" && "$programs/list-tree" "$2" >"$2.list" || return
	awk -v now="$started" '$2 == "d" && $5 + 0 >= now { $5 = "?" } { print }' "$1.list" >"$tmp/truth"
	awk 'FNR == NR { unset[FNR] = $5 == "?"; next } unset[FNR] && $2 == "d" { $5 = "?" } { print }' \
		"$tmp/truth" "$2.list" >"$tmp/found"
}
same_tree() {
	[ -d "$2.true" ] || must true_tree "$2.true" "$2"
	rm -rf "$3.tree"
	must unpack_flat "$3" "$3.tree"
	must list_both "$2.true/rootfs" "$3.tree"
	same "$1" "$tmp/found" "$tmp/truth"
}
