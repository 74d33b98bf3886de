# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is read in smolvm, and the other way round
# layers.sh: the layers of the stand-in for smolvm, which sources it: rightly or wrongly merged, as the version has it.
#
# unpack DIGEST FOLDER    one layer of the pulled image; else 1 and $pull_failed
# collect_layers          all of them as one tar: $file, of the digest $layer

uncompressed() { # BLOB
	case $(od -An -N4 -tx1 "$1" | tr -d ' ') in
	1f8b*) gzip -dc <"$1" ;;
	28b52ffd) zstd -qdc <"$1" ;;
	*) cat <"$1" ;;
	esac
}
# One layer into a folder. Whiteouts stay as they are up to 1.0.4; later they are applied, or not, when layers are merged.
unpack() { # DIGEST FOLDER
	blob=$work/image/${1#sha256:}
	mkdir "$2" || return
	if ! since 1.5.0 && [ "$(od -An -N2 -tx1 "$blob" | tr -d ' ')" != 1f8b ]; then
		pull_failed=$(since 1.1.0 && echo "layer extraction failed for layer $1: failed to iterate over archive" ||
			printf 'tar extraction failed for layer %s: tar: invalid magic\ntar: short read\n' "$1")
		return 1
	fi
	uncompressed "$blob" | tar -xpf - --numeric-owner -C "$2" 2>"$work/tar" && return
	# links across layers and device files without the right to make them are skipped, as there
	grep -Ev 'Cannot (hard link|mknod|create symlink)|failure status' "$work/tar" >"$work/tar.bad" || return 0
	if grep -q 'No space left' "$work/tar"; then
		pull_failed="layer extraction failed for layer $1: No space left on device (os error 28)"
	else
		pull_failed="layer extraction failed for layer $1: $(tail -n 1 "$work/tar.bad")"
	fi
	return 1
}
pack_tree() { # FOLDER TAR; 1.1.0 alone gave every file to root
	if since 1.1.0 && ! since 1.1.1; then
		tar -cf "$2" --numeric-owner --owner=0 --group=0 -C "$1" .
	else
		tar -cf "$2" --numeric-owner -C "$1" .
	fi 2>"$work/tar" || ! grep -q 'No space left' "$work/tar"
}

# Up to 1.16.1 the guest runs 'cp -a LAYER/. MERGED/ || true' of busybox, bottom layer first. So what is there stays, unless
# both are files or both are folders; a folder over anything else is lost with all that is in it; and a whiteout, by then a
# device, deletes nothing. The same comes out here by choosing what is copied, so that nothing is ever written through a link
# (there a file over a link is: in the guest; here it would be the host).
is_folder() { [ -d "$1" ] && [ ! -h "$1" ]; }
is_file() { [ -f "$1" ] && [ ! -h "$1" ]; }
merge_wrongly() { # LAYER MERGED
	lost=//
	(cd "$1" && find . ! -name .) >"$work/all" || return
	while IFS= read -r path; do
		case $path in "$lost"/*) continue ;; esac
		if [ -e "$2/$path" ] || [ -h "$2/$path" ]; then
			if is_folder "$1/$path"; then
				is_folder "$2/$path" || { lost=$path && continue; }
			else
				{ is_file "$1/$path" && is_file "$2/$path"; } || continue
			fi
		fi
		printf '%s\n' "$path"
	done <"$work/all" >"$work/taken"
	copy_tree "$1" "$2"
}
# After 1.16.1 as an overlay mount would show it.
merge_rightly() { # LAYER MERGED
	(cd "$1" && find . -name '.wh.?*') >"$work/whiteouts"
	merged=$(cd -P "$2" && pwd -P)
	while IFS= read -r path; do
		rm -rf "${1:?}/$path"
		parent=${path%/*} parent=${parent#.}
		[ "$(cd -P "$2$parent" 2>/dev/null && pwd -P)" = "$merged$parent" ] || continue # never through a link
		case ${path##*/} in
		.wh..wh..opq) find "$2$parent" -mindepth 1 -delete ;;
		*) rm -rf "${2:?}$parent/${path##*/.wh.}" ;;
		esac
	done <"$work/whiteouts"
	(cd "$1" && find . ! -name .) >"$work/taken" || return
	while IFS= read -r path; do
		if is_folder "$2/$path"; then
			is_folder "$1/$path" || rm -rf "${2:?}/$path"
		elif [ -h "$2/$path" ] || [ -e "$2/$path" ]; then
			rm -f "$2/$path"
		fi
	done <"$work/taken"
	copy_tree "$1" "$2"
}
copy_tree() { # FROM TO: what $work/taken names
	tar -C "$1" -cf - --numeric-owner --no-recursion --no-unquote -T "$work/taken" |
		tar -C "$2" -xpf - --numeric-owner 2>"$work/tar"
	! grep -q 'No space left' "$work/tar"
}
# The devices that stand for whiteouts in a layer of 1.1.0 and later.
whiteouts_to_devices() { # FOLDER
	(cd "$1" && find . -name '.wh.?*') >"$work/whiteouts"
	while IFS= read -r path; do
		rm -rf "${1:?}/$path"
		device=$1/${path%/*}/${path##*/.wh.}
		case $path in
		*/.wh..wh..opq) ;;
		*) mknod "$device" c 0 0 || mknod "$device" c 1 3 ;; # overlayfs keeps 0:0 for itself
		esac 2>/dev/null
	done <"$work/whiteouts"
}

collect_layers() { # sets $layer, the one digest that the artifact has
	if [ "$count" = 0 ]; then
		printf '%s\n' "thread 'main' panicked at src/cli/pack.rs:365:33:" \
			'index out of bounds: the len is 0 but the index is 0' \
			'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace' >&2
		finish 101
	elif [ "$count" = 1 ]; then
		layer=$layers
		short=$(printf %s "$layer" | cut -c1-19)
		printf '  Layer 1/1: %s...' "$short"
		! since 1.1.0 || whiteouts_to_devices "$work/layer/1"
		file=$work/staging/layers/${layer#sha256:}.tar
		if [ "$(id -u)" = 0 ] || [ ! -s "$work/image/${layer#sha256:}" ] || [ -s "$work/whiteouts" ]; then
			pack_tree "$work/layer/1" "$file"
		else # whose files would be the caller's
			uncompressed "$work/image/${layer#sha256:}" >"$file"
		fi || fail 'agent operation failed: export layer: write failed: No space left on device (os error 28)'
		printf '\r  Layer 1/1: %s... %s done\n' "$short" "$(size_text "$(bytes "$file")")"
	else
		say "Merging $count layers in VM (one-time cost)..."
		mkdir "$work/merged"
		at=0
		while [ $at -lt "$count" ]; do
			at=$((at + 1))
			if after 1.16.1; then
				merge_rightly "$work/layer/$at" "$work/merged"
			else
				! since 1.1.0 || whiteouts_to_devices "$work/layer/$at"
				merge_wrongly "$work/layer/$at" "$work/merged"
			fi || fail 'agent operation failed: merge layers: layer merge failed (exit 1): MERGE_FAIL: disk full'
		done
		layer=sha256:$(printf 'merged-%s' "$digest" | sha256)
		file=$work/staging/layers/${layer#sha256:}.tar
		printf '  Exporting merged layer...'
		pack_tree "$work/merged" "$file" ||
			fail 'agent operation failed: export merged layer: No space left on device (os error 28)'
		if since 1.17.0; then # called after its content since then (run: 1.15.0 and 1.17.0)
			layer=sha256:$(sha256 <"$file")
			mv "$file" "$work/staging/layers/${layer#sha256:}.tar"
			file=$work/staging/layers/${layer#sha256:}.tar
		fi
		echo " $(($(bytes "$file") / 1048576)) MB done"
	fi
}
