#!/bin/sh
# run.sh GOAL - one run of smolmake: all builds, then all packs, then the answer on stdout.
#
# Runs under with-run: CACHE_DIR/$RUN is ours and goes with us. The IDs that name the
# targets of the second graph are known only when the first is done, so there are two.
set -u
goal=$1
run=$CACHE_DIR/$RUN
rc=0
. "$TOP/mk/answer.sh"
# -e is no matter of the makefiles below: a `tag` of the environment would stand in for theirs.
letters=${MAKEFLAGS%%[ -]*}
case $letters in *e*) MAKEFLAGS=${letters%%e*}${letters#*e}${MAKEFLAGS#"$letters"} ;; esac

give_up() { # after a failure: under -k the other images are finished first
	[ "$rc" = 0 ] || [ -n "$KEEP_GOING" ] || exit "$rc"
}

# What is wanted, and whether it can be.
if [ "$goal" = smolmachines ]; then
	"$TOP/mk/images.sh" "$run/wishes" || exit
	goals=$("$BIN/plan-images" -f "$run/wishes") || exit
else
	goals=$("$BIN/plan-images") || exit
fi

# A machine that is there needs no smolvm, so only a build, which takes its time, is begun with a warning.
case $goal:$goals in smol*.built*)
	command -v -- "$SMOLVM" >/dev/null ||
		printf "warning: SMOLVM: '%s' is not installed, and a new image cannot be packed without it; get it from %s, or give SMOLVM=<path>\n" \
			"$SMOLVM" https://github.com/smol-machines/smolvm >&2
	;;
esac

# The first graph: each image built, or found, and identified.
# shellcheck disable=SC2086
"$MAKE" $WHY -C "$CACHE_DIR" -I "$TOP" -f "$TOP/mk/image.mk" $goals >&2 || rc=$?
give_up

if [ "$goal" = image-id ]; then
	while read -r slug; do
		[ ! -e "$run/$slug.id" ] || "$BIN/image-id" -f "$run/$slug.id" || exit
	done <"$run/images"
	exit $rc
fi

[ "$goal" != explain ] || exec "$BIN/explain-machines"
[ "$V" != 2 ] || "$BIN/explain-machines" >&2 || exit

# The second graph. A hit is an up-to-date target, and Make says so; only for the others are
# locks taken and a registry started.
keys=$("$BIN/find-machines") || exit
machines=''
set --
for key in $keys; do
	machines="$machines $key.smolmachine.smolmachine"
	set -- "$@" "$CACHE_DIR/.lock/$key"
done
# shellcheck disable=SC2086 # machines are words
if [ -n "$keys" ] && ! "$MAKE" -q -C "$CACHE_DIR" -f "$TOP/mk/machine.mk" $machines >/dev/null 2>&1; then
	"$BIN/with-lock" -f ${KEEP_GOING:+-k} -m "${IMAGES:-$IMAGE}" "$@" -- "$TOP/mk/pack.sh" || rc=$?
	give_up
fi

trap '' PIPE # an answer that nobody takes is told as one that cannot be written
while read -r slug; do
	[ -e "$run/$slug.key" ] || continue
	read -r key <"$run/$slug.key"
	[ -e "$CACHE_DIR/$key.smolmachine.smolmachine" ] || continue
	[ ! -e "$run/$key.renew" ] || continue # its pack has failed
	if [ -e "$run/$slug.out" ]; then
		place=$(cat "$run/$slug.out" && echo .) # a name may end with a newline
		"$BIN/copy-machine" -- "$key" "${place%.}" || rc=$?
	fi
	answer "$CACHE_DIR/$key.smolmachine.smolmachine" "the machine is there: '$CACHE_DIR/$key.smolmachine.smolmachine'"
done <"$run/images"
finish $rc
