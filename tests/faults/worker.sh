#!/bin/sh
# worker.sh: tries the cells that $FAULTS lists, but for those that another worker has taken. Run by tests/faults/run.
#
# FAULTS_DIR is the folder for what they print: of each cell FAULT:MOMENT a file of that name.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/faults/cell.sh
. "$top/tests/faults/cell.sh"
need_own_engine
must prepare

# shellcheck disable=SC2153 # from tests/faults/run
for name in $FAULTS; do
	mkdir "$FAULTS_DIR/$name.taken" 2>/dev/null || continue
	start=$(date +%s)
	cell "$name" >"$FAULTS_DIR/$name" 2>&1
	echo "$(sed -n 's/^# cell //p' "$FAULTS_DIR/$name"), $(($(date +%s) - start)) s" >&2
done
done_testing
