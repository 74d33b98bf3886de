# shellcheck shell=sh
# sidecar.sh: what is in a sidecar, read without anything of ours: assets, manifest, and a footer of 64 bytes (smolvm-pack, src/format.rs).
footer_number() { # SIDECAR OFFSET: eight bytes of the footer
	echo $(($(tail -c 64 "$1" | od -An -j "$2" -N 8 -tu8)))
}
manifest_of() { # SIDECAR
	head -c -64 "$1" | tail -c "$(footer_number "$1" 44)"
}
assets_tar() { # SIDECAR
	head -c "$(footer_number "$1" 28)" "$1" | zstd -dcq
}
assets_of() { # SIDECAR FOLDER: unpacked
	rm -rf "$2" && mkdir -p "$2" && assets_tar "$1" | tar -xf - -C "$2"
}
