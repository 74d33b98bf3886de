#!/bin/sh
# shellcheck disable=SC2317 # most functions are called by assertions
# The stand-in for smolvm does what smolvm of each version does: what it accepts, what it makes, how it fails.
. "${0%/*}/lib.sh"
# shellcheck source=tests/sidecar.sh
. "$top/tests/sidecar.sh"
need skopeo jq tar gzip zstd docker-registry

writer=$top/cache/tests/write-sidecar
[ -x "$writer" ] || must make --no-print-directory -C "$top" cache/tests/write-sidecar

topic 'A registry of our own, and images made by hand'
cat >"$tmp/registry.yml" <<E
version: 0.1
storage: {filesystem: {rootdirectory: '$tmp/registry'}}
http: {addr: '127.0.0.1:0'}
E
docker-registry serve "$tmp/registry.yml" >"$tmp/registry.log" 2>&1 &
must wait_for "grep -q 'listening on' '$tmp/registry.log'" 60
port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/registry.log")
registry=127.0.0.1:$port

blob() { # FILE: into $dir; prints digest and size as JSON members
	_hex=$(sha256sum <"$1") _hex=${_hex%% *}
	cp "$1" "$dir/$_hex"
	printf '"size":%d,"digest":"sha256:%s"' "$(wc -c <"$1")" "$_hex"
}
# NAME FOLDER...: an image of one layer for each folder. $compress and $config, if set, are its compressor and its config
push_image() {
	dir=$tmp/image.$1 name=$1 layers=''
	shift
	mkdir "$dir" || return
	for _folder; do
		tar -cf - --numeric-owner --sort=name -C "$_folder" . | ${compress:-gzip -1} >"$tmp/layer"
		layers=$layers${layers:+,}$(printf '{"mediaType":"%s",%s}' \
			application/vnd.oci.image.layer.v1.tar+gzip "$(blob "$tmp/layer")")
	done
	printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":[]}}' \
		"${config:-{\}}" >"$tmp/config"
	push_manifest "$name" "[$layers]"
}
push_manifest() { # NAME LAYERS
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":%s}' \
		application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json \
		"$(blob "$tmp/config")" "$2" >"$dir/manifest.json"
	echo 'Directory Transport Version: 1.1' >"$dir/version"
	skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false "dir:$dir" "docker://$registry/$1:1"
}
config_digest() { jq -r .config.digest "$tmp/image.$1/manifest.json"; }

topic 'The stand-in: VERSION ARGUMENTS...; its environment can be given in front of the version'
smolvm() {
	set -- "$@"
	_settings=
	while :; do
		case $1 in
		*=*) _settings="$_settings $1" && shift ;;
		*) break ;;
		esac
	done
	_version=$1
	shift
	# shellcheck disable=SC2086 # settings without blanks
	env $_settings FAKE_SMOLVM_VERSION="$_version" "$SMOLVM" "$@" >"$out" 2>"$err"
}
pack() { # [SETTING...] VERSION NAME [OPTION...]: $registry/NAME:1 into the fresh folder $made, as 'a'
	rm -rf "$tmp/made"
	made=$tmp/made
	mkdir "$made"
	_before=
	while :; do
		case $1 in
		*=*) _before="$_before $1" && shift ;;
		*) break ;;
		esac
	done
	_v=$1 _name=$2
	shift 2
	# shellcheck disable=SC2086
	smolvm $_before "$_v" pack create --image "$registry/$_name:1" -o "$made/a" "$@"
}
files() { (cd "$1" && echo *); }
says() { grep -qF -e "$1" "$err"; }
manifest() { # FILTER
	manifest_of "$made/a.smolmachine" | jq -c "$1"
}
# the tree that the artifact would boot, one line an entry
tree() {
	rm -rf "$tmp/assets"
	mkdir "$tmp/assets"
	zstd -dqc "$made/a.smolmachine" 2>/dev/null | tar -xf - -C "$tmp/assets" 2>/dev/null
	list "$tmp/assets/$(manifest '.assets.layers[0].path' | tr -d '"')"
}
list() { # TAR: mode, owner, size and name; which of two linked files comes first does not matter
	tar --numeric-owner --full-time -tvf "$1" | sed -E 's/ +/ /g; s, (link to )?\./, \1,g; s,/$,,' | cut -d' ' -f1,2,3,6- | awk '
		{ mode = $1; name = $0; for (i = 0; i < 3; i++) sub(/^[^ ]* /, "", name) }
		sub(/^h/, "-", mode) {
			at = index(name, " link to ")
			linked[substr(name, at + 9)]; name = substr(name, 1, at - 1); linked[name]
		}
		{ names[NR] = name; meta[NR] = mode " " $2; size[NR] = $3 }
		END { for (i = 1; i <= NR; i++) print meta[i], names[i] in linked ? "linked" : size[i], names[i] }' | sort -k4
}
names() { tree | sed 's/^[^ ]* [^ ]* [^ ]* //; s/ -> .*//' | sort | paste -sd' ' -; }

topic 'The command line'
for v in 0.8.0 1.6.13 1.7.1 1.9.2 1.12.0 1.17.0; do
	smolvm $v --version
	is "smolvm --version of $v" "$(cat "$out")" "smolvm $v"
done
expect_code 'an unknown option' 2 smolvm 1.9.2 pack create --image a:1 -o a --bogus
is '... in words' "$(head -n 1 "$err")" "error: unexpected argument '--bogus' found"
expect_code 'an unknown command' 2 smolvm 1.9.2 pick
expect_code 'no image' 2 smolvm 1.9.2 pack create -o a
expect_code 'no output' 2 smolvm 1.9.2 pack create --image=a:1
expect_code 'more processors than a byte holds' 2 smolvm 1.9.2 pack create --image=a:1 -o a --cpus 256
expect_code 'memory that is no number' 2 smolvm 1.9.2 pack create --image=a:1 -o a --mem=1G
expect_code 'an option twice' 2 smolvm 1.9.2 pack create --image=a:1 -o a -o b
expect_code 'no --staging-dir before 1.2.0' 2 smolvm 1.1.3 pack create --image=a:1 -o a --staging-dir "$tmp"
expect_code 'no --no-proxy before 0.8.1' 2 smolvm 0.8.0 pack create --image=a:1 -o a --no-proxy x
is 'no call that was refused counts as a pack' "$(cat "$FAKE_SMOLVM_LOG" 2>/dev/null)" ''

topic 'One layer: exactly what is in it'
mkdir -p "$tmp/one/bin" "$tmp/one/empty"
printf 'hello\n' >"$tmp/one/bin/hello"
ln "$tmp/one/bin/hello" "$tmp/one/bin/again"
ln -s hello "$tmp/one/bin/link"
chmod 4755 "$tmp/one/bin/hello"
chmod 1777 "$tmp/one/empty"
[ "$(id -u)" != 0 ] || chown 1234:5678 "$tmp/one/empty"
config='{"Env":["A=b","C=d=e"],"Entrypoint":["/bin/hello"],"Cmd":["x","y"],"WorkingDir":"/w","User":"9"}'
must push_image one "$tmp/one"
config=
tar -cf "$tmp/one.tar" --numeric-owner -C "$tmp/one" .
list "$tmp/one.tar" >"$tmp/one.list"

for v in 0.8.0 1.6.13 1.9.2 1.17.0; do
	set --
	[ $v != 1.17.0 ] || set -- SMOLVM_EGRESS_FLOOR=metadata
	ok "$v packs an image of one layer" pack "$@" $v one
	tree >"$tmp/tree"
	same "$v: its tree" "$tmp/tree" "$tmp/one.list"
done
tar -xOf "$tmp/assets/$(manifest '.assets.layers[0].path' | tr -d '"')" ./bin/again ./bin/hello >"$tmp/hello"
is 'and the content of its files' "$(cat "$tmp/hello")" hello
pack 1.9.2 one --cpus=2 --mem 512 --staging-dir "$tmp/staging dir"
is 'manifest: what was asked for' "$(manifest '[.image, .cpus, .mem, .smolvm_version, .mode, .platform, .network]')" \
	"[\"$registry/one:1\",2,512,\"1.9.2\",\"container\",\"linux/amd64\",false]"
is 'manifest: the digest is that of the config' "$(manifest .digest)" "\"$(config_digest one)\""
is "manifest: the image's own settings" "$(manifest '[.entrypoint, .cmd, .env, .workdir]')" \
	'[["/bin/hello"],["x","y"],["A=b","C=d=e"],"/w"]'
is 'manifest: no USER in 1.9.2' "$(manifest '[.. | strings | select(. == "9")]')" '[]'
is 'the footer is of version 1' "$(tail -c 64 "$made/a.smolmachine" | head -c 12 | od -An -c | tr -d ' ')" 'SMOLPACK001\0\0\0'
# shellcheck disable=SC2046 # five numbers
set -- $(tail -c 64 "$made/a.smolmachine" | od -An -v -j12 -N40 -w40 -tu8)
is '... without stub, with the assets at 0' "$1 $2" '0 0'
is '... then the manifest, up to the footer' "$4 $(($4 + $5 + 64))" "$3 $(($(wc -c <"$made/a.smolmachine")))"
is 'nothing stays in the staging folder' "$(ls -A "$tmp/staging dir")$(ls -A "$TMPDIR")" ''
is 'the launcher is a program that ends in libraries' \
	"$([ -x "$made/a" ] && tail -c 32 "$made/a" | head -c 8)" SMOLLIBS
must_fail 'and boots nothing' "$made/a"
is 'the last words' "$(tail -n 4 "$out")" "
Run with: $made/a
Note: Keep the .smolmachine file alongside the binary
Options: --help for usage"
is 'stdout is otherwise' "$(sed -n '1,5p' "$out" | cut -c1-40)" "Starting agent VM...
$(printf 'Image: %s/one:1 (1 layers, 12 bytes)' "$registry" | cut -c1-40)
Collecting runtime libraries...
Collecting agent rootfs...
Creating storage template..."
pack SMOLVM_EGRESS_FLOOR=metadata 1.17.0 one
is 'manifest: the USER in 1.17.0' "$(manifest .user)" '"9"'
is 'manifest: the USER stands before the processors' "$(manifest 'keys_unsorted | .[index("user") + 1]')" '"cpus"'
pack 1.9.2 one --entrypoint /other
is 'an entrypoint of the caller' "$(manifest '[.entrypoint, .cmd]')" '[["/other"],["x","y"]]'
printf '%s\n' '# a comment' 'cmd = ["z"]' 'env = ["A=new"]' 'cpus = 8' '[artifact]' 'cpus = 3' >"$tmp/Smolfile"
pack 1.9.2 one -s "$tmp/Smolfile"
is 'a Smolfile goes over the image, [artifact] over the rest' "$(manifest '[.cmd, .env, .cpus]')" '[["z"],["C=d=e","A=new"],3]'
echo 'nonsense = 1' >"$tmp/Smolfile"
expect_code 'a Smolfile with an unknown key' 1 pack 1.9.2 one -s "$tmp/Smolfile"

pack 1.9.2 one
smolvm 1.9.2 pack run --sidecar "$made/a.smolmachine" --info
is 'pack run --info' "$(sed -n '1p;2p;$p' "$out" | sed 's/[0-9a-f]\{8\}$/CRC/')" "Mode:       container
Image:      $registry/one:1
Checksum:   CRC"

topic 'Where things are written'
mkdir "$tmp/o"
ok '1.6.13 takes -o x.smolmachine' smolvm 1.6.13 pack create -I "$registry/one:1" "-o$tmp/o/x.smolmachine"
is '... and makes x.smolmachine.smolmachine' "$(files "$tmp/o")" 'x.smolmachine x.smolmachine.smolmachine'
rm "$tmp/o"/*
expect_code '1.7.0 refuses it' 1 smolvm 1.7.0 pack create -I "$registry/one:1" -o "$tmp/o/x.SmolMachine"
like '... and says what to do' "$(cat "$err")" \
	"^Error: config operation failed: pack create: --output names .* Use --output $tmp/o/x instead\.\$"
expect_code 'an output folder that is missing' 1 smolvm 1.9.2 pack create -I "$registry/one:1" -o "$tmp/none/x"
like '... in words' "$(cat "$err")" 'pack binary: I/O error: No such file or directory \(os error 2\)'
ok 'one file' smolvm 1.9.2 pack create -I "$registry/one:1" -o "$tmp/o/x" --single-file
is '... is all there is' "$(ls "$tmp/o")" x
rm "$tmp/o/x"

topic "References: the registry's and no other"
refused() { # VERSION REFERENCE MESSAGE
	expect_code "$1 refuses $2" 1 smolvm "$1" pack create --image "$2" -o "$tmp/o/x"
	ok '... and says so' says "$3"
}
for v in 0.8.0 1.9.2; do
	refused $v docker-daemon://app:1 'could not parse reference: docker-daemon://app:1'
	refused $v ./x.tar "invalid image reference './x.tar"
	refused $v oci-layout:///tmp/x 'could not parse reference: oci-layout:///tmp/x'
done
refused 1.9.2 "$registry/none:1" "fetching manifest $registry/none:1: GET http://$registry/v2/none/manifests/1: MANIFEST_UNKNOWN"
refused 1.9.2 127.0.0.1:1/x:1 'dial tcp 127.0.0.1:1: connect: connection refused; Get "http://127.0.0.1:1/v2/": dial tcp'
refused 1.9.2 "127.0.0.2:$port/one:1" "Get \"https://127.0.0.2:$port/v2/\":"
unlike '... 127.0.0.2 is not spoken to in plain HTTP' "$(cat "$err")" 'Get "http:'
ok 'localhost is' smolvm 1.9.2 pack create --image "localhost:$port/one:1" -o "$tmp/o/x"

topic 'The floor'
reaches() { # VERSION yes|MESSAGE [SETTING...]
	_v=$1 _expect=$2
	shift 2
	if [ "$_expect" = yes ]; then
		ok "$_v reaches loopback${1:+ with $*}" smolvm "$@" "$_v" pack create --image "$registry/one:1" -o "$tmp/o/x"
	else
		expect_code "$_v does not reach loopback${1:+ with $*}" 1 \
			smolvm "$@" "$_v" pack create --image "$registry/one:1" -o "$tmp/o/x"
		ok "... $_expect" says "crane manifest failed: Error: fetching manifest $registry/one:1: Get \"https://$registry/v2/\": \
dial tcp $registry: connect: $_expect; Get \"http://$registry/v2/\": dial tcp $registry: connect: $_expect"
	fi
}
for v in 1.13.0 1.17.0; do
	reaches $v 'permission denied'
	reaches $v yes SMOLVM_EGRESS_FLOOR=metadata
	reaches $v yes SMOLVM_EGRESS_FLOOR=OFF
	reaches $v yes SMOLVM_ALLOW_HOST_LOOPBACK=1
	reaches $v yes SMOLVM_EGRESS_ALLOW_PRIVATE=1
	reaches $v 'permission denied' SMOLVM_EGRESS_FLOOR=strict SMOLVM_ALLOW_HOST_LOOPBACK=1
	reaches $v 'permission denied' SMOLVM_EGRESS_FLOOR=strict SMOLVM_EGRESS_ALLOW_PRIVATE=1
	reaches $v 'permission denied' SMOLVM_EGRESS_FLOOR=nonsense
	reaches $v 'connection refused' SMOLVM_PUBLISH_ADDR=1.2.3.4 SMOLVM_ALLOW_HOST_LOOPBACK=1
	reaches $v 'connection refused' SMOLVM_PUBLISH_ADDR=1.2.3.4 SMOLVM_EGRESS_FLOOR=metadata
done
reaches 1.12.0 yes
reaches 1.6.13 'permission denied' SMOLVM_EGRESS_FLOOR=strict
reaches 1.3.8 yes SMOLVM_EGRESS_FLOOR=strict
reaches 1.0.3 yes SMOLVM_PUBLISH_ADDR=1.2.3.4
reaches 1.0.4 'connection refused' SMOLVM_PUBLISH_ADDR=1.2.3.4
expect_code "nor is the host's network reached with SMOLVM_PUBLISH_ADDR" 1 \
	smolvm SMOLVM_PUBLISH_ADDR=1.2.3.4 1.9.2 pack create --image 10.255.255.1:5000/x:1 -o "$tmp/o/x"
ok '... in words' says 'dial tcp 10.255.255.1:5000: connect: connection refused'
expect_code 'nor with the strict floor' 1 \
	smolvm SMOLVM_EGRESS_FLOOR=strict 1.9.2 pack create --image 10.255.255.1:5000/x:1 -o "$tmp/o/x"
ok '... in words' says 'dial tcp 10.255.255.1:5000: connect: permission denied'

topic 'Proxies: taken from the environment since 1.9.1, never for loopback'
reaches 1.9.1 yes HTTP_PROXY=http://127.0.0.1:1
proxied() { # VERSION [SETTING...]
	_v=$1
	shift
	smolvm "$@" "$_v" pack create --image registry.invalid/one:1 -o "$tmp/o/x"
	grep -q proxyconnect "$err"
}
ok '1.9.1 asks the proxy of the environment' proxied 1.9.1 https_proxy=http://127.0.0.1:1
must_fail '... but not with NO_PROXY' proxied 1.9.1 https_proxy=http://127.0.0.1:1 no_proxy=.invalid
must_fail '1.9.0 does not' proxied 1.9.0 HTTPS_PROXY=http://127.0.0.1:1

topic 'Compression'
compress='zstd -q -1' && must push_image zstd "$tmp/one"
compress='cat' && must push_image plain "$tmp/one"
compress=
for name in zstd plain; do
	ok "1.5.0 takes $name layers" pack 1.5.0 $name
	expect_code '1.4.7 does not' 1 pack 1.4.7 $name
	ok '... in words' says 'pull image: layer extraction failed for layer sha256:'
	expect_code 'nor does 0.8.0' 1 pack 0.8.0 $name
	ok '... in words' says 'pull image: tar extraction failed for layer sha256:'
done

topic 'Several layers'
mkdir -p "$tmp/low/gone" "$tmp/low/opaque" "$tmp/low/both" "$tmp/low/folder-to-link" "$tmp/low/folder-to-file" \
	"$tmp/up/file-to-folder" "$tmp/up/link-to-folder" "$tmp/up/opaque" "$tmp/up/both" "$tmp/up/new"
for f in gone/a opaque/old both/low folder-to-link/x folder-to-file/x kept deleted file-to-folder changed file-to-link; do
	echo low >"$tmp/low/$f"
done
for f in .wh.gone .wh.deleted .wh.never opaque/.wh..wh..opq; do
	: >"$tmp/up/$f"
done
for f in file-to-folder/x link-to-folder/x opaque/new both/up folder-to-file changed new/x '-with a blank' 'back\slash'; do
	echo upper >"$tmp/up/$f"
done
ln -s both "$tmp/low/link-to-folder"
ln -s one "$tmp/low/link-to-link"
ln -s two "$tmp/up/link-to-link"
ln -s both "$tmp/up/folder-to-link"
ln -s kept "$tmp/up/file-to-link"
must push_image layers "$tmp/low" "$tmp/up"

ok '1.0.4 packs several layers' pack 1.0.4 layers
is 'before 1.1.0 whiteouts are files' "$(names | tr ' ' '\n' | grep -c '\.wh\.')" 4

# what smolvm's merge does, done by the program that does it there
reference() { # MERGED
	mkdir "$tmp/layer1" "$tmp/layer2" "$1"
	cp -a "$tmp/low/." "$tmp/layer1"
	cp -a "$tmp/up/." "$tmp/layer2"
	for f in gone deleted never; do
		rm "$tmp/layer2/.wh.$f"
		mknod "$tmp/layer2/$f" c 0 0 || return
	done
	rm "$tmp/layer2/opaque/.wh..wh..opq"
	for l in layer1 layer2; do
		busybox cp -a "$tmp/$l/." "$1" 2>"$tmp/busybox.err"
	done
	tar -cf "$1.tar" --numeric-owner -C "$1" .
}
ok '1.9.2 packs several layers' pack 1.9.2 layers
tree >"$tmp/tree"
if ! command -v busybox >/dev/null; then
	skip 'the merge of 1.9.2 is that of busybox' 'busybox is missing'
elif ! reference "$tmp/reference" 2>"$tmp/reference.err"; then
	skip_kernel 'the merge of 1.9.2 is that of busybox' "$(cat "$tmp/reference.err")"
else
	list "$tmp/reference.tar" >"$tmp/reference.list"
	same 'the merge of 1.9.2 is that of busybox' "$tmp/tree" "$tmp/reference.list"
fi
like 'what was deleted is back' "$(names)" ' deleted .* gone gone/a '
is 'manifest: a merged layer is named by the image' "$(manifest '.assets.layers[0].digest')" \
	"\"sha256:$(printf 'merged-%s' "$(config_digest layers)" | sha256sum | cut -c1-64)\""
like 'it says that it merges' "$(cat "$out")" '^Merging 2 layers in VM \(one-time cost\)\.\.\.$'
pack SMOLVM_EGRESS_FLOOR=off 1.16.1 layers
like '1.16.1 still brings it back' "$(names)" ' deleted .* gone gone/a '

ok '1.17.0 packs several layers' pack SMOLVM_EGRESS_FLOOR=off 1.17.0 layers
is 'and merges them rightly' "$(names)" " -with a blank back\\\\slash both both/low both/up changed file-to-folder \
file-to-folder/x file-to-link folder-to-file folder-to-link kept link-to-folder link-to-folder/x link-to-link new new/x opaque \
opaque/new"
is 'with the content of the upper ones' "$(tree | grep -c -e '-> two$' -e '-> kept$' -e '-> both$')" 3

# an upper layer that reaches for the host through a link of a lower one
mkdir -p "$tmp/victim" "$tmp/evil1" "$tmp/evil2/out"
echo precious >"$tmp/victim/file"
ln -s "$tmp/victim" "$tmp/evil1/out"
ln -s "$tmp/victim/file" "$tmp/evil1/link"
: >"$tmp/evil2/out/.wh.file"
echo bad >"$tmp/evil2/out/new"
echo bad >"$tmp/evil2/link"
must push_image evil "$tmp/evil1" "$tmp/evil2"
for v in 1.0.4 1.9.2 1.17.0; do
	pack SMOLVM_EGRESS_FLOOR=off $v evil
	is "$v: nothing is written or deleted through a link" "$(cat "$tmp/victim"/*) $(ls "$tmp/victim")" 'precious file'
done

topic 'No layers'
dir=$tmp/image.none && mkdir "$dir"
must push_manifest none '[]'
expect_code 'no layers: it panics' 101 pack 1.9.2 none
ok '... in words' says 'index out of bounds: the len is 0 but the index is 0'
dir=$tmp/image.null && mkdir "$dir"
must push_manifest null null
expect_code 'layers: null, as docker pushes it: an error' 1 pack 1.9.2 null
ok '... in words' says "Error: agent operation failed: pull image: missing 'layers' in manifest"

topic 'Faults'
faulty() { # FAULT
	pack "FAKE_SMOLVM_FAULT=$1" 1.9.2 one
}
checks() { smolvm 1.9.2 pack run --sidecar "$made/a.smolmachine" --info; }
whole=$(pack 1.9.2 one && wc -c <"$made/a.smolmachine")
expect_code 'fail' 1 faulty fail
is '... leaves nothing' "$(ls -A "$made")" ''
expect_code 'fail-once: the first time' 1 faulty "fail-once=$tmp/once"
ok '... and no more' faulty "fail-once=$tmp/once"
ok 'no-pull' pack FAKE_SMOLVM_FAULT=no-pull 1.9.2 not-there
ok '... makes an artifact' checks
start=$(date +%s)
ok 'slow' pack FAKE_SMOLVM_FAULT=slow=1 1.9.2 not-there
ok '... takes its time' [ "$(date +%s)" -gt "$start" ]
for f in truncated no-footer wrong-crc bit-flip empty-sidecar; do
	ok "$f exits 0" faulty $f
	must_fail "... and leaves a sidecar that does not check" checks
done
is 'empty-sidecar is empty' "$(wc -c <"$made/a.smolmachine")" 0
faulty truncated
ok 'truncated is shorter' [ "$(wc -c <"$made/a.smolmachine")" -lt $((whole - 64)) ]
ok 'no-sidecar exits 0' faulty no-sidecar
is '... with the launcher only' "$(ls "$made")" a
ok 'no-launcher exits 0' faulty no-launcher
is '... with the sidecar only' "$(ls "$made")" a.smolmachine
expect_code 'enospc' 1 faulty enospc
ok '... in words' says 'No space left on device (os error 28)'
is '... leaves a half' "$(files "$made") $(($(wc -c <"$made/a.smolmachine") > 0))" 'a a.smolmachine 1'
expect_code 'killed' 137 faulty killed
is '... leaves a half and the staging folder' \
	"$(files "$made") $(cd "$XDG_CACHE_HOME/smolvm" && echo pack-staging-*/staging | sed 's/-[^-]*$/-X/')" \
	'a a.smolmachine pack-staging-X'
must_fail '... that does not check' checks

ok 'orphan' faulty orphan
orphan=$(sed -n 's/.* orphan \([0-9]*\) .*/\1/p' "$FAKE_SMOLVM_LOG")
ok '... lives on' kill -0 "$orphan"
kill "$orphan"

for f in hang hang-pull; do
	mkdir -p "$tmp/$f"
	FAKE_SMOLVM_FAULT=$f "$SMOLVM" pack create --image "$registry/one:1" -o "$tmp/$f/a" >"$tmp/$f/out" 2>&1 &
	pid=$!
	wait_for "grep -q '[VP]' '$tmp/$f/out' && ps -o comm= -p $pid | grep -q sleep" 60
	kill -s TERM $pid
	sleep 0.2
	if [ $f = hang ]; then
		ok 'hang is deaf to TERM' kill -0 $pid
		kill -s KILL $pid
	else
		must_fail 'hang-pull is not' kill -0 $pid
	fi
	wait $pid 2>/dev/null
done

topic 'What tests can see and hold'
rm -f "$FAKE_SMOLVM_LOG"
pack FAKE_SMOLVM_FAULT=fail 1.9.2 one
like 'the log: start, end and status' "$(paste -sd' ' "$FAKE_SMOLVM_LOG")" \
	"^[0-9]{13} start ([0-9]+) $registry/one:1 [0-9]{13} end \\1 $registry/one:1 1\$"
pack SMOLVM_X=1 "FAKE_SMOLVM_TRACE=$tmp/trace" 1.9.2 one --cpus=2
is 'the trace: what it was called with' "$(jq -c '[.argv[6:], .env.SMOLVM_X, .cwd]' "$tmp/trace")" \
	"[[\"--cpus=2\"],\"1\",\"$PWD\"]"
mkdir "$tmp/latch"
rm -rf "$tmp/made" && mkdir "$tmp/made"
FAKE_SMOLVM_LATCH=$tmp/latch "$SMOLVM" pack create --image "$registry/one:1" -o "$tmp/made/a" >"$out" 2>&1 &
pid=$!
ok 'the latch: it says that it has arrived' wait_for "[ -e '$tmp/latch/at.$pid' ]" 60
is '... has written nothing' "$(ls "$tmp/made")" ''
: >"$tmp/latch/go"
ok '... and goes on when it may' wait $pid
ok '... to the end' checks

topic 'In its own folder only'
ok 'before 1.2.0 it works in TMPDIR' pack FAKE_SMOLVM_FAULT=fail-once="$tmp/once" 1.1.3 one
mkdir -p "$tmp/cwd/target/release"
echo stub >"$tmp/cwd/target/release/smolvm"
cd "$tmp/cwd" || exit
pack 1.9.2 one
is 'a build tree in the current folder becomes the launcher' "$(head -n 1 "$made/a")" stub
cd "$tmp" || exit
done_testing
