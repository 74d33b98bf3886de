# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is read in smolvm, and the other way round
# pull.sh: the pull of the stand-in for smolvm, which sources it. There crane 0.19 pulls, inside the virtual machine.
#
# pull REFERENCE FOLDER   skopeo's 'dir:' of the image; else 1 and in $crane what crane would have said
# read_image              from there: $digest of the config, $config, $layers, $count and $total bytes; or $pull_failed
# read_archive            the same, of an archive of docker save from standard input
# no_pull                 the same, of an image made on the spot: one empty layer

# --- 1. What the guest writes for an incomplete reference (from 0.8.1; before, crane did the same by itself).
normalize() { # REFERENCE
	digest='' tag='' name=$1
	case $name in *@*) digest=@${name#*@} name=${name%%@*} ;; esac
	case ${name##*/} in *:*) tag=:${name##*:} name=${name%:*} ;; esac
	case $name in
	*/*) case ${name%%/*} in *[.:]*) ;; *) name=docker.io/$name ;; esac ;;
	*) name=docker.io/library/$name ;;
	esac
	[ -n "$digest" ] || digest=${tag:-:latest}
	echo "$name$digest"
}
refuse_reference() { # REFERENCE
	case $1 in
	*['$`|;&<>']*) wrong="contains forbidden character: '$(printf %s "$1" | tr -cd '$`|;&<>' | cut -c1)'" ;;
	*..*/* | */*..*) wrong='contains suspicious path traversal' ;;
	*[!A-Za-z0-9._/:@-]*) wrong='contains invalid characters' ;;
	[!A-Za-z0-9]*) wrong='must start with alphanumeric character' ;;
	*[!A-Za-z0-9]) wrong='must end with alphanumeric character' ;;
	*) return ;;
	esac
	fail "agent operation failed: pull image: invalid image reference '$1': image reference $wrong"
}

# --- 2. Plain HTTP or not (go-containerregistry v0.19.0, Registry.Scheme).
is_private() { # ADDRESS: RFC 1918
	case $1 in *[!0-9.]*) return 1 ;; esac
	case $1 in 10.*.*.* | 192.168.*.* | 172.1[6-9].*.* | 172.2[0-9].*.* | 172.3[01].*.*) ;; *) return 1 ;; esac
}
speaks_http() { # HOST[:PORT]
	case $1 in
	localhost:* | *127.0.0.1* | *.local | *.localhost | *.local:* | *.localhost:*) ;;
	*) is_private "${1%%:*}" ;;
	esac
}

# --- 3. Whether the address can be reached at all; if not, with which error. Through TSI the guest's loopback is the host's;
# with virtio-net it is the guest's own, where nothing listens. Above that there is a floor, read in this order.
is_one() { case $1 in 1 | [Tt][Rr][Uu][Ee]) ;; *) return 1 ;; esac }
egress_floor() {
	floor=metadata
	if since 1.3.9; then
		case $(printf %s "${SMOLVM_EGRESS_FLOOR-}" | tr '[:upper:]' '[:lower:]' | tr -d ' \t') in
		strict) floor=strict && return ;;
		metadata | metadata-only | metadataonly) return ;;
		off | none) floor=off && return ;;
		esac
	fi
	since 1.1.3 || return 0
	if is_one "${SMOLVM_EGRESS_ALLOW_PRIVATE-}"; then
		floor=off
	elif [ -n "${SMOLVM_PUBLISH_ADDR+set}" ]; then
		floor=strict
	elif since 1.13.0 && ! is_one "${SMOLVM_ALLOW_HOST_LOOPBACK-}"; then
		floor=loopback
	fi
}
out_of_reach() { # ADDRESS: sets $error
	egress_floor
	denied='permission denied' loopback='' error=''
	case $1 in localhost | 127.*) loopback=yes ;; esac
	if { since 1.0.4 && [ -n "${SMOLVM_PUBLISH_ADDR+set}" ]; } ||
		{ since 1.7.5 && [ -n "${SMOLVM_GUEST_HOST_SERVICE+set}" ]; }; then
		denied='connection refused'
		[ -z "$loopback" ] || error=$denied
	fi
	case $floor$loopback in
	loopbackyes | strictyes) error=$denied ;;
	strict) ! is_private "$1" || error=$denied ;;
	esac
	[ -n "$error" ]
}
no_connection() { # HOST[:PORT] ADDRESS ERROR: what crane says of both its tries
	dial="dial tcp $(printf %s "$2" | sed 's/^localhost/127.0.0.1/'): connect: $3"
	printf 'Get "https://%s/v2/": %s' "$1" "$dial"
	! speaks_http "$1" || printf '; Get "http://%s/v2/": %s' "$1" "$dial"
}

pull() { # REFERENCE FOLDER
	full=$1
	! since 0.8.1 || full=$(normalize "$1")
	refuse_reference "$full"
	host=${full%%/*} address=${full%%/*}
	case $address in *:*) ;; *) address=$address:443 ;; esac
	case $full in
	*://* | *:/* | *//*)
		crane="parsing reference \"$full\": could not parse reference: $full"
		return 1
		;;
	esac
	if out_of_reach "${address%:*}"; then
		crane=$(no_connection "$host" "$address" "$error")
		return 1
	fi

	platform=${oci_platform:-linux/$host_arch}
	arch=${platform#*/} variant=
	case $arch in */*) variant=${arch#*/} arch=${arch%%/*} ;; esac
	verify=true scheme=https
	! speaks_http "$host" || verify=false scheme=http
	(
		# proxies: by option, from 1.9.1 on by the environment too; Go never takes one for loopback
		seen_proxy=$proxy seen_no_proxy=$no_proxy_list
		if since 1.9.1; then
			for it in "${HTTPS_PROXY-}" "${https_proxy-}" "${HTTP_PROXY-}" "${http_proxy-}" \
				"${ALL_PROXY-}" "${all_proxy-}"; do
				seen_proxy=${seen_proxy:-$it}
			done
			seen_no_proxy=${seen_no_proxy:-${NO_PROXY:-${no_proxy-}}}
		fi
		unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy NO_PROXY no_proxy
		[ -z "$seen_proxy" ] || export HTTP_PROXY="$seen_proxy" HTTPS_PROXY="$seen_proxy"
		[ -z "$seen_no_proxy" ] || export NO_PROXY="$seen_no_proxy"
		CONTAINERS_REGISTRIES_CONF=/dev/null exec skopeo --insecure-policy --override-os "${platform%%/*}" \
			--override-arch "$arch" ${variant:+--override-variant "$variant"} copy -q --src-no-creds \
			--src-tls-verify=$verify "docker://$full" "dir:$2" >"$work/skopeo" 2>&1
	) && return

	skopeo=$(sed -n 's/.*level=fatal msg="\(.*\)"$/\1/p' "$work/skopeo" | sed 's/\\"/"/g')
	case $skopeo in
	*proxyconnect*) crane=${skopeo#*"registry $host: "} ;;
	*'connection refused'*) crane=$(no_connection "$host" "$address" 'connection refused') ;;
	*'manifest unknown'*)
		repository=${full#*/} tag=${full##*[:@]}
		crane="GET $scheme://$host/v2/${repository%%[:@]*}/manifests/$tag: MANIFEST_UNKNOWN: manifest unknown; map[Tag:$tag]"
		;;
	*'pinging container registry'*) crane=${skopeo#*"registry $host: "} ;;
	*'no image found in'*) crane="no child with platform $platform in index $full" ;;
	*) crane=${skopeo:-$(cat "$work/skopeo")} ;;
	esac
	return 1
}

# Kept in a cache that nothing clears; its digest is the image's name, and the image's own is nowhere (run: 1.32.2).
read_archive() {
	archives=${XDG_CACHE_HOME:-${HOME-}/.cache}/smolvm-image-archives
	{ mkdir -p "$archives" "$work/image" && cat >"$work/archive.tar"; } || fail 'agent operation failed: stage stdin archive: No space left on device (os error 28)'
	sum=$(sha256 <"$work/archive.tar")
	mkdir -p "$archives/$sum" && mv "$work/archive.tar" "$archives/$sum/archive.tar"
	image=local:$sum
	skopeo --insecure-policy copy -q "docker-archive:$archives/$sum/archive.tar" "dir:$work/image" >"$work/skopeo" 2>&1 ||
		fail 'config operation failed: --image: manifest.json not found in tar'
	read_image
	digest=packed total=0
}
no_pull() { # an image of one empty layer, by the digest of the one that is served, where one is
	mkdir -p "$work/image" "$work/layer/1"
	tar -cf "$work/image/layer" -C "$work/layer/1" .
	printf '{"architecture":"%s","os":"linux","config":{}}\n' "$host_arch" >"$work/image/config"
	layers=sha256:$(sha256 <"$work/image/layer") count=1
	config=$work/image/config
	digest=$(CONTAINERS_REGISTRIES_CONF=/dev/null skopeo --command-timeout 20s inspect --raw --no-creds --tls-verify=false "docker://$image" 2>/dev/null |
		jq -r '.config.digest // empty' 2>/dev/null)
	: "${digest:=sha256:$(sha256 <"$work/image/config")}"
}
read_image() { # sets $digest of the config, $config, $layers, $count, $total
	digest=$(jq -r '.config.digest, (.layers | if . == null then "none" else .[].digest end)' "$work/image/manifest.json")
	layers=${digest#*"$newline"}
	[ "$layers" != "$digest" ] || layers=
	digest=${digest%%"$newline"*}
	config=$work/image/${digest#sha256:}
	if [ "$layers" = none ]; then
		pull_failed="missing 'layers' in manifest"
		return
	fi
	mkdir "$work/layer" || return
	for it in $layers; do
		count=$((count + 1))
		unpack "$it" "$work/layer/$count" || return
		size=$(find "$work/layer/$count" -type f -exec wc -c {} + 2>/dev/null |
			awk '$2 != "total" { n += $1 } END { printf "%d", n }')
		total=$((total + size))
	done
	printf '\rPulling image %s... [====================] 100%% — syncing...' "$image" >&2
}
