#!/bin/sh
# clients.sh: what each client that is here makes of our registry, with zstd, gzip and plain layers: one "cell" each.
# Run by tests/engines/run. Prints TAP, "# cell CLIENT CODING ok|FAIL|takes none" and "# version CLIENT VERSION". A client that
# is not here has neither.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need jq skopeo zstd
need_private # docker has to lose its image before it can pull it

must make_context one 'RUN ["/bin/busybox", "touch", "/gone", "/stays"]' 'RUN ["/bin/busybox", "rm", "/gone"]'
head -c 5000000 /dev/urandom >"$context/noise"
must change_image 'COPY noise /noise'
must run_make cache/bin/with-registry
engine_id=$(docker image inspect -f '{{.Id}}' "$image")
config=$(docker save "$image" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "")')
diff_ids=$(docker image inspect -f '{{join .RootFS.Layers "\n"}}' "$image")

# One server a coding, before the engine loses the image: what is served is theirs.
for coding in zstd gzip none; do
	SILENT=1 "$top/cache/bin/with-registry" -r direct -c $coding -t "$TMPDIR" "a/b:x=sha256:$config,$engine_id" >"$tmp/$coding" 2>"$tmp/$coding.err" &
	must wait_for "[ -s '$tmp/$coding' ]" 60
done
must docker rmi -f "$engine_id"

sha256() { sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
unpack() { # MEDIA-TYPE
	case $1 in
	*zstd) zstd -dcq ;;
	*gzip) gzip -dc ;;
	*) cat ;;
	esac
}
# Each takes the address in $registry, and fails unless all layers arrived as what the config says.
by_skopeo() {
	rm -rf "$tmp/dir"
	skopeo copy -q --src-tls-verify=false "docker://$registry/a/b:x" "dir:$tmp/dir" || return
	[ "$(jq -r '.layers[] | "\(.digest[7:]) \(.mediaType)"' "$tmp/dir/manifest.json" | while read -r blob type; do
		unpack "$type" <"$tmp/dir/$blob" | sha256
	done)" = "$diff_ids" ]
}
by_docker() {
	docker pull -q "$registry/a/b:x" || return
	[ "$(docker image inspect -f '{{join .RootFS.Layers "\n"}}' "$registry/a/b:x")" = "$diff_ids" ] &&
		docker run --rm --network none "$registry/a/b:x" /bin/busybox test -e /stays -a ! -e /gone
	result=$?
	docker rmi -f "$registry/a/b:x" >/dev/null && return "$result"
}
# podman takes no long path for its runroot
by_podman() {
	set -- podman --root "$tmp/podman" --runroot /run/podman.clients --storage-driver vfs
	"$@" pull -q --tls-verify=false "$registry/a/b:x" || return
	[ "$("$@" image inspect "$registry/a/b:x" | jq -r '.[0].RootFS.Layers[]')" = "$diff_ids" ]
	result=$?
	"$@" rmi -f "$registry/a/b:x" >/dev/null && return "$result"
}
by_crane() { # as smolvm's guest uses it
	[ "$(crane config --insecure "$registry/a/b:x" | sha256)" = "sha256:$config" ] &&
		[ "$(crane manifest --insecure "$registry/a/b:x" | jq -r '.layers[] | "\(.digest) \(.mediaType)"' | while read -r blob type; do
			crane blob --insecure "$registry/a/b@$blob" | unpack "$type" | sha256
		done)" = "$diff_ids" ]
}
# The pull tests of the distribution spec. Its verdict is in what it prints: its status is 0 whatever it finds, and its own
# report of a build by `go install` ends in a panic.
by_conformance() {
	digest=$(curl -sSI "http://$registry/v2/a/b/manifests/x" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')
	OCI_REGISTRY=$registry OCI_TLS=disabled OCI_REPO1=a/b OCI_RESULTS_DIR=$tmp/results OCI_API_PUSH=false \
		OCI_API_BLOBS_DELETE=false OCI_API_MANIFESTS_DELETE=false OCI_API_TAGS_DELETE=false OCI_API_REFERRER=false \
		OCI_RO_DATA_TAGS=x OCI_RO_DATA_MANIFESTS=$digest OCI_RO_DATA_BLOBS="$(curl -sS "http://$registry/v2/a/b/manifests/x" |
			jq -r '[.config.digest, .layers[].digest] | join(" ")')" conformance >"$tmp/verdict" 2>/dev/null
	sed -n '/^OCI Conformance Result/,/^Data/p' "$tmp/verdict"
	[ "$(awk -F '[.:]+ *' '/^OCI Conformance Result/ { verdict = $2 }
		/^  (FAIL|Error)\./ { bad += $2 }
		/^  Pass\./ { passed = $2 }
		END { print verdict, bad + 0, (passed > 10) }' "$tmp/verdict")" = 'Pass 0 1' ]
}
version_of() { # CLIENT
	case $1 in
	docker) docker version -f '{{.Server.Version}}' ;;
	crane) crane version | grep '^v' || dpkg-query -W -f '${Version}' crane ;;
	conformance) sed -n 's/.*\bversion: "\(.*\)"/spec \1/p' "$tmp/verdict" 2>/dev/null ;;
	*) "$1" --version | sed -n 's/.*version \([^ ]*\).*/\1/p' ;;
	esac
}

for client in skopeo docker podman crane conformance; do
	command -v $client >/dev/null || continue
	for coding in zstd gzip none; do
		registry=$(cat "$tmp/$coding")
		case $client-$coding-$(version_of $client) in
		docker-zstd-20.*) # the engine learned zstd in 23.0
			must_fail 'docker 20 takes no zstd' by_docker
			echo "# cell docker zstd takes none"
			continue
			;;
		esac
		if ok "$client pulls what is $coding" by_$client; then
			echo "# cell $client $coding ok"
		else
			echo "# cell $client $coding FAIL"
		fi
	done
	echo "# version $client $(version_of $client)"
done
done_testing
