# shellcheck shell=sh
# exports.sh: what engines write when they save images, made by hand from layers: no engine is needed. For tests; sourced.
#
# An image is a folder with its layers, 1.tar, 2.tar, ... from below.
#
# save_images DIALECT OUT IMAGE...   an export with these images
#	docker    before 25: <id>/layer.tar, and a symbolic link where another image has the layer already
#	docker25  since: an OCI layout with manifest.json, layers as plain tars
#	ctrd      docker with containerd's image store: layers compressed by $compress, an index in the index, attestations
#	oci       podman's oci-archive: compressed, no manifest.json
# save_layout FOLDER IMAGE           an OCI layout of the plain layers, tagged 'image', for umoci
# true_tree FOLDER IMAGE             the image as umoci unpacks it, in FOLDER/rootfs
# config_digest IMAGE                the digest of its config

sha256() { sha256sum | cut -d' ' -f1; }
image_layers() { # IMAGE: its layers' paths, one a line, from below
	_n=1
	while [ -e "$1/$_n.tar" ]; do
		echo "$1/$_n.tar"
		_n=$((_n + 1))
	done
}
joined() { paste -sd, -; }
image_config() { # IMAGE: its config
	_ids=$(image_layers "$1" | while read -r _layer; do printf '"sha256:%s"\n' "$(sha256 <"$_layer")"; done | joined)
	_history=$(image_layers "$1" | while read -r _layer; do printf '{"created_by":"COPY %s"}\n' "${_layer##*/}"; done | joined)
	printf '{"architecture":"amd64","config":{"Env":["PATH=/bin","A=\\u00e9 \\"x\\""],"Entrypoint":["/bin/true"],%s},%s,%s}' \
		'"Labels":{"name":"'"${1##*/}"'"},"User":"1000","Healthcheck":{"Interval":30000000000}' \
		'"created":"2024-01-02T03:04:05.678901234Z","os":"linux","variant":"v2","x-unknown":[1,1.5,null,true]' \
		'"rootfs":{"type":"layers","diff_ids":['"$_ids"']},"history":['"$_history"',{"created_by":"ENV A","empty_layer":true}]'
}
config_digest() { echo "sha256:$(image_config "$1" | sha256)"; }

# --- Blobs of the layout in $layout.
add_blob() { # FILE: prints "digest":...,"size":... of the blob that it is from now on
	_hex=$(sha256 <"$1")
	mkdir -p "$layout/blobs/sha256"
	[ -e "$layout/blobs/sha256/$_hex" ] || cp "$1" "$layout/blobs/sha256/$_hex"
	printf '"digest":"sha256:%s","size":%d' "$_hex" "$(wc -c <"$1")"
}
add_manifest() { # IMAGE [COMPRESSOR]: its blobs; prints the manifest's digest and size, and sets nothing
	image_config "$1" >"$layout.config"
	_blobs=$(image_layers "$1" | while read -r _layer; do
		${2:-cat} <"$_layer" >"$layout.blob"
		printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar%s",%s}\n' "${2:++gzip}" "$(add_blob "$layout.blob")"
	done | joined)
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[%s]}' \
		application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json \
		"$(add_blob "$layout.config")" "$_blobs" >"$layout.manifest"
	printf '"mediaType":"application/vnd.oci.image.manifest.v1+json",'
	add_blob "$layout.manifest"
}
# What buildx leaves beside an image: it looks like one, and is none.
add_attestation() { # DESCRIPTOR: prints that of the attestation about it
	printf '{"_type":"https://in-toto.io/Statement/v0.1"}' >"$layout.blob"
	printf '{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >"$layout.config"
	printf '{"schemaVersion":2,"config":{"mediaType":"%s",%s},"layers":[{"mediaType":"application/vnd.in-toto+json",%s}]}' \
		application/vnd.oci.image.config.v1+json "$(add_blob "$layout.config")" "$(add_blob "$layout.blob")" >"$layout.manifest"
	printf '"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,' "$(add_blob "$layout.manifest")"
	printf '"annotations":{"vnd.docker.reference.digest":"%s","vnd.docker.reference.type":"attestation-manifest"},' \
		"$(printf %s "$1" | sed 's/.*"digest":"\([^"]*\)".*/\1/')"
	printf '"platform":{"architecture":"unknown","os":"unknown"}'
}
add_index() { # DESCRIPTOR...: an index of these; prints its digest and size
	_list=$(for _descriptor; do printf '{%s}\n' "$_descriptor"; done | joined)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$_list" >"$layout.index"
	printf '"mediaType":"application/vnd.oci.image.index.v1+json",'
	add_blob "$layout.index"
}
write_index() { # DESCRIPTOR...: index.json of the layout
	add_index "$@" >/dev/null
	cp "$layout.index" "$layout/index.json"
	rm "$layout/blobs/sha256/$(sha256 <"$layout.index")"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
}
save_layout() { # FOLDER IMAGE
	layout=$1
	mkdir -p "$layout"
	write_index "$(add_manifest "$2"),\"annotations\":{\"org.opencontainers.image.ref.name\":\"image\"}"
}
true_tree() { # FOLDER IMAGE
	save_layout "$1.layout" "$2" && umoci --log error unpack --image "$1.layout:image" "$1"
}

# --- Dialects, in $layout. Each prints one item of manifest.json.
put_docker() { # IMAGE
	_config=$(image_config "$1" | sha256).json _list=''
	image_config "$1" >"$layout/$_config"
	_list=$(image_layers "$1" | {
		_chain=''
		while read -r _layer; do
			_hex=$(sha256 <"$_layer")
			_chain=$(printf '%s %s %s' "${1##*/}" "$_chain" "$_hex" | sha256) # any name, but each image's its own
			mkdir "$layout/$_chain"
			echo 1.0 >"$layout/$_chain/VERSION"
			echo '{}' >"$layout/$_chain/json"
			if [ -e "$layout.of.$_hex" ]; then
				ln -s "../$(cat "$layout.of.$_hex")/layer.tar" "$layout/$_chain/layer.tar"
			else
				cp "$_layer" "$layout/$_chain/layer.tar"
				echo "$_chain" >"$layout.of.$_hex"
			fi
			printf '"%s/layer.tar"\n' "$_chain"
		done
	} | joined)
	printf '{"Config":"%s","RepoTags":null,"Layers":[%s]}\n' "$_config" "$_list"
}
put_blobs() { # IMAGE [COMPRESSOR]
	add_manifest "$@" >"$layout.descriptor"
	cat "$layout.descriptor" >>"$layout.descriptors"
	echo >>"$layout.descriptors"
	sed 's/.*"layers"://; s/"digest":"sha256:\([0-9a-f]*\)"/\n\1\n/g' "$layout.manifest" |
		sed -n 's,^[0-9a-f]\{64\}$,"blobs/sha256/&",p' | joined >"$layout.list"
	printf '{"Config":"blobs/sha256/%s","RepoTags":["%s:latest"],"Layers":[%s]}\n' \
		"$(image_config "$1" | sha256)" "${1##*/}" "$(cat "$layout.list")"
}
save_images() { # DIALECT OUT IMAGE...
	_dialect=$1 _out=$2 layout=$2.layout
	shift 2
	rm -rf "$layout"*
	mkdir -p "$layout"
	for _image; do
		case $_dialect in
		docker) put_docker "$_image" ;;
		docker25) put_blobs "$_image" ;;
		*) put_blobs "$_image" "${compress:-gzip}" ;;
		esac
	done >"$layout.items"
	case $_dialect in
	docker) ;;
	ctrd)
		set --
		while read -r _descriptor; do
			set -- "$@" "$(add_index "$_descriptor,\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}" \
				"$(add_attestation "$_descriptor")")"
		done <"$layout.descriptors"
		write_index "$@"
		;;
	*)
		set --
		while read -r _descriptor; do set -- "$@" "$_descriptor"; done <"$layout.descriptors"
		write_index "$@"
		;;
	esac
	[ "$_dialect" = oci ] || printf '[%s]' "$(joined <"$layout.items")" >"$layout/manifest.json"
	(cd "$layout" && find . ! -name .) | sed "s,^\./,," | LC_ALL=C sort >"$layout.names"
	tar -cf "$_out" --format=pax --pax-option=delete=atime,delete=ctime --no-recursion -C "$layout" -T "$layout.names"
	rm -rf "$layout"*
}
