#!/bin/sh
# pack.sh - packs the machines of $LOCKED: what a run does under their locks, for each batch of keys that with-lock could lock.
# What another run has made meanwhile is taken; for the others the second graph runs beside one registry.
set -u
cd "$CACHE_DIR" || exit
# shellcheck disable=SC2086 # keys are words
"$BIN/find-machines" -- $LOCKED || exit
machines='' missing=''
for key in $LOCKED; do
	machines="$machines $key.smolmachine.smolmachine"
	[ -e "$key.smolmachine.smolmachine" ] && [ ! -e "$RUN/$key.renew" ] || missing=1
done
[ -n "$missing" ] || exit 0
"$BIN/with-deadline" -n pack -i "$LOCKED" -t TOOL_TIMEOUT -l "$RUN/smolvm.log" -o "$RUN/smolvm" "$SMOLVM" --version || exit
# shellcheck disable=SC2086 # keys, machines and none or one flag are words
exec "$BIN/with-registry" $LOCKED -- "$MAKE" $WHY -C "$CACHE_DIR" -f "$TOP/mk/machine.mk" $machines >&2
