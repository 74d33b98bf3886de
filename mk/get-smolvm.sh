#!/bin/sh
# get-smolvm.sh: installs smolvm from PyPI: the engine of the Python package smolmachines, which is all of smolvm, in a folder of
# its own, and a command that tells it where its parts are. For who has no other smolvm; changes nothing else.
# Environment: PREFIX, else ~/.local; below it share/smolvm-pypi/<version> and bin/smolvm.
# Exit: 0 installed, or there already, and the command's path on stdout; 1 not, with one line that says why.
set -u
# The newest that `make check-real` has packed and booted with: as the last row of tests/real/versions.
version=1.32.2 hash=81b104e2622aa0b187b6b7054397c391151b83db2638a16d0e54c517684f0dc2
prefix=${PREFIX:-${HOME:-}/.local}
folder=$prefix/share/smolvm-pypi/$version command=$prefix/bin/smolvm
fail() {
	echo "$1" >&2
	exit 1
}
case $prefix in /*) ;; *) fail "PREFIX: '$prefix' is no absolute path" ;; esac
case $(uname)$(uname -m) in Linuxx86_64) ;; *) fail 'the wheel that is known here is for Linux on x86_64; get smolvm from https://github.com/smol-machines/smolvm/releases' ;; esac
if [ -e "$command" ] && ! grep -q '^# smolvm from PyPI, by smolmake' "$command" 2>/dev/null; then
	fail "'$command' is somebody else's; nothing was changed, give another PREFIX"
fi
"${0%/*}/wheel.sh" "$version" "$hash" "$folder" || exit 1
# By that name it takes no file beside itself for its own machine.
[ -e "$folder/smol/smolvm" ] || ln "$folder/smol/smol-vmm" "$folder/smol/smolvm" || fail "cannot write to '$folder'"
mkdir -p "$prefix/bin" || fail "cannot make '$prefix/bin'"
cat >"$command.$$.tmp" <<END || fail "cannot write '$command'"
#!/bin/sh
# smolvm from PyPI, by smolmake: the engine of smolmachines $version, told where its parts are.
parts='$folder/smol'
export SMOLVM_LIB_DIR="\$parts" LD_LIBRARY_PATH="\$parts\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export SMOLVM_AGENT_ROOTFS_TAR="\${SMOLVM_AGENT_ROOTFS_TAR:-\$parts/agent-rootfs.tar.zst}"
exec "\$parts/smolvm" "\$@"
END
{ chmod 755 "$command.$$.tmp" && mv -f "$command.$$.tmp" "$command"; } || fail "cannot write '$command'"
echo "$command"
