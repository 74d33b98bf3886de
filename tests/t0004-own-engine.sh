#!/bin/sh
# A script with an engine for itself may stop, kill and start it, and the others never notice.
. "$(dirname "$0")/lib.sh"
need_own_engine

running=$(docker run -d "$REGISTRY_IMAGE")
like 'the engine is up' "$(docker version --format '{{.Server.Version}}')" '^[0-9]'
must make_image a
ok 'it stops' stop_engine
must_fail '... and answers no more' docker version
ok 'it starts again' start_engine
ok '... and has its images still' docker image inspect "$image"
docker start "$running" >/dev/null
ok 'it can be killed' kill_engine
must_fail '... and answers no more' docker version
ok 'it starts after that too' start_engine
ok '... and has its images still' docker image inspect "$image"
docker rm -fv "$running" >/dev/null
assert_nothing_left 'nothing of this is seen as left behind'
done_testing
