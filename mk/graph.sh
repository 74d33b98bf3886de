#!/bin/sh
# graph.sh - the images of IMAGES_FILE (or IMAGE, IMAGES) as a picture, SVG: each from its context to its machine, for the ID that was seen
# last, with hits, misses and the seconds of the last pack. In GRAPH, else CACHE_DIR/graph.svg; prints its path. Asks no engine.
set -eu
. "$TOP/mk/picture.sh"
begin GRAPH "${GRAPH:-$CACHE_DIR/graph.svg}"
if [ -n "$IMAGE$IMAGES" ]; then
	from='' && "$BIN/plan-images" -j >"$work/plan"
else
	from=${IMAGES_FILE##*/}
	"$TOP/mk/images.sh" "$work/wishes"
	"$BIN/plan-images" -j -f "$work/wishes" >"$work/plan"
fi
# Beside the plan what is known of each image: its ID, and whether its machine is there.
jq -r '.[] | .stamp, .suffix' "$work/plan" | while read -r stamp && read -r suffix; do
	id='' && record=null
	[ ! -e "$CACHE_DIR/$stamp" ] || id=$("$BIN/image-id" -f "$CACHE_DIR/$stamp")
	machine=$CACHE_DIR/$id$suffix
	if [ -n "$id" ] && [ -e "$machine.smolmachine.smolmachine" ]; then
		there=true
		[ ! -e "$machine.json" ] || record=$(cat "$machine.json")
	else
		there=false
	fi
	jq -n --arg id "$id" --argjson there $there --argjson record "$record" '{id: $id, there: $there, record: $record}'
done | jq -s -r --slurpfile plan "$work/plan" --arg from "$from" -f "$TOP/mk/graph.jq" >"$work/picture"
put "$work/picture"
