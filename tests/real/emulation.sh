# shellcheck shell=sh disable=SC2034 # for the caller
# emulation.sh: what an emulated processor does to smolvm, and nothing else: the connection to its own machine breaks, the machine dies
# while it starts or takes longer for it than smolvm waits, or its processors wait for one another for minutes. A second try is right then. Sourced.
emulation='connection closed|did not become ready within|agent process exited during startup|before the agent was ready|did not end within [0-9]+ s'
is_emulation() { grep -aqE "$emulation" "$1"; } # FILE
