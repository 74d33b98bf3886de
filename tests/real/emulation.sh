# shellcheck shell=sh disable=SC2034 # for the caller
# emulation.sh: what an emulated processor does to smolvm and to the kernel around it, and nothing else does. Sourced.

# The connection to smolvm's own machine breaks; it dies while it starts, or takes longer for that than smolvm waits; or its processors wait for
# one another for minutes; or the machine around it dies. A second try is right then.
emulation='the emulated machine has died|connection closed|did not become ready within|agent process exited during startup|before the agent was ready|did not end within [0-9]+ s'
is_emulation() { grep -aqE "$emulation" "$1"; } # FILE

# A kernel that has given no sign for some minutes will give none.
silent() { # JOB: its folder
	[ -n "$(find "$1/beat" -mmin +4 2>/dev/null)" ]
}
# Why the emulated machine has ended that was not told to.
why_dead() { # JOB: its folder
	if grep -aq 'Kernel panic' "$1/console"; then
		tr -d '\r' <"$1/console" | sed -n 's/.*\(Kernel panic.*\)/\1/p'
	elif grep -q '^Triple fault' "$1/qemu" 2>/dev/null; then
		echo 'a triple fault'
	else
		tr -d '\r' <"$1/console" | grep -a . | tail -n 1
	fi
}
