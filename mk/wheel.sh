#!/bin/sh
# wheel.sh VERSION SHA256 FOLDER: smolvm's wheel of that version (PyPI, smolmachines), by pip, which proves it by its hash;
# unpacked as FOLDER, which appears when it is whole. For Linux on x86_64. Nothing is done where FOLDER is there.
# Exit: 0 it is there; 1 it cannot be had, with one line that says why.
set -u
version=$1 hash=$2 folder=$3
fail() {
	echo "$1" >&2
	exit 1
}
[ ! -d "$folder" ] || exit 0
python3 -m pip --version >/dev/null 2>&1 || fail 'pip is missing; Debian: apt-get install python3-pip'
{ mkdir -p "${folder%/*}" && work=$(mktemp -d "$folder.XXXXXX"); } 2>/dev/null || fail "cannot write to '${folder%/*}'"
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP
echo "smolmachines==$version --hash=sha256:$hash" >"$work/wheel"
said=$(timeout 900 python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp --abi abi3 \
	--platform manylinux_2_28_x86_64 --platform manylinux_2_34_x86_64 --dest "$work" --requirement "$work/wheel" 2>&1) ||
	case $said in
	*'DO NOT MATCH'*) fail "the wheel of smolmachines $version is not the one whose SHA-256 is known here; it is not used" ;;
	*) fail "pip cannot download smolmachines $version: $(echo "$said" | grep -v '^WARNING' | tail -n 1)" ;;
	esac
{ python3 -m zipfile -e "$work"/*.whl "$work/tree" && chmod 755 "$work/tree/smol/smol-vmm" "$work/tree"/smol/lib*; } ||
	fail "the wheel of smolmachines $version cannot be unpacked"
mv "$work/tree" "$folder" 2>/dev/null || [ -d "$folder" ] || fail "cannot write to '${folder%/*}'"
