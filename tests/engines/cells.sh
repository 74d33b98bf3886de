#!/bin/sh
# cells.sh: what every engine has to do, one "cell" each: miss, hit, changed Dockerfile, two names, cleanup; and what docker's plugins
# make of their files, with a secret that the build mounts.
# Run by tests/engines/run for each engine; SMOLMAKE_TEST_CLI is its command. Prints TAP, and "# cell NAME ok|FAIL".
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
engine=${SMOLMAKE_TEST_CLI:?}
export DOCKER="$engine"

cell() { # NAME: all since the last one
	[ "$failures" = "${before:-0}" ] && echo "# cell $1 ok" || echo "# cell $1 FAIL"
	before=$failures
}
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }
forget() { : >"$FAKE_SMOLVM_LOG"; }
names() { "$engine" images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(127\.0\.0\.1:|localhost:[0-9]|smolmake-pin:)'; }

must make_context agent 'RUN ["/bin/busybox", "touch", "/gone", "/stays"]' 'RUN ["/bin/busybox", "rm", "/gone"]'
forget
ok 'an image is built and packed' run_make smolmachine IMAGE="$image" CONTEXT="$context"
sidecar=$(cat "$out")
is 'once' "$(packs)" 1
ok 'the machine is whole' "$top/cache/bin/verify-machine" "$sidecar"
config=$("$engine" save "$image" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "")')
is 'it is called by the config digest' "$sidecar" "$CACHE_DIR/$(printf %.16s "$config").smolmachine.smolmachine"
cell miss

forget
ok 'again' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'it is a hit' "$(packs) $(cat "$out")" "0 $sidecar"
ok 'found by its name' run_make smolmachine IMAGE="$image"
is 'it is the same' "$(packs) $(cat "$out")" "0 $sidecar"
# Only buildx attests; on the containerd store an index is then what the engine calls the image.
attested=smolmake-test/attested-$mine:latest
if [ "$engine" = docker ] && docker build -q --provenance=true -t "$attested" "$context" >/dev/null 2>&1; then
	ok 'an attested image' run_make smolmachine IMAGE="$attested"
	is 'is called by its config digest' "$(cat "$out")" "$CACHE_DIR/$(docker save "$attested" | tar -xOf - manifest.json |
		jq -r '.[0].Config | sub(".*/"; "") | .[:16]').smolmachine.smolmachine"
	docker rmi "$attested" >/dev/null
fi
cell hit

echo 'ENV CHANGED=1' >>"$context/Dockerfile"
ok 'a changed Dockerfile' run_make smolmachine IMAGE="$image" CONTEXT="$context"
is 'is packed' "$(packs)" 1
isnt 'as another machine' "$(cat "$out")" "$sidecar"
cell changed

must "$engine" tag "$image" "smolmake-test/other-$mine:v2"
rm -f "$(cat "$out")"
forget
# where Make can, in another order than the makefiles have
shuffle=$(make --shuffle=reverse --version >/dev/null 2>&1 && echo --shuffle=reverse)
ok "two names of one image ($(make --version | head -n 1)${shuffle:+, $shuffle})" \
	run_make -j2 ${shuffle:+"$shuffle"} smolmachine IMAGES="$image smolmake-test/other-$mine:v2"
is 'are packed once and answered twice' "$(packs) $(sort -u "$out" | wc -l) $(wc -l <"$out")" '1 1 2'
cell two-names

must_fail 'a pack that fails' env FAKE_SMOLVM_FAULT=fail sh -c 'rm -f "$1"; shift; "$@"' sh "$(head -n 1 "$out")" \
	"$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image"
is 'no name of ours is left' "$(names)" ''
is 'no container' "$("$engine" ps -aq --filter "label=smolmake.cache=$CACHE_DIR")" ''
is 'no volume' "$("$engine" volume ls -q)" ''
is 'no folder' "$(run_folders)" ''
cell cleanup

if [ "$engine" = docker ]; then
	mkdir -p "$tmp/project"
	cp -R "$context" "$tmp/project/agent"
	echo hush >"$tmp/project/token"
	echo 'RUN --mount=type=secret,id=token ["/bin/busybox", "grep", "-q", "hush", "/run/secrets/token"]' >>"$tmp/project/agent/Dockerfile"
	cat >"$tmp/project/docker-bake.hcl" <<-END
		group "default" { targets = ["agent", "nameless"] }
		target "agent" {
		  context = "agent"
		  tags = ["smolmake-test/bake-$mine:v1"]
		  secret = ["id=token,src=token"]
		  no-cache = true
		}
		target "nameless" { context = "agent" }
	END
	cat >"$tmp/project/compose.yaml" <<-END
		services:
		  agent:
		    image: smolmake-test/compose-$mine:v1
		    build: {context: agent, secrets: [token]}
		  database: {image: postgres}
		secrets:
		  token: {file: ./token}
	END
	for file in docker-bake.hcl compose.yaml; do
		case $file in *.hcl) plugin='buildx bake' name=bake lacks='nameless has no tags' ;; *) plugin=compose name=compose lacks='database has no build' ;; esac
		if "$engine" "${plugin%% *}" version >/dev/null 2>&1; then
			ok "$file ($("$engine" "${plugin%% *}" version))" run_make smolmachines IMAGES_FILE="$tmp/project/$file"
			like '... is built with its secret, and packed' "$(cat "$out")" "^$CACHE_DIR/[0-9a-f]{16}\.smolmachine\.smolmachine\$"
			like '... under its name' "$(cat "$err")" "^  (DONE|CACHED)  *smolmake-test/$name-$mine:v1 "
			like '... and what is no image is passed over' "$(cat "$err")" "^  SKIP    $lacks\$"
			"$engine" rmi -f "smolmake-test/$name-$mine:v1" >/dev/null 2>&1
		else
			must_fail "$file without its plugin" run_make smolmachines IMAGES_FILE="$tmp/project/$file"
			like '... is refused, and the plugin named' "$(cat "$err")" "is read by .docker $plugin., which 'docker' does not have"
		fi
	done
	if "$engine" buildx version >/dev/null 2>&1; then
		ok 'a secret of the command line' run_make image-id IMAGE="smolmake-test/secret-$mine:v1" CONTEXT="$tmp/project/agent" \
			SECRET="id=token,src=$tmp/project/token" NO_CACHE=1
		must_fail '... without which it is not built' run_make image-id IMAGE="smolmake-test/secret-$mine:v1" CONTEXT="$tmp/project/agent" NO_CACHE=1
		"$engine" rmi -f "smolmake-test/secret-$mine:v1" >/dev/null 2>&1
	fi
	cell files
fi
"$engine" rmi -f "$image" "smolmake-test/other-$mine:v2" >/dev/null 2>&1
done_testing
