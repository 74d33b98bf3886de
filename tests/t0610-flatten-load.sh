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

topic 'The tree, by way of umoci'
must skopeo --insecure-policy copy -q "docker-archive:$tmp/saved" "oci:$tmp/layout:image"
must umoci --log error unpack --image "$tmp/layout:image" "$tmp/truth.unpacked"
must unpack_flat "$tmp/flat" "$tmp/tree"
touch -d @0 "$tmp/tree" # no layer of docker's has an entry for the root, and umoci sets it so
must list_both "$tmp/truth.unpacked/rootfs" "$tmp/tree"
same 'the tree is that of the layers' "$tmp/found" "$tmp/truth"
ok 'what was removed is gone' [ ! -e "$tmp/tree/work/removed" ]

topic 'docker'
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

topic "Entries below links of their own layer: the engine's word for it. Layers that it refuses are refused"
# What there is to see of a container's own files is below /x.
same_as_engine() { # DESCRIPTION; the layers on stdin
	loads=$((loads + 1)) loaded=$tmp/loaded.$loads
	must make_layers "$loaded"
	must save_images docker "$loaded.saved" "$loaded"
	if docker load -i "$loaded.saved" >"$loaded.log" 2>&1; then
		docker create "$(config_digest "$loaded")" /none 2>"$loaded.log" >"$loaded.container" || return
		mkdir "$loaded.engine" "$loaded.tree"
		docker export "$(cat "$loaded.container")" | tar -xpf - -C "$loaded.engine" --numeric-owner x
		docker rm "$(cat "$loaded.container")" >/dev/null
		docker rmi "$(config_digest "$loaded")" >/dev/null
		must flatten -o "$loaded.flat" <"$loaded.saved"
		flat_layer "$loaded.flat" | tar -xpf - -C "$loaded.tree" --numeric-owner
		"$programs/list-tree" -t "$loaded.engine/x" >"$tmp/truth"
		"$programs/list-tree" -t "$loaded.tree/x" >"$tmp/found"
		same "$1" "$tmp/found" "$tmp/truth"
	else
		flatten -o "$loaded.flat" <"$loaded.saved" >"$loaded.out" 2>"$loaded.err"
		is "$1: $(tail -n 1 "$loaded.log" | sed 's/.*): //'): refused here too" "$?" 1
	fi
}
loads=0
same_as_engine 'a layer made of packages' <<'END'
layer
dir x
dir x/usr
dir x/usr/bin
symlink x/bin to=usr/bin
file x/bin/busybox text=1
symlink x/usr/bin/sh to=busybox
link x/bin/ash to=x/bin/busybox
dir x/bin/d mode=700
file x/bin/d/f text=2
symlink x/abs to=/x/usr/../usr/bin
symlink x/over to=../../../x/abs
file x/over/e/f text=3
END
same_as_engine 'targets of hard links below a link' <<'END'
layer
dir x
dir x/d
file x/d/f text=1
file x/f text=2
symlink x/l to=d
link x/a to=x/l/f
link x/b to=x/l/../f
link x/c to=../x/l/f
symlink x/s to=d/f
link x/h to=x/s
END
same_as_engine 'whiteouts below a link' <<'END'
layer
dir x
dir x/d
file x/d/a text=1
file x/d/b text=1
dir x/e
file x/e/a text=1
layer
dir x
dir x/d
dir x/e
symlink x/l to=d
symlink x/m to=/x/e
file x/l/.wh.a
file x/m/.wh..wh..opq
file x/m/c text=2
END
same_as_engine 'a link of a lower layer' <<'END'
layer
dir x
dir x/d
symlink x/l to=d
layer
dir x
file x/l/a text=1
END
for case in 'l1>l2 l2>l1 l1/a' 'l>nowhere l/a' 'l>nowhere l/d/a' 'f l>f l/a' 'f f/a' 'l>nowhere l/.wh.a' 'f f/.wh.a'; do
	{
		printf 'layer\ndir x\n'
		for entry in $case; do
			case $entry in
			*'>'*) printf 'symlink x/%s to=%s\n' "${entry%>*}" "${entry#*>}" ;;
			*) printf 'file x/%s text=1\n' "$entry" ;;
			esac
		done
	} >"$tmp/case"
	same_as_engine "$case" <"$tmp/case"
done

topic 'podman'
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
