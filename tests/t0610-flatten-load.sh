#!/bin/sh
# shellcheck disable=SC2317 # functions are called by assertions
# flatten-image between engines: what docker has built and saves, docker and podman load again, as one layer that is what umoci
# makes of the many; the config is the same, and the image's name stays where it was.
. "${0%/*}/lib.sh"
need umoci skopeo jq
need_engine
[ "$(id -u)" = 0 ] || skip_all 'only root can unpack owners'
. "$top/tests/fake/flat.sh"

must make_image flat 'ENV A=b' 'WORKDIR /work' 'COPY --chown=7:8 root/etc/name kept' 'COPY root/etc/name removed' 'RUN ["busybox", "rm", "removed"]' \
	'COPY root/etc/name /etc/deep/er/name' 'RUN ["busybox", "sh", "-c", "rm -r /etc/deep; mkdir /etc/deep; ln kept linked; chmod 4750 kept"]' \
	'USER 7' 'EXPOSE 80' 'LABEL x="y z"' 'HEALTHCHECK --interval=7s CMD true' 'ENTRYPOINT ["/bin/busybox"]'
id=$(docker image inspect -f '{{.Id}}' "$image")
must docker save -o "$tmp/saved" "$id"
flat=$(flatten -o "$tmp/flat" <"$tmp/saved")
like 'the new ID is said' "$flat" '^sha256:[0-9a-f]{64}$'
isnt 'and is another' "$flat" "$id"

# --- The tree, by way of umoci.
must skopeo --insecure-policy copy -q "docker-archive:$tmp/saved" "oci:$tmp/layout:image"
must umoci --log error unpack --image "$tmp/layout:image" "$tmp/truth.unpacked"
must unpack_flat "$tmp/flat" "$tmp/tree"
touch -d @0 "$tmp/tree" # no layer of docker's has an entry for the root, and umoci sets it so
must list_both "$tmp/truth.unpacked/rootfs" "$tmp/tree"
same 'the tree is that of the layers' "$tmp/found" "$tmp/truth"
ok 'what was removed is gone' [ ! -e "$tmp/tree/work/removed" ]

# --- docker
must docker load -i "$tmp/flat"
ok 'docker has it by that ID' docker image inspect "$flat"
is 'with one layer' "$(docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$flat" | grep .)" \
	"sha256:$(flat_layer "$tmp/flat" | sha256)"
is 'and the same config' "$(docker image inspect -f '{{json .Config}}' "$flat" | jq -S .)" \
	"$(docker image inspect -f '{{json .Config}}' "$id" | jq -S .)"
is 'the name is still that of the other' "$(docker image inspect -f '{{.Id}}' "$image")" "$id"
is 'it runs' "$(docker run --rm --network none "$flat" sh -c 'echo $A; pwd; id -u; stat -c "%a %u %g %h" kept')" \
	"$(printf 'b\n/work\n7\n4750 7 8 2')"
must docker save -o "$tmp/again" "$flat"
is 'saved and flattened again it is itself' "$(flatten -o "$tmp/flat2" <"$tmp/again")" "$flat"
docker rmi "$flat" >/dev/null 2>&1

# --- podman
if command -v podman >/dev/null 2>&1; then
	runroot=$(mktemp -d /tmp/smolmake-podman.XXXXXX) # podman takes no long one
	set -- podman --root "$tmp/podman" --runroot "$runroot" --storage-driver vfs
	ok 'podman loads it' "$@" load -q -i "$tmp/flat"
	is 'by that ID' "$("$@" images -q --no-trunc)" "$flat"
	"$@" rmi -af >/dev/null 2>&1
	rm -rf "$runroot"
else
	skip 'podman loads it' 'podman is missing'
fi
done_testing
