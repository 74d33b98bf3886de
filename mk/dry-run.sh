#!/bin/sh
# dry-run.sh GOAL [placed] - make -n: prints what both graphs would run, for the IDs that were seen last.
# Makes nothing, asks no engine. What only a build can tell is said to be unknown.
set -u
goal=$1
export RUN=.run/this-run REGISTRY="$REGISTRY_HOST:PORT"
. "$TOP/mk/answer.sh"
{ true 3>&1; } 2>/dev/null || { answer '' && finish 0; } # make does not notice that it is closed

if ! [ -x "$BIN/plan-images" ] || ! [ -x "$BIN/with-run" ]; then
	answer '# the helpers are not compiled yet; `make -n` says more after the first real run'
	finish 0
fi
[ $# = 2 ] || exec "$BIN/with-run" -mn "$0" "$goal" placed
if [ "$goal" = smolmachines ]; then
	wishes=$(mktemp -d) || exit
	trap 'rm -rf "$wishes"' EXIT
	"$TOP/mk/images.sh" "$wishes/wishes" || exit
	plan=$("$BIN/plan-images" -n -f "$wishes/wishes") || exit
else
	plan=$("$BIN/plan-images" -n) || exit
fi

if [ -d "$CACHE_DIR" ]; then dir=$CACHE_DIR; else dir=.; fi
goals='' targets='' unknown=''
while read -r stamp suffix; do
	goals="$goals $stamp"
	if [ -e "$dir/$stamp" ]; then
		targets="$targets $("$BIN/image-id" -f "$dir/$stamp")$suffix.smolmachine.smolmachine"
	else
		unknown="$unknown $stamp"
	fi
done <<EOF
$plan
EOF
# shellcheck disable=SC2086 # goals and targets are words
"$MAKE" -n -C "$dir" -I "$TOP" -f "$TOP/mk/image.mk" $goals || exit
[ "$goal" != image-id ] || finish 0
[ -z "$unknown" ] || answer "# the IDs of these are not known yet, so their packs are not shown:$unknown"
[ -n "$targets" ] || finish 0
case $ROUTE:$REGISTRY_IMAGE in
auto:?*) ROUTE=push ;;
auto:)
	answer '# ROUTE=auto: whether an image is tagged and pushed first is chosen when it is packed; shown is that it is not'
	ROUTE=direct
	;;
esac
if [ "$PACK" = auto ]; then
	answer '# PACK=auto: whether smolvm packs is chosen when an image is packed; shown is that it does'
fi
# shellcheck disable=SC2086
"$MAKE" -n ${FORCE:+-B} -C "$dir" -f "$TOP/mk/machine.mk" $targets || exit
finish 0
