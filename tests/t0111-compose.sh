#!/bin/sh
# t0111-compose: images that are described for docker compose or docker buildx bake; the plugins themselves are played, by what their
# manuals say that they print.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

make_context agent
must mkdir "$tmp/project" && mv "$context" "$tmp/project/agent"
sed 's/^/# another\n/' "$tmp/project/agent/Dockerfile" | sed 1d >"$tmp/project/agent/Other"
compose=$tmp/project/compose.yaml bake=$tmp/project/docker-bake.hcl
touch "$compose" "$bake"
cat >"$tmp/compose.json" <<EOF
{"name": "proj-$mine", "networks": {"default": {}}, "services": {
  "agent": {"build": {"context": "$tmp/project/agent", "dockerfile": "Dockerfile", "args": {"A": "b c", "HTTP_PROXY": null}}, "command": null},
  "named": {"build": {"context": "$tmp/project/agent", "dockerfile": "Other", "platforms": ["linux/amd64", "linux/arm64"]}, "image": "named-$mine:v2"},
  "db": {"image": "postgres:16", "environment": {"X": "y"}}}}
EOF
cat >"$tmp/bake.json" <<EOF
{"group": {"default": {"targets": ["agent", "lib"]}}, "target": {
  "agent": {"context": "agent", "dockerfile": "Other", "args": {"A": "1"}, "tags": ["bake-$mine:v1", "bake-$mine:latest"]},
  "lib": {"context": ".", "dockerfile": "Dockerfile"}}}
EOF
# A docker that has both plugins, and notes how they are called.
fake_program "$tmp/docker" 'case "$1 $2" in
"compose -f") echo "$PWD $*" >>"'"$tmp/called"'"; cat "'"$tmp/compose.json"'"; exit ${COMPOSE_FAILS:-0} ;;
"buildx bake") echo "$PWD $*" >>"'"$tmp/called"'"; cat "'"$tmp/bake.json"'"; exit ;;
esac
exec "'"$top/tests/fake/docker"'" "$@"'
export DOCKER="$tmp/docker" FAKE_DOCKER_LOG="$tmp/docker.log"

ok 'compose.yaml' run_make smolmachines IMAGES_FILE="$compose"
is '... gives a machine for each service with a build' "$(wc -l <"$out")" 2
is '... is read where it lies' "$(cat "$tmp/called")" "$tmp/project compose -f compose.yaml config --format json"
like '... a service without one is named' "$(cat "$err")" '^  SKIP    db has no build$'
ok '... the image is named by service' docker image inspect "named-$mine:v2"
ok '... or by project and service' docker image inspect "proj-$mine-agent:latest"
like '... arguments go to the build' "$(grep '^build' "$FAKE_DOCKER_LOG")" 'build-arg'
unlike '... but none without a value' "$(grep '^build' "$FAKE_DOCKER_LOG")" 'HTTP_PROXY'
ok 'again' run_make smolmachines IMAGES_FILE="$compose"
is '... both are hits' "$(grep -c '^  CACHED ' "$err")" 2
ok 'by a relative path' sh -c 'cd "$1" && exec "$2" --no-print-directory -C "$3" smolmachines IMAGES_FILE=project/compose.yaml' sh "$tmp" "$top/tests/make" "$top"

ok 'docker-bake.hcl' run_make smolmachines IMAGES_FILE="$bake"
is '... gives a machine for each target with a tag' "$(wc -l <"$out")" 1
is '... is read where it lies' "$(tail -n 1 "$tmp/called")" "$tmp/project buildx bake -f docker-bake.hcl --print"
like '... one without is named' "$(cat "$err")" '^  SKIP    lib has no tags$'
ok '... by its first tag' docker image inspect "bake-$mine:v1"
like '... its Dockerfile begins at its context' "$(grep '^build.*bake-' "$FAKE_DOCKER_LOG")" "$tmp/project/agent/Other"

refused() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	must_fail "$_what" run_make smolmachines "$@"
	like '... one line says why' "$(grep -c '^error: ' "$err") $(grep '^error: ' "$err")" "^1 error: IMAGES_FILE: $_pattern"
}
COMPOSE_FAILS=14 && export COMPOSE_FAILS
refused 'a file that compose refuses' "'.*compose.yaml': .*14" IMAGES_FILE="$compose"
unset COMPOSE_FAILS
echo '{"name": "x", "services": {"db": {"image": "postgres"}}}' >"$tmp/compose.json"
refused 'one without any build' "'.*compose.yaml': images: is empty" IMAGES_FILE="$compose"
echo 'services:' >"$tmp/compose.json"
refused 'something else than JSON' "'.*compose.yaml': .docker compose. prints something else" IMAGES_FILE="$compose"
fake_program "$tmp/docker" 'case $1 in compose | buildx) echo "docker: '"'\$1'"' is not a docker command." >&2; exit 1 ;; esac
exec "'"$top/tests/fake/docker"'" "$@"'
refused 'a docker without compose' "'.*compose.yaml' is read by .docker compose., which '.*' does not have; install docker's compose plugin" IMAGES_FILE="$compose"
refused 'one without buildx' "'.*docker-bake.hcl' is read by .docker buildx bake., which" IMAGES_FILE="$bake"
refused 'a file that is not there' "'/nowhere/compose.yaml' is not there" IMAGES_FILE=/nowhere/compose.yaml
docker rmi -f "named-$mine:v2" "proj-$mine-agent:latest" "bake-$mine:v1" >/dev/null 2>&1
done_testing
