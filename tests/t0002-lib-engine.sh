#!/bin/sh
# What the test library says about an engine: a container, volume, tag, run folder or process left behind is found, and only
# this script's own.
. "$(dirname "$0")/lib.sh"
need_engine

must make_image a
first=$(docker image inspect --format '{{.Id}}' "$image")
like 'make_image builds an image' "$first" '^sha256:[0-9a-f]{64}$'
must change_image 'ENV X=1'
isnt 'a changed Dockerfile is another image' "$(docker image inspect --format '{{.Id}}' "$image")" "$first"
must make_context b
must_fail 'make_context builds nothing' docker image inspect "$image"
must_fail 'a build that fails is a failure' make_image c 'NO SUCH INSTRUCTION'

# The first words of what it finds. In a subshell, so that the assertion tried here counts nowhere.
try_left() {
	(assert_nothing_left x) >/dev/null 2>"$tmp/said"
	sed -n "s/^#   \\([a-z]*\\).*/\\1/p" "$tmp/said" | sort -u | xargs
}
count=$(wc -c <"$tmp/.count")
registry() { # LABEL: starts a container as the product does, but with an anonymous volume
	docker run -d --label "smolmake.cache=$1" "$REGISTRY_IMAGE"
}

is 'at first there is nothing' "$(try_left)" ''
other=$(registry /another/cache)
is "another cache's container is none of ours" "$(try_left)" ''
volume=$(docker inspect --format "{{(index .Mounts 0).Name}}" "$other")
docker rm -f "$other" >/dev/null
is '... nor is its volume' "$(try_left)" ''
docker volume rm "$volume" >/dev/null

container=$(registry "$CACHE_DIR")
wait_for 'try_left | grep -q volume' 60
is 'a container and its volume are found' "$(try_left)" 'container volume'
docker rm -f "$container" >/dev/null
is '... and the volume alone, which docker rm without -v leaves' "$(try_left)" 'volume'
docker volume rm "$(volumes)" >/dev/null
is '... until it is gone' "$(try_left)" ''
docker create --label "smolmake.cache=$CACHE_DIR" "$REGISTRY_IMAGE" >/dev/null
is 'a container that never started is found' "$(try_left)" 'container'
docker rm -v "$(containers)" >/dev/null

docker tag "$first" "127.0.0.1:1/a-$mine:0123456789abcdef"
docker tag "$first" "localhost:1/a-$mine:0123456789abcdef"
docker tag "$first" "127.0.0.1:1/a-another:0123456789abcdef"
is 'tags on loopback hosts are found' "$(try_left)" tag
is '... this script'"'"'s, not another'"'"'s' "$(tags | sort | xargs)" \
	"127.0.0.1:1/a-$mine:0123456789abcdef localhost:1/a-$mine:0123456789abcdef"
mkdir -p "$CACHE_DIR"
touch "$CACHE_DIR/0123456789abcdef-01234567.json"
like '... and that of an ID in our cache, whatever its name' "$(tags | sort | xargs)" 'a-another'
rm -r "$CACHE_DIR"
docker rmi "127.0.0.1:1/a-$mine:0123456789abcdef" "localhost:1/a-$mine:0123456789abcdef" \
	"127.0.0.1:1/a-another:0123456789abcdef" >/dev/null

mkdir -p "$CACHE_DIR/.run/x"
is 'a run folder is found' "$(try_left)" run
rmdir "$CACHE_DIR/.run/x"
sleep 60 &
is 'a process is found' "$(try_left)" process
kill $!
wait $! 2>/dev/null
assert_nothing_left 'and at last there is nothing again'

printf %s "$(head -c "$count" /dev/zero | tr '\0' .)" >"$tmp/.count" # the ones tried in subshells
printf %s "$(head -c $((tests - count)) /dev/zero | tr '\0' .)" >>"$tmp/.count"
docker rmi "$first" >/dev/null 2>&1
done_testing
