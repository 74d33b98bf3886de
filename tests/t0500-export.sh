#!/bin/sh
# t0500-export: a registry of our own over the engine's export: what it answers, to whom, and what is left of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/http.sh
. "$top/tests/http.sh"
need jq curl perl skopeo zstd
need_engine

serve=$tmp/serve
fake_program "$serve" "exec '$top/cache/bin/with-registry' -r direct \"\$@\""
spool=$tmp/spool
mkdir "$spool" "$tmp/bin"

# A server in the background; its address in $registry.
start() { # ARGUMENT...
	: >"$tmp/address"
	"$serve" -t "$spool" "$@" >"$tmp/address" 2>"$tmp/log" &
	server=$!
	wait_for "[ -s '$tmp/address' ] || ! kill -0 $server 2>/dev/null" 120
	registry=$(cat "$tmp/address")
}
stop() {
	kill "$server" && wait "$server" 2>/dev/null
	[ $? = 143 ]
}
# Sends bytes and prints what comes back until the other side closes.
talk() { # BYTES as printf has them
	# shellcheck disable=SC2059
	printf "$1" | perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 5) or exit 1;
		local $/; $SIG{ALRM} = sub { exit }; $s->send(scalar <STDIN>); alarm 15; print <$s>' "$registry"
}
# An engine that saves what it is told to, and notes how it was called.
fake_engine() { # COMMAND that prints an export
	printf '#!/bin/sh\necho "$*" >>"%s"\ncase $1 in save) %s ;; *) echo fake ;; esac\n' "$tmp/calls" "$1" >"$tmp/bin/docker"
	chmod +x "$tmp/bin/docker"
	: >"$tmp/calls"
}
by_fake() { env DOCKER_HOST=tcp://127.0.0.1:1 DOCKER="$tmp/bin/docker" "$@"; } # no socket, so it is asked

topic 'Two images that share all layers but one'
must make_context one
head -c 9000000 /dev/urandom >"$context/noise"
seq 1300000 >"$context/text" # 9 MB
echo 'COPY noise /noise' >>"$context/Dockerfile"
must change_image 'COPY text /text'
one=$image
must make_context two
echo "FROM $one" >"$context/Dockerfile"
must change_image 'COPY root/etc/name /two'
two=$image
id_of() { docker image inspect -f '{{.Id}}' "$1"; }
one_id=$(id_of "$one") two_id=$(id_of "$two")

# podman takes no long path for its runroot, and needs root for its own storage.
podman=
if [ "$SMOLMAKE_TEST_ENGINE" = private ] && podman=$(command -v podman); then
	printf '#!/bin/sh\nexec %s --root "%s" --runroot /run/podman.test --storage-driver vfs "$@"\n' "$podman" "$tmp/podman" >"$tmp/bin/podman"
	chmod +x "$tmp/bin/podman"
fi

topic 'How it is called'
expect_code 'without an image it is called wrongly' 100 "$serve"
expect_code 'with an unknown option' 100 "$serve" -x "a:b=$one_id"
expect_code 'with another compression' 100 "$serve" -c lz4 "a:b=$one_id"
for bad in a:b "a:b=" "a:b=x" "a:b=sha256:12" "=$one_id" "A:b=$one_id" "host:5000/a:b=$one_id" "a=$one_id" "a:b=$one_id,x" \
	"../a:b=$one_id" "a:b=$one_id,$one_id,"; do
	expect_code "'$bad' is no NAME=ID" 100 "$serve" "$bad" -- true
done
expect_code 'a NAME twice' 100 "$serve" "a:b=$one_id" "a:b=$two_id"
expect_code 'a -- without a command' 100 "$serve" "a:b=$one_id" --
ok '-h says how' sh -c '"$1" -h | grep -q "^usage: with-registry "' sh "$serve"

topic 'What it answers'
start "team/one:v1=$one_id" "two:v2=$two_id" "team/one:v0=$two_id" "solo:x=$one_id"
like 'it says where it serves: on loopback' "$registry" '^127\.0\.0\.1:[0-9]+$'
is 'GET /v2/' "$(get /v2/)" 200
is 'it says what it is' "$(header Docker-Distribution-Api-Version)" registry/2.0
is 'HEAD /v2/' "$(get /v2/ -I)" 200

is 'a manifest by its tag' "$(get /v2/team/one/manifests/v1)" 200
digest=$(header Docker-Content-Digest)
cp "$tmp/body" "$tmp/manifest"
is 'the digest is that of the body' "$digest" "$(sha256 <"$tmp/body")"
is 'the media type is exact' "$(header Content-Type)" application/vnd.oci.image.manifest.v1+json
is 'and that of the body' "$(jq -r .mediaType "$tmp/body")" application/vnd.oci.image.manifest.v1+json
is 'the length is told' "$(header Content-Length)" "$(wc -c <"$tmp/body")"
is 'the entity tag is the digest' "$(header ETag)" "\"$digest\""
is 'the config is the image' "$(jq -r .config.digest "$tmp/manifest")" "$one_id"
is 'a manifest by its digest' "$(get "/v2/team/one/manifests/$digest")" 200
same 'is the same' "$tmp/body" "$tmp/manifest"
is 'HEAD of it' "$(get /v2/team/one/manifests/v1 -I)" 200
is 'has the length' "$(header Content-Length)" "$(wc -c <"$tmp/manifest")"
is 'who has it is told so' "$(get /v2/team/one/manifests/v1 -H "If-None-Match: \"$digest\"")" 304
is 'and gets none of it' "$(cat "$tmp/body")" ''
is 'who has another gets it' "$(get /v2/team/one/manifests/v1 -H 'If-None-Match: "x"')" 200

is 'the tags' "$(get /v2/team/one/tags/list; jq -c . "$tmp/body")" '200{"name":"team/one","tags":["v0","v1"]}'
is 'a page of them' "$(get '/v2/team/one/tags/list?n=1'; jq -c .tags "$tmp/body")" '200["v0"]'
is 'with a link to the next' "$(header Link)" '</v2/team/one/tags/list?n=1&last=v0>; rel="next"'
is 'which is that' "$(get '/v2/team/one/tags/list?n=1&last=v0'; jq -c .tags "$tmp/body")" '200["v1"]'

jq -r '.config.digest, .layers[].digest' "$tmp/manifest" >"$tmp/blobs"
bad=''
while read -r blob; do
	status=$(get "/v2/team/one/blobs/$blob")
	[ "$status $(sha256 <"$tmp/body") $(header Docker-Content-Digest) $(header Content-Type)" = \
		"200 $blob $blob application/octet-stream" ] || bad="$bad $blob"
done <"$tmp/blobs"
is 'every blob is what its digest says' "$bad" ''
get "/v2/team/one/blobs/$one_id" >/dev/null
jq -r '.rootfs.diff_ids[]' "$tmp/body" >"$tmp/diff_ids"
for blob in $(jq -r '.layers[].digest' "$tmp/manifest"); do
	get "/v2/team/one/blobs/$blob" >/dev/null
	zstd -dcq <"$tmp/body" | sha256
done >"$tmp/unpacked"
same 'every layer holds what the config says' "$tmp/unpacked" "$tmp/diff_ids"
is 'layers are zstd, and say so' "$(jq -r '[.layers[].mediaType] | unique[]' "$tmp/manifest")" \
	application/vnd.oci.image.layer.v1.tar+zstd

topic 'Pieces'
blob=$(jq -r '.layers | max_by(.size).digest' "$tmp/manifest")
size=$(jq -r '.layers | max_by(.size).size' "$tmp/manifest")
get "/v2/team/one/blobs/$blob" >/dev/null
cp "$tmp/body" "$tmp/whole"
is 'a blob takes ranges' "$(header Accept-Ranges)" bytes
is 'a piece of it' "$(get "/v2/team/one/blobs/$blob" -H 'Range: bytes=1000-1999')" 206
is 'is told from where to where' "$(header Content-Range)" "bytes 1000-1999/$size"
is 'is as long as that' "$(header Content-Length)" 1000
is 'and is that piece' "$(sha256 <"$tmp/body")" "$(tail -c +1001 "$tmp/whole" | head -c 1000 | sha256)"
is 'the end of it' "$(get "/v2/team/one/blobs/$blob" -H 'Range: bytes=-5'; sha256 <"$tmp/body")" "206$(tail -c 5 "$tmp/whole" | sha256)"
is 'a piece behind its end' "$(get "/v2/team/one/blobs/$blob" -H "Range: bytes=$size-")" 416
is 'is told how long it is' "$(header Content-Range)" "bytes */$size"
is 'nonsense is no range' "$(get "/v2/team/one/blobs/$blob" -H 'Range: bytes=9-1')" 200
is 'a piece of something else is the whole' "$(get "/v2/team/one/blobs/$blob" -H 'Range: bytes=0-9' -H 'If-Range: "x"')" 200
is 'a piece of this is a piece' "$(get "/v2/team/one/blobs/$blob" -H 'Range: bytes=0-9' -H "If-Range: \"$blob\"")" 206
curl -sS "http://$registry/v2/team/one/blobs/$blob" 2>/dev/null | head -c 1000000 >"$tmp/half"
ok 'a client that stopped half way goes on from there' \
	curl -sS --max-time 30 -C - -o "$tmp/half" "http://$registry/v2/team/one/blobs/$blob"
same 'and has all of it' "$tmp/half" "$tmp/whole"

topic 'What is not there'
shared=$(jq -r '.layers[0].digest' "$tmp/manifest")
get /v2/two/manifests/v2 >/dev/null
is 'images share layers' "$(jq -r '.layers[0].digest' "$tmp/body")" "$shared"
only_two=$(jq -r '.layers[-1].digest' "$tmp/body")
missing() { # PATH CODE
	is "$1 is not there" "$(get "$1") $(code)" "404 $2"
}
none=sha256:0000000000000000000000000000000000000000000000000000000000000000
missing /v2/none/manifests/v1 NAME_UNKNOWN
missing /v2/none/tags/list NAME_UNKNOWN
missing "/v2/none/blobs/$blob" NAME_UNKNOWN
missing /v2/one/manifests/v1 NAME_UNKNOWN
missing /v2/two/manifests/v1 MANIFEST_UNKNOWN
missing "/v2/two/manifests/$digest" MANIFEST_UNKNOWN
missing "/v2/team/one/manifests/$none" MANIFEST_UNKNOWN
missing /v2/team/one/manifests/.INVALID_MANIFEST_NAME MANIFEST_UNKNOWN
missing "/v2/team/one/blobs/$none" BLOB_UNKNOWN
missing "/v2/team/one/blobs/sha256:12" BLOB_UNKNOWN
missing "/v2/team/one/blobs/sha512:$none" BLOB_UNKNOWN
missing /v2/../../etc/blobs/passwd NAME_UNKNOWN
missing "/v2/team/one/referrers/$digest" UNSUPPORTED
missing /v2/_catalog UNSUPPORTED
missing / UNSUPPORTED
missing /etc/passwd UNSUPPORTED
missing '/v2/%00' UNSUPPORTED
missing '/v2/team%2fone/manifests/v1' UNSUPPORTED
missing "/v2/solo/blobs/$only_two" BLOB_UNKNOWN
is 'which another repository has' "$(get "/v2/two/blobs/$only_two")" 200
for method in POST PUT PATCH DELETE OPTIONS; do
	is "$method is not for us" "$(get /v2/team/one/blobs/uploads/ -X $method -d x) $(code) $(header Allow)" '405 UNSUPPORTED GET, HEAD'
done

topic 'Those who do not speak HTTP, or not at all'
tls='\026\003\001\001\000\001\000\000\374\003\003'
like 'a TLS hello gets an answer that says so' "$(talk "$tls" | head -n 1)" '^HTTP/1\.0 400 Bad Request'
begin=$(date +%s%N)
must_fail 'a TLS client gives up' curl -sSk --max-time 20 "https://$registry/v2/"
ok 'and at once' test $((($(date +%s%N) - begin) / 1000000)) -lt 15000
n=0
for bytes in '\000\001\002\003\r\n\r\n' 'GET\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' 'GET /v2/ HTTP/1.1\r\nHost\r\n\r\n' \
	'GET  HTTP/1.1\r\n\r\n' '\r\n\r\n\r\n\r\n' 'GET /v2/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n'; do
	talk "$bytes" >/dev/null
	is "garbage harms nobody ($((n += 1)))" "$(get /v2/)" 200
done
long=$(head -c 200000 /dev/zero | tr '\0' a)
talk "GET /v2/$long HTTP/1.1\r\nHost: x\r\n\r\n" >/dev/null
is 'nor does a path without end' "$(get /v2/)" 200
memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$server/status"; } # kB
before=$(memory VmRSS)
perl -MIO::Socket::INET -e '
	for (1 .. 200) {
		my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 5) or die "connection $_: $!\n";
		if ($_ % 2) { $s->send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"); $s->recv($_, 4096) }
		push @s, $s;
	}
	open my $f, ">", $ARGV[1]; close $f; sleep 60' "$registry" "$tmp/idle" &
idle=$!
ok '200 clients connect and say nothing more' wait_for "[ -e '$tmp/idle' ]" 60
ok 'and take 32 kB each, at most' test $(($(memory VmRSS) - before)) -lt $((200 * 32))
begin=$(date +%s%N)
is 'others do not notice' "$(get "/v2/team/one/blobs/$blob")" 200
ok 'in any way' test $((($(date +%s%N) - begin) / 1000000)) -lt 15000
kill $idle
wait $idle 2>/dev/null
is 'one connection serves many requests' "$(curl -sS -w '%{num_connects}\n' -o /dev/null "http://$registry/v2/" -o /dev/null "http://$registry/v2/team/one/manifests/v1" -o /dev/null "http://$registry/v2/")" '1
0
0'
[ -n "${ASAN_OPTIONS-}" ] || # a sanitizer keeps books of its own
	ok 'it is small' test "$(memory VmHWM)" -lt 32768
is 'nothing of it has a name' "$(ls -A "$spool")" ''
# what is compressed is no longer there uncompressed
held=$(find -L "/proc/$server/fd" -type f -printf "%i %b\n" 2>/dev/null | sort -u | awk '{ n += $2 } END { print n * 512 }')
served=$(jq -s "map(.layers[].size) | add" "$tmp/manifest")
ok "the disk holds it once" test "$held" -lt $((served + 4000000)) -a "$held" -gt $((served - 4000000))
ok 'SIGTERM ends it' stop
must_fail 'for everybody' curl -sS --max-time 5 "http://$registry/v2/"
is 'it said nothing that it need not say' "$(grep -v '^  PULL ' "$tmp/log")" ''

topic 'Real clients'
# Everything that the manifest names, as skopeo keeps it.
pulled_by_skopeo() { # NAME
	rm -rf "$tmp/dir"
	skopeo copy -q --src-tls-verify=false "docker://$registry/$1" "dir:$tmp/dir" >"$tmp/skopeo" 2>&1 || return
	jq -r '.config.digest, .layers[].digest' "$tmp/dir/manifest.json" | while read -r _blob; do
		[ "$(sha256 <"$tmp/dir/${_blob#sha256:}")" = "$_blob" ] || exit 1
	done
}
for coding in zstd gzip none; do
	case $coding in none) type=tar ;; *) type="tar+$coding" ;; esac
	start -c $coding "a:x=$one_id" "b:y=$two_id"
	ok "skopeo pulls what is $coding" pulled_by_skopeo a:x
	is "that is what it is said to be ($coding)" \
		"$(jq -r '[.layers[].mediaType] | unique[]' "$tmp/dir/manifest.json")" "application/vnd.oci.image.layer.v1.$type"
	for blob in $(jq -r '.layers[].digest' "$tmp/dir/manifest.json"); do
		case $coding in
		zstd) zstd -dcq ;;
		gzip) gzip -dc ;;
		none) cat ;;
		esac <"$tmp/dir/${blob#sha256:}" | sha256
	done >"$tmp/unpacked"
	same "and holds what the config says ($coding)" "$tmp/unpacked" "$tmp/diff_ids"
	ok "skopeo pulls the other ($coding)" pulled_by_skopeo b:y
	if [ $coding = gzip ]; then
		# the engine has the image: it must not
		if [ "$SMOLMAKE_TEST_ENGINE" = private ]; then
			must docker save -o "$tmp/saved.tar" "$one_id" "$two_id"
			must docker rmi -f "$two_id" "$one_id"
			ok 'docker pulls it' docker pull -q "$registry/a:x"
			is 'and has the same image' "$(id_of "$registry/a:x")" "$one_id"
			docker rmi -f "$registry/a:x" >/dev/null 2>&1
			must docker load -i "$tmp/saved.tar"
			must docker tag "$one_id" "$one"
			must docker tag "$two_id" "$two"
		fi
		if [ -n "$podman" ]; then
			set -- "$tmp/bin/podman"
			ok 'podman pulls it' "$@" pull -q --tls-verify=false "$registry/b:y"
			is 'and has the same image' "sha256:$("$@" image inspect -f '{{.Id}}' "$registry/b:y")" "$two_id"
		fi
		if command -v crane >/dev/null; then
			ok 'crane finds it whole' crane validate --remote "$registry/a:x"
		fi
	fi
	stop
done

topic 'Compressed as long as the export comes: what has not begun when it ends goes out as it is, for whoever takes both'
fake_engine "cat '$tmp/export.tar'; sleep 3"
must docker save -o "$tmp/export.tar" "$one_id"
V=2 by_fake "$serve" -t "$spool" -c early "a:x=$one_id" -- sh -c 'skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/a:x" "dir:$1"' \
	sh "$tmp/early" 2>"$tmp/stderr"
is 'a slow export leaves time to compress what is large' \
	"$(jq -c '[.layers[] | select(.mediaType == "application/vnd.oci.image.layer.v1.tar+zstd")] | length' "$tmp/early/manifest.json")" 2
is 'what is small stays plain' "$(jq -c '[.layers[] | select(.mediaType == "application/vnd.oci.image.layer.v1.tar" and .size < 8 * 1024 * 1024)] | length' "$tmp/early/manifest.json")" \
	$(($(wc -l <"$tmp/diff_ids") - 2))
like 'V=2 tells what it took' "$(cat "$tmp/stderr")" \
	"^  EXPORT  [0-9.]+ MB in [0-9]+ ms, the first byte after [0-9]+, served [0-9]+ ms later: 2 of $(wc -l <"$tmp/diff_ids") layers compressed$"
fake_engine "cat '$tmp/export.tar'"
rm -rf "$tmp/early"
by_fake "$serve" -t "$spool" -c early "a:x=$one_id" -- sh -c 'skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/a:x" "dir:$1"' \
	sh "$tmp/early" 2>/dev/null
jq -r '.layers[] | "\(.digest[7:]) \(.mediaType)"' "$tmp/early/manifest.json" | while read -r blob type; do
	case $type in *zstd) zstd -dcq ;; *) cat ;; esac <"$tmp/early/$blob" | sha256
done >"$tmp/unpacked"
same 'however many of them: each is what the config says' "$tmp/unpacked" "$tmp/diff_ids"

topic 'With a command'
SILENT=1 "$serve" -t "$spool" -o "$tmp/where" "a:x=$one_id" -- sh -c 'cp "$1" "$2"; echo "$REGISTRY"; curl -sS "http://$REGISTRY/v2/a/tags/list" >&2; exit 7' \
	sh "$tmp/where" "$tmp/copy" >"$tmp/stdout" 2>"$tmp/stderr"
is "the command's status is ours" $? 7
like 'it had the address, and stdout to itself' "$(cat "$tmp/stdout")" '^127\.0\.0\.1:[0-9]+$'
same 'the address was in the file too' "$tmp/copy" "$tmp/stdout"
ok 'which is gone' test ! -e "$tmp/where"
is 'SILENT is silent' "$(cat "$tmp/stderr")" '{"name":"a","tags":["x"]}'
expect_code 'a command that is not there' 127 "$serve" -t "$spool" "a:x=$one_id" -- "$tmp/not-there"

topic 'How far the pull is'
# shellcheck disable=SC2016
pull_all='for l in $(curl -sS "http://$REGISTRY/v2/a/manifests/x" | jq -r ".layers[].digest"); do
	curl -sS "http://$REGISTRY/v2/a/blobs/$l" |
		perl -e "select undef, undef, undef, 0.02 while sysread STDIN, \$_, 65536"; done; sleep 0.5'
"$serve" -t "$spool" -p "$tmp/progress" "a:x=$one_id" -- sh -c "$pull_all" 2>"$tmp/stderr"
is 'the last line of each layer says that it is all there' "$(jq -s 'group_by(.layer) | map(last | .bytes == .total) | unique' -c "$tmp/progress")" '[true]'
is 'of every layer' "$(jq -s 'map(.layer) | unique | length' "$tmp/progress")" "$(wc -l <"$tmp/diff_ids")"
is 'and of the image' "$(jq -s 'map(.image) | unique' -c "$tmp/progress")" '["a:x"]'
is 'the bytes only grow' "$(jq -s 'group_by(.layer) | map(map(.bytes) | . == sort) | unique' -c "$tmp/progress")" '[true]'
ok 'what comes slowly is told step by step' jq -es 'length > (map(.layer) | unique | length) + 1' "$tmp/progress"
like 'who reads gets a line at the end' "$(cat "$tmp/stderr")" '^  PULL    [0-9.]+ MB in [0-9.]+ s$'
PROGRESS=json "$serve" -t "$spool" "a:x=$one_id" -- sh -c "$pull_all" 2>"$tmp/stderr"
ok 'or JSON, and nothing else' jq -e .bytes "$tmp/stderr"
"$serve" -t "$spool" -p 5 "a:x=$one_id" -- sh -c "$pull_all" 5>"$tmp/progress" 2>/dev/null
ok 'or by a descriptor' jq -es 'length > 0' "$tmp/progress"
mkfifo "$tmp/fifo"
perl -MFcntl -e '
	sysopen F, $ARGV[0], O_RDWR | O_NONBLOCK; 1 while syswrite F, "x" x 4096; open my $f, ">", "$ARGV[0].full"; close $f; sleep 60' \
	"$tmp/fifo" &
reader=$!
must wait_for "[ -e '$tmp/fifo.full' ]" 60
ok 'a reader that does not read holds nobody up' timeout 30 sh -c '"$@" >"$0"' "$tmp/fifo" "$serve" -t "$spool" -p 1 "a:x=$one_id" -- sh -c "$pull_all"
kill $reader
wait $reader 2>/dev/null

topic 'Squashed'
start -s -c gzip "a:x=$one_id" "b:y=$two_id"
ok 'skopeo pulls what is squashed' pulled_by_skopeo a:x
is 'it has one layer' "$(jq '.layers | length' "$tmp/dir/manifest.json")" 1
gzip -dc <"$tmp/dir/$(jq -r '.layers[0].digest[7:]' "$tmp/dir/manifest.json")" >"$tmp/flat.tar"
is 'which the config knows' "$(jq -r '.rootfs.diff_ids[]' "$tmp/dir/$(jq -r '.config.digest[7:]' "$tmp/dir/manifest.json")")" "$(sha256 <"$tmp/flat.tar")"
is 'and all the files' "$(tar -tf "$tmp/flat.tar" | grep -cE '^(bin/(sh|busybox)|noise|text)$')" 4
stop

topic 'Engines'
fake_engine "cat '$tmp/export.tar'"
must docker save -o "$tmp/export.tar" "$one_id" "$two_id"
ok 'without a socket the command is asked' by_fake "$serve" -t "$spool" "a:x=$one_id" "b:y=$two_id" "c:z=$one_id" -- true
is 'once, for every image once' "$(grep save "$tmp/calls")" "save $one_id $two_id"
engine_id=sha256:1111111111111111111111111111111111111111111111111111111111111111
: >"$tmp/calls"
ok 'by the ID that it knows' by_fake "$serve" -t "$spool" "a:x=$one_id,$engine_id" -- true
is 'and no other' "$(grep save "$tmp/calls")" "save $engine_id"
if [ -n "$podman" ]; then
	set -- "$tmp/bin/podman"
	must "$@" load -q -i "$tmp/export.tar"
	podman_copy() { DOCKER="$tmp/bin/podman" "$serve" -t "$spool" "a:x=$one_id" "b:y=$two_id" -- sh -c 'skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/b:y" "dir:$1"' sh "$tmp/dir2"; }
	ok "podman's images are served as well" podman_copy
fi

topic 'What must not be served'
refused() { # DESCRIPTION WHAT IT SAYS
	by_fake "$serve" -t "$spool" "a:x=$one_id" -- touch "$tmp/served" >"$tmp/stdout" 2>"$tmp/stderr"
	is "$1" $? 1
	like "and why: $2" "$(grep '^error: ' "$tmp/stderr")" "$2"
}
mkdir "$tmp/tree"
tar -xf "$tmp/export.tar" -C "$tmp/tree"
largest=$(cd "$tmp/tree" && find . -type f -size +4M | head -n 1)
printf X | dd of="$tmp/tree/$largest" bs=1 seek=2000000 conv=notrunc 2>/dev/null
fake_engine "tar -cf - -C '$tmp/tree' ."
refused 'a layer with one other byte' 'layer [0-9]+ of sha256:'
fake_engine "head -c 5000000 '$tmp/export.tar'"
refused 'an export that ends early' '^error: a:x: cannot be served'
fake_engine "head -c 5000000 /dev/urandom"
refused 'an export that is none' 'cannot be served'
fake_engine "echo no such image >&2; exit 3"
refused 'an engine that fails' "save': no such image"
fake_engine "exit 3"
refused 'an engine that fails without a word' "save' ended with status 3 and said nothing"
fake_engine 'sleep 60'
PUSH_TIMEOUT=1 refused 'an engine that hangs' 'did not end within 1 s'
fake_engine "cat '$tmp/export.tar'"
one_id_saved=$one_id
one_id=$engine_id
refused 'another image than was asked for' 'has no config sha256:1111'
one_id=$one_id_saved
"$serve" -t "$spool" "a:x=$engine_id" -- true 2>"$tmp/stderr"
like 'an image that the engine does not have' "$? $(cat "$tmp/stderr")" '^1 error: .*the engine says: .* \(status (404|500)\)$'
expect_code 'a folder that is not there' 111 "$serve" -t "$tmp/not-there" "a:x=$one_id" -- true
ok 'none of it was served' test ! -e "$tmp/served"
full() { # BYTES FLAGS
	mount -t tmpfs -o size="$1" tmpfs "$tmp/small"
	# shellcheck disable=SC2086
	by_fake timeout -k 5 60 "$serve" -t "$tmp/small" $2 "a:x=$one_id" -- true 2>"$tmp/stderr"
	like "a disk that is full is told ($1 bytes, $2)" "$? $(cat "$tmp/stderr")" '^1 error: .*No space left on device'
	is "and nothing of it stays ($1 bytes, $2)" "$(ls -A "$tmp/small")" ''
	umount "$tmp/small"
}
mkdir "$tmp/small"
if [ "$SMOLMAKE_TEST_ENGINE" = private ]; then
	for flags in '-c none' '-c zstd' -s; do
		full 6000000 "$flags"
	done
	for flags in '-s' '-s -c none' '-s -c gzip'; do
		full $(($(wc -c <"$tmp/export.tar") + 3000000)) "$flags"
	done
fi

topic 'Its end'
start "a:x=$one_id"
kill -9 "$server"
wait "$server" 2>/dev/null
is 'kill -9 leaves nothing on disk' "$(ls -A "$spool")" ''
must_fail 'and nobody who listens' curl -sS --max-time 5 "http://$registry/v2/"
"$serve" -t "$spool" "a:x=$one_id" -- sh -c 'echo $$ >"$1"; exec sleep 60' sh "$tmp/pid" 2>/dev/null &
server=$!
must wait_for "[ -s '$tmp/pid' ]" 60
kill -9 $server
wait $server 2>/dev/null
ok 'nor its command' wait_for "! kill -0 $(cat "$tmp/pid") 2>/dev/null" 60
fake_engine "echo \$\$ >'$tmp/pid'; exec sleep 60"
rm -f "$tmp/pid"
by_fake "$serve" -t "$spool" "a:x=$one_id" 2>/dev/null &
server=$!
must wait_for "[ -s '$tmp/pid' ]" 60
kill -9 $server
wait $server 2>/dev/null
ok 'nor an engine that is still saving' wait_for "! kill -0 $(cat "$tmp/pid") 2>/dev/null" 60
rm -f "$tmp/pid"
by_fake "$serve" -t "$spool" "a:x=$one_id" 2>"$tmp/stderr" &
server=$!
must wait_for "[ -s '$tmp/pid' ]" 60
ok 'SIGTERM ends it while it loads' stop
ok 'and the engine that is still saving' wait_for "! kill -0 $(cat "$tmp/pid") 2>/dev/null" 60
sh -c '"$1" -t "$2" "a:x=$3" >"$4" & wait_for() { until [ -s "$1" ]; do sleep 0.05; done; }; wait_for "$4"' sh "$serve" "$spool" "$one_id" "$tmp/orphan"
registry=$(cat "$tmp/orphan")
ok 'it ends with who called it' wait_for "! curl -sS --max-time 5 'http://$registry/v2/' 2>/dev/null" 60
assert_nothing_left 'nothing is left' 30
done_testing
