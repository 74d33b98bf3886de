# shellcheck shell=sh disable=SC2034,SC2154 # known and newest are the caller's; here and version are set by it
# versions.sh: the versions of smolvm that check-real knows. Sourced; needs $here, the folder tests/real, and `since` needs $version.
known=$(awk '!/^#/ { printf "%s%s", blank, $1; blank = " " }' "$here/versions")
newest=${known##* }
# Whether $version is that one, or newer, as helpers/machine/quirks.h writes them: 1013000 is 1.13.0.
since() { # NUMBER
	[ "$(echo "$version" | awk -F. '{ print $1 * 1000000 + $2 * 1000 + $3 }')" -ge "$1" ]
}
