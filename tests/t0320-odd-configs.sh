#!/bin/sh
# t0320-odd-configs: an image whose config or labels hold what the engine takes and strict readers do not is packed, by every route,
# with the config as it is; and an inspection of any usual size is read whole.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq perl skopeo
need_engine

export FAKE_SMOLVM_VERSION=1.17.0 STORE_MAX=100
# Loads an image whose config has these bytes among its members. Sets $image and $config, its digest.
load_odd() { # NAME MEMBERS as printf has them
	rm -rf "$tmp/odd"
	mkdir -p "$tmp/odd/root/bin" && _busybox "$tmp/odd/root/bin/busybox" && echo "$mine $1" >"$tmp/odd/root/name" || return
	tar -C "$tmp/odd/root" --sort=name -cf "$tmp/odd/layer.tar" . || return
	image=smolmake-test/odd-$1-$mine:latest
	# shellcheck disable=SC2059
	{
		printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/bin/busybox"],"Labels":{"name":"x"' "$(docker version -f '{{.Server.Arch}}')"
		printf "$2"
		printf ',"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(sha256sum <"$tmp/odd/layer.tar" | cut -d' ' -f1)"
	} >"$tmp/odd/config.json"
	config=sha256:$(sha256sum <"$tmp/odd/config.json" | cut -d' ' -f1)
	printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$image" >"$tmp/odd/manifest.json"
	echo "$image" >>"$tmp/.images"
	tar -C "$tmp/odd" -cf - config.json manifest.json layer.tar | docker load -q
}
large=$(perl -e 'print "x" x 100000')
while read -r name members; do
	case $name in
	large) members=$(for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do printf ',"l%s":"%s"' "$n" "$large"; done)"$members" ;;
	esac
	must load_odd "$name" "$members"
	ok "$name: it is found" run_make image-id IMAGE="$image"
	is '... under the digest of its config' "$(cat "$out")" "$(printf %.16s "${config#sha256:}")"
	for how in 'ROUTE=push' 'ROUTE=direct' 'ROUTE=direct SQUASH=1'; do
		rm -rf "$CACHE_DIR"
		# shellcheck disable=SC2086 # settings
		ok "... $how packs it" run_make smolmachine IMAGE="$image" REGISTRY_IMAGE= $how
		is '... as that image' "$(jq -r .image_id "$CACHE_DIR"/*.json)" "$config"
	done
	assert_nothing_left '... and leaves nothing' 30
done <<'EOT'
plain }}
latin1 ,"city":"K\366ln","\351":""}}
surrogate ,"a":"x\\udc33y","\\udfff":""}}
nul ,"a":"x\\u0000y","\\u0000":""}}
number }},"x":1180591620717411303424,"y":[-1180591620717411303424,1e400]
large }}
EOT

# (A high half alone is refused by the jq of the stand-in for smolvm: tests/unit/json.c has it.)

# What is not to be inspected is never without a reason.
cat >"$tmp/odd/docker" <<'EOF2'
#!/bin/sh
case "$1 $2" in 'image inspect') ;; *) exec docker "$@" ;; esac
case $HOW in
silent) exit 3 ;;
killed) kill -KILL $$ ;;
text) echo 'no JSON' ;;
none) echo '[]' ;;
null) echo 'null' ;;
half) docker "$@" | head -c 500 ;;
endless) exec tr '\0' x </dev/zero ;;
esac
EOF2
chmod +x "$tmp/odd/docker"
while read -r HOW words; do
	export HOW
	must_fail "an inspection that is $HOW is an error" run_make smolmachine IMAGE="$image" DOCKER="$tmp/odd/docker"
	like '... with its reason' "$(cat "$err")" "^error: IMAGE: the engine cannot inspect '$image': .*$words"
done <<'EOT'
silent ended with status 3 and said nothing
killed died of signal 9 and said nothing
text printed cannot be read: .
none printed cannot be read: no image is in it
null printed cannot be read: .
half printed cannot be read: .
endless printed more than 64 MiB
EOT
done_testing
