#!/bin/sh
# t0112-images-file: what an image of the file may have besides its context: OUT, secrets and keys of the build, its cache; and ONLY.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

make_context agent
agent=$image
must mkdir "$tmp/project" && mv "$context" "$tmp/project/agent"
make_context tools
tools=$image
mv "$context" "$tmp/project/tools"
file=$tmp/project/images.json
export IMAGES_FILE="$file" DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
images() { printf '{"images":[%s]}\n' "$1" >"$file"; } # JSON
builds() { sed -n 's/^build //p' "$FAKE_DOCKER_LOG"; }
refused() { # WHAT PATTERN ARGUMENT...
	_what=$1 _pattern=$2
	shift 2
	: >"$FAKE_DOCKER_LOG"
	must_fail "$_what" run_make smolmachines "$@"
	like '... one line says why' "$(grep -c '^error: ' "$err") $(grep '^error: ' "$err")" "^1 error: $_pattern"
	is '... before anything is built' "$(builds)" ''
}

topic 'ONLY'
images "{\"image\":\"$agent\",\"context\":\"agent\"},{\"image\":\"${tools%:*}:v2\",\"context\":\"tools\"},{\"image\":\"gone\",\"context\":\"gone\"}"
ok 'of the images of a file those that are named are packed' run_make smolmachines ONLY="${tools%:*} $agent"
is '... in the order of the file' "$(grep -o '^  DONE    [^ ]*' "$err" | tr '\n' '|')" "  DONE    $agent|  DONE    ${tools%:*}:v2|"
ok '... a tag may be given' run_make smolmachines ONLY="${tools%:*}:v2"
is '... and no other is meant' "$(cat "$err")" "  CACHED  ${tools%:*}:v2 $(basename "$(cat "$out")" | cut -c1-16)"
refused 'a name that is none of the file' "ONLY: 'agent' is no image of '$file', which has $agent, ${tools%:*}:v2, gone\$" ONLY=agent
refused 'another tag' "ONLY: '${tools%:*}:v3' is no image of" ONLY="$agent ${tools%:*}:v3"
must_fail 'beside IMAGE' run_make smolmachine IMAGE="$agent" ONLY="$agent"
like '... it is refused' "$(cat "$err")" '^error: ONLY: it goes with smolmachines'

topic 'out'
images "{\"image\":\"$agent\",\"context\":\"agent\",\"out\":\"dist/agent\"},{\"image\":\"$tools\",\"context\":\"tools\",\"out\":\"$tmp/tools\"}"
refused 'a folder that is not there' "$file: images\[0\]: OUT: cannot write to '$tmp/project/dist'"
must mkdir "$tmp/project/dist"
ok 'each image is put at its place, which begins at the file' run_make -j2 smolmachines
ok '... launcher' test -x "$tmp/project/dist/agent"
same '... and sidecar' "$tmp/project/dist/agent.smolmachine" "$(sed -n 1p "$out")"
same '... of the other too' "$tmp/tools.smolmachine" "$(sed -n 2p "$out")"
must rm "$tmp/tools"
ok 'a hit puts it there again' run_make smolmachines
ok '... which is there then' test -x "$tmp/tools"
images "{\"image\":\"$agent\",\"context\":\"agent\",\"out\":\"dist/agent\"},{\"image\":\"$tools\",\"context\":\"tools\",\"out\":\"$tmp/project/dist/agent\"}"
refused 'one place for two images' "$file: images\[1\]: OUT: '$tmp/project/dist/agent' is where '$agent' goes"
images "{\"image\":\"$agent\",\"context\":\"agent\",\"out\":\"dist\"}"
refused 'a folder' "$file: images\[0\]: OUT: '.*dist' is a folder"

topic 'The build'
echo secret-text >"$tmp/project/token"
echo key-text >"$tmp/project/key"
images "{\"image\":\"$agent\",\"context\":\"agent\",\"no_cache\":true,\"pull\":false,\"secret\":[\"id=token,src=token\",\"id=other,env=OTHER\"],\"ssh\":\"default=key\"}"
: >"$FAKE_DOCKER_LOG"
export FAKE_DOCKER_FAULT=build:fail
run_make smolmachines
unset FAKE_DOCKER_FAULT
like 'a switch that is on is a flag' "$(builds)" '--no-cache=true'
unlike '... one that is off is none' "$(builds)" '--pull'
like 'a secret'\''s file begins at the images file' "$(builds)" "--secret=id=token,src=$tmp/project/token "
like '... one of the environment is as it was' "$(builds)" '--secret=id=other,env=OTHER '
like 'so is that of a key' "$(builds)" "--ssh=default=$tmp/project/key "
images "{\"image\":\"$agent\",\"context\":\"agent\",\"pull\":true}"
: >"$FAKE_DOCKER_LOG"
run_make smolmachines
like 'pull is a flag' "$(builds)" '--pull=true'
for wrong in 'secret":"id=t,src=nowhere|SECRET: .*nowhere. cannot be found' 'secret":"id=t,src=\"token\"|SECRET: .* has a quote in it' \
	'ssh":"default=nowhere|SSH: .*nowhere. cannot be found' 'ssh":["|images\[0\].ssh\[0\]: is empty' 'secret":[1,"|images\[0\].secret\[0\]: must be a string' \
	'pull":"yes|images\[0\].pull: must be true or false' 'no_cache":"1|images\[0\].no_cache: must be true or false'; do
	end='"' && case ${wrong%%|*} in *'['*) end='"]' ;; esac
	images "{\"image\":\"$agent\",\"context\":\"agent\",\"${wrong%%|*}$end}"
	refused "${wrong%%|*}" "(IMAGES_FILE: '$file'|$file: images\[0\]): ${wrong#*|}"
done
for setting in SECRET=id=x SSH=default NO_CACHE=1 PULL=1; do
	must_fail "$setting without a build" run_make smolmachine IMAGE="$agent" $setting
	like '... is refused' "$(cat "$err")" "^error: ${setting%%=*} without CONTEXT: nothing is built"
done
must_fail 'a switch that is neither' run_make smolmachine IMAGE="$agent" CONTEXT="$tmp/project/agent" NO_CACHE=yes
like '... is refused' "$(cat "$err")" "^error: NO_CACHE: 'yes' is neither 0 nor 1"

topic 'As compose and bake print them'
mapped() { jq -c --from-file "$top/mk/$1.jq" | jq -c '.images[0] | del(.image, .context, .dockerfile)'; } # compose|bake
is 'compose: secrets of the project, keys, switches' "$(mapped compose <<'EOF'
{"name": "p", "secrets": {"file": {"name": "p_file", "file": "/s/f"}, "var": {"environment": "V"}}, "services": {"a": {"build": {
  "context": "/c", "no_cache": true, "pull": true, "secrets": [{"source": "file"}, {"source": "var", "target": "x"}, "file"],
  "ssh": ["default", "k: /k"]}}}}
EOF
)" '{"no_cache":true,"pull":true,"secret":["id=file,src=/s/f","id=var,env=V","id=file,src=/s/f"],"ssh":["default","k=/k"]}'
is '... keys by name' "$(echo '{"name": "p", "services": {"a": {"build": {"context": "/c", "ssh": {"default": null, "k": "/k"}}}}}' | mapped compose)" \
	'{"ssh":["default","k=/k"]}'
is 'bake: as on the command line' "$(echo '{"target": {"a": {"tags": ["a"], "no-cache": true, "pull": true, "secret": ["id=t,src=f"], "ssh": ["default"]}}}' | mapped bake)" \
	'{"no_cache":true,"pull":true,"secret":["id=t,src=f"],"ssh":["default"]}'
is '... or as objects' "$(echo '{"target": {"a": {"tags": ["a"], "secret": [{"id": "t", "env": "V"}], "ssh": [{"id": "k", "paths": ["/a", "/b"]}, {"id": "default"}]}}}' | mapped bake)" \
	'{"secret":["id=t,env=V"],"ssh":["k=/a,/b","default"]}'

topic 'By the engine itself'
unset IMAGES_FILE
# shellcheck disable=SC2016 # for the shell of the build
printf 'FROM scratch\nCOPY root /\nRUN --mount=type=secret,id=token read -r x </run/secrets/token && [ ${#x} = 11 ] && : >/seen\n' >"$tmp/project/agent/Dockerfile"
if (cd "$tmp/project" && run_make smolmachine IMAGE="$agent" CONTEXT=agent SECRET=id=token,src=token); then
	ok 'a build sees its secret' docker run --rm --network none --entrypoint /bin/busybox "$agent" ls /seen
	is '... which is in no layer' "$(docker save "$agent" | tr '\000' '\n' | grep -c secret-text)" 0
else
	like 'an engine that builds without BuildKit says so' "$(cat "$err")" 'BuildKit|buildx'
fi
docker rmi -f "${tools%:*}:v2" >/dev/null 2>&1
done_testing
