#!/bin/sh
# images.sh FILE - the images file as requests for plan-images -f, in FILE: NUL-ended K=V strings, each image beginning
# with IMAGE. Reads IMAGES_FILE with jq, once (it may be a pipe), which refuses what is not of its form.
set -u
wishes=$1

refuse() {
	printf 'error: IMAGES_FILE: %s\n' "$1" | tr -d '\000-\011\013-\037' >&2
	exit 1
}

[ -e "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' is not there; give IMAGES_FILE=<file>, see README, Images file"
[ ! -d "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' is a folder; give IMAGES_FILE=<file>, see README, Images file"
[ -r "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' cannot be read"
command -v jq >/dev/null || refuse "jq is not installed; run \`make setup\`"
options=$("$BIN/plan-images" -o) || exit
# Of several lines the first is jq's own, or, where it said nothing, that of with-deadline.
said=$("$BIN/with-deadline" -t TOOL_TIMEOUT -n jq -r "$IMAGES_FILE" -l "$wishes.err" -o "$wishes" \
	jq --join-output --argjson options "$options" --from-file "$TOP/mk/images.jq" 2>&1) ||
	refuse "'$IMAGES_FILE': $(printf '%s\n' "$said" |
		sed -n '1s/^jq: error (at [^)]*): //; 1s/^parse error: /not JSON: /; 1s/^with-deadline: \(jq: \)*//; 1p')"
