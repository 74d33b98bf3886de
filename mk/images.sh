#!/bin/sh
# images.sh FILE - the images file as requests for plan-images -f, in FILE: NUL-ended K=V strings, each image beginning
# with IMAGE. Reads IMAGES_FILE with jq, once (it may be a pipe), which refuses what is not of its form. A file of docker compose or
# docker buildx bake, which its name tells, is printed by that as JSON, and made an images file first.
set -u
wishes=$1

refuse() {
	printf 'error: IMAGES_FILE: %s\n' "$1" | tr -d '\000-\011\013-\037' >&2
	exit 1
}

[ -e "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' is not there; give IMAGES_FILE=<file>, see docs/reference.md, Images file"
[ ! -d "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' is a folder; give IMAGES_FILE=<file>, see docs/reference.md, Images file"
[ -r "$IMAGES_FILE" ] || refuse "'$IMAGES_FILE' cannot be read"
command -v jq >/dev/null || refuse "jq is not installed; run \`make setup\`"
options=$("$BIN/plan-images" -o) || exit

timed_jq() { # OUTPUT ARGUMENT...
	made=$1
	shift
	"$BIN/with-deadline" -t TOOL_TIMEOUT -n jq -l "$wishes.err" -o "$made" jq "$@"
}

# What docker's own plugin makes of the file. NAME is what lacks where that is no command.
by_docker() { # NAME FILTER COMMAND...
	name=$1 filter=$2
	shift 2
	if ! said=$(cd "$(dirname "$IMAGES_FILE")" && "$BIN/with-deadline" -t TOOL_TIMEOUT -n "docker $name" -l "$wishes.err" -o "$wishes.printed" \
		"$DOCKER" "$@" 2>&1); then
		case $said in
		*'is not a docker command'* | *'unknown shorthand flag'* | *'unknown command'* | *'unrecognized command'*)
			refuse "'$IMAGES_FILE' is read by \`docker $name\`, which '$DOCKER' does not have; install docker's ${name%% *} plugin, or write an images file"
			;;
		esac
		refuse "'$IMAGES_FILE': $(printf '%s\n' "$said" | tail -n 1 | sed 's/^with-deadline: //')"
	fi
	timed_jq "$wishes.made" --from-file "$TOP/mk/$filter.jq" "$wishes.printed" 2>/dev/null ||
		refuse "'$IMAGES_FILE': \`docker $name\` prints something else than expected: $(head -n 1 "$wishes.err")"
	timed_jq "$wishes.json" '{images}' "$wishes.made" && timed_jq "$wishes.skipped" -r '.skipped[]' "$wishes.made" || exit
	[ "$name" = compose ] && lacks=build || lacks=tags
	while read -r service; do
		[ -n "$SILENT" ] || printf "  SKIP    %s has no %s\n" "$service" "$lacks" >&2
	done <"$wishes.skipped"
	read_from=$wishes.json
}
read_from=$IMAGES_FILE
case $IMAGES_FILE in
*.yaml | *.yml) by_docker compose compose compose -f "$(basename "$IMAGES_FILE")" config --format json ;;
*.hcl) by_docker "buildx bake" bake buildx bake -f "$(basename "$IMAGES_FILE")" --print ;;
esac

# Of several lines the first is jq's own, or, where it said nothing, that of with-deadline.
said=$("$BIN/with-deadline" -t TOOL_TIMEOUT -n jq -r "$read_from" -l "$wishes.err" -o "$wishes" \
	jq --join-output --argjson options "$options" --from-file "$TOP/mk/images.jq" 2>&1) ||
	refuse "'$IMAGES_FILE': $(printf '%s\n' "$said" |
		sed -n '1s/^jq: error (at [^)]*): //; 1s/^parse error: /not JSON: /; 1s/^with-deadline: \(jq: \)*//; 1p')"
