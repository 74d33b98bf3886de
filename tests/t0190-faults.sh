#!/bin/sh
# t0190-faults: one cell of each kind of tests/faults/table; `make check-faults` tries them all.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo faketime
need_own_engine
# shellcheck source=tests/faults/cell.sh
. "$top/tests/faults/cell.sh"
must prepare

for name in error:build interrupt:ready kill-make:tag kill-with-container:start kill-with-registry:serve \
	kill-publish-machine:publish kill-docker:build no-space:pack io-error:publish stranger:ready clock-back:lock \
	flipped:verify; do
	cell "$name"
done
done_testing
