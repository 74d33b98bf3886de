# shellcheck shell=sh
# own-smolvm.sh: SMOLVM is the smolvm that setup has installed, where PATH has none, as with-run has it.  . mk/own-smolvm.sh
if [ "$SMOLVM" = smolvm ] && ! command -v smolvm >/dev/null 2>&1 && [ -x "${HOME-}/.local/bin/smolvm" ]; then
	SMOLVM=$HOME/.local/bin/smolvm
fi
