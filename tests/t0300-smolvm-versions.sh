#!/bin/sh
# t0300-smolvm-versions: each version of smolvm packs, the tree is right, and the loopback floor is negotiated.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo zstd curl
need_engine

# Deleted in an upper layer: a file, a folder; replaced: a file by a folder, a folder by a link.
must make_image tree \
	'RUN ["/bin/busybox", "mkdir", "-p", "/d/gone", "/d/becomes-link", "/d/stays"]' \
	'RUN ["/bin/busybox", "touch", "/d/gone/x", "/d/file-gone", "/d/becomes-folder", "/d/becomes-link/x", "/d/stays/x"]' \
	'RUN ["/bin/sh", "-c", "busybox rm -r /d/gone /d/file-gone /d/becomes-folder /d/becomes-link"]' \
	'RUN ["/bin/sh", "-c", "busybox mkdir /d/becomes-folder; busybox ln -s stays /d/becomes-link; busybox touch /d/becomes-folder/y"]'

# What the engine says the tree is: the paths, but for what a container adds.
must docker create --name "truth-$mine" "$image" x
docker export "truth-$mine" | tar -tf - | sed 's,/$,,' |
	grep -vxE '\.dockerenv|(dev|proc|sys)(/.*)?|etc/(hosts|hostname|resolv\.conf|mtab)' | sort >"$tmp/truth"
docker rm -v "truth-$mine" >/dev/null
like 'the truth holds what stays' "$(cat "$tmp/truth")" '^d/becomes-folder/y$'

tree_of() { # SIDECAR: its paths
	rm -rf "$tmp/assets"
	mkdir "$tmp/assets"
	head -c "$(od -An -tu8 -j $(($(stat -c %s "$1") - 36)) -N 8 "$1" | tr -d ' ')" "$1" | zstd -dcq | tar -C "$tmp/assets" -xf - layers
	tar -tf "$tmp"/assets/layers/*.tar | sed 's,^\./,,; s,/$,,; /^\.*$/d' | sort
}
export FAKE_SMOLVM_TRACE="$tmp/trace"
forget() { : >"$FAKE_SMOLVM_LOG" && : >"$FAKE_SMOLVM_TRACE"; }
packs() { grep -c ' start ' "$FAKE_SMOLVM_LOG"; }

for version in 0.8.0 1.6.13 1.7.1 1.9.2 1.12.0 1.13.0 1.17.0; do
	export FAKE_SMOLVM_VERSION=$version
	rm -rf "$CACHE_DIR"
	forget
	ok "smolvm $version packs" run_make smolmachine IMAGE="$image"
	sidecar=$(cat "$out")
	tree_of "$sidecar" >"$tmp/tree"
	same "... the tree that the engine has" "$tmp/tree" "$tmp/truth"
	is '... and the record tells the version' "$(jq -r .smolvm_version "${sidecar%.smolmachine.smolmachine}.json")" "$version"
	is '... at the first try' "$(packs) $(grep -c ' end .* 0$' "$FAKE_SMOLVM_LOG")" '1 1'
	case $version in 1.13.0 | 1.17.0) floor=metadata ;; *) floor=none ;; esac
	is '... whose floor is lowered where it has one' \
		"$(jq -r 'select(.argv | index("create")) | .env.SMOLVM_EGRESS_FLOOR // "none"' "$FAKE_SMOLVM_TRACE")" "$floor"
	unlike '... without a word of floors' "$(cat "$err")" 'FLOOR'
	assert_nothing_left '... and nothing is left'
done
is 'the image in the engine is as it was' "$(docker image inspect -f '{{len .RootFS.Layers}}' "$image")" \
	"$(grep -c '^COPY\|^RUN' "$context/Dockerfile")"

# A floor of the user's own is never overridden.
for setting in SMOLVM_EGRESS_FLOOR=strict SMOLVM_PUBLISH_ADDR=0.0.0.0 SMOLVM_ALLOW_HOST_LOOPBACK=0; do
	rm -rf "$CACHE_DIR"
	FAKE_SMOLVM_VERSION=1.17.0
	forget
	export "${setting?}"
	must_fail "with $setting the pack fails" run_make smolmachine IMAGE="$image"
	like '... which is explained' "$(cat "$err")" "SMOLVM: .*${setting%%=*}.*unset it"
	is '... and not tried again' "$(packs)" 1
	unset "${setting%%=*}"
done

# A machine that an old smolvm packed from several layers, by claude-bottle say, is no hit.
FAKE_SMOLVM_VERSION=1.17.0
must run_make smolmachine IMAGE="$image"
sidecar=$(cat "$out")
key=$(basename "$sidecar" .smolmachine.smolmachine)
launcher=$CACHE_DIR/$key.smolmachine
must docker run -d --name "registry-$mine" -p 127.0.0.1::5000 "$REGISTRY_IMAGE"
port=$(docker port "registry-$mine" 5000/tcp | sed 's/.*://')
must wait_for "curl -sf http://127.0.0.1:$port/v2/" 60
must docker tag "$image" "127.0.0.1:$port/x:$key"
must docker push "127.0.0.1:$port/x:$key"
must env FAKE_SMOLVM_VERSION=1.9.2 "$SMOLVM" pack create --image "127.0.0.1:$port/x:$key" -o "$tmp/old"
docker rmi "127.0.0.1:$port/x:$key" >/dev/null
docker rm -fv "registry-$mine" >/dev/null
tree_of "$tmp/old.smolmachine" >"$tmp/tree"
ok 'such a smolvm brings deleted files back' grep -qx d/gone/x "$tmp/tree"
must cp "$tmp/old.smolmachine" "$sidecar"
must cp "$tmp/old" "$launcher"
rm -f "$CACHE_DIR/$key.json"
forget
ok 'its machine is packed anew' run_make smolmachine IMAGE="$image"
is 'once' "$(packs)" 1
like 'and make says why' "$(cat "$err")" 'brings deleted files back'
tree_of "$sidecar" >"$tmp/tree"
same 'with the right tree' "$tmp/tree" "$tmp/truth"
done_testing
