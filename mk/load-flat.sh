#!/bin/sh
# load-flat.sh ID REFERENCE DIR: loads the image's tree into the engine as an image of one layer, named REFERENCE.
# One copy of it is in DIR meanwhile, under no name. Exit: 0 loaded.
set -u
failed=$3/${2##*:}.failed
{ "$DOCKER" save "$1" || : >"$failed"; } |
	{ "$BIN/flatten-image" -n "$2" -t "$3" || : >"$failed"; } |
	"$DOCKER" load || exit
[ ! -e "$failed" ]
