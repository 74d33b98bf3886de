#!/bin/sh
# t0520-push: a registry of our own that is pushed to: what it takes, from whom, what it keeps, and what is left of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/http.sh
. "$top/tests/http.sh"
need jq curl perl skopeo zstd
need_engine

store=$tmp/store
fake_program "$store" "exec '$top/cache/bin/with-registry' -r push \"\$@\""
lines=$tmp/lines
RUN=.run/test
export RUN STORE_MAX=100
mkdir -p "$CACHE_DIR/$RUN" "$CACHE_DIR/.lock" && chmod 700 "$CACHE_DIR"

# A registry in the background; its address in $registry. The shell is its command.
start() { # ARGUMENT...
	rm -f "$tmp/address"
	: >"$lines"
	# shellcheck disable=SC2016
	"$store" -l "$lines" "$@" -- sh -c 'echo "$REGISTRY" >"$1.new" && mv "$1.new" "$1" && exec sleep 600' sh "$tmp/address" 2>"$tmp/log" &
	server=$!
	wait_for "[ -s '$tmp/address' ] || ! kill -0 $server 2>/dev/null" 60
	registry=$(cat "$tmp/address")
}
stop() {
	kill "$server" && wait "$server" 2>/dev/null
	[ $? = 143 ]
}
id_of() { docker image inspect -f '{{.Id}}' "$1"; }
brought() { jq -rs 'map(select(.bytes > 4096).bytes) | "\(length) \(add // 0)"' "$lines"; } # layers of some size, and their bytes
kept() { find "$CACHE_DIR/.store" -name '*.record' | wc -l; }
on_its_way() { ls -A "$CACHE_DIR/$RUN"; }
push() { # IMAGE NAME: tags, pushes, untags
	docker tag "$1" "$registry/$2" && docker push -q "$registry/$2" && docker rmi --no-prune "$registry/$2"
}
# As skopeo sees it, in $tmp/dir: every blob is what its digest says, and the layers are what the config says.
pull() { # NAME [CODING]
	rm -rf "$tmp/dir"
	skopeo copy -q --src-tls-verify=false "docker://$registry/$1" "dir:$tmp/dir" || return
	for _blob in $(jq -r '.config.digest, .layers[].digest' "$tmp/dir/manifest.json"); do
		[ "$(sha256 <"$tmp/dir/${_blob#sha256:}")" = "$_blob" ] || return
	done
	for _blob in $(jq -r '.layers[].digest' "$tmp/dir/manifest.json"); do
		case ${2-zstd} in
		zstd) zstd -dcq ;;
		gzip) gzip -dc ;;
		esac <"$tmp/dir/${_blob#sha256:}" | sha256
	done >"$tmp/unpacked"
	jq -r '.rootfs.diff_ids[]' "$tmp/dir/$(jq -r '.config.digest | sub("sha256:"; "")' "$tmp/dir/manifest.json")" >"$tmp/diff_ids"
	diff "$tmp/unpacked" "$tmp/diff_ids"
}
types() { jq -r '[.layers[].mediaType] | unique[]' "$tmp/dir/manifest.json"; }
config() { jq -r .config.digest "$tmp/dir/manifest.json"; }

topic 'Two images whose uppermost layer differs'
must make_context one
head -c 9000000 /dev/urandom >"$context/noise"
seq 3000000 >"$context/text"
printf 'COPY noise /noise\nCOPY text /text\n' >>"$context/Dockerfile"
seq 30000 >"$context/top"
must change_image 'COPY top /top'
one=smolmake-test/first-$mine:latest one_id=$(id_of "$image")
must docker tag "$image" "$one" # a name for each: what has lost its last one is gone
seq 30001 >"$context/top"
must _build
two_id=$(id_of "$image")
echo "$one" >>"$tmp/.images"
# What a save of it calls the config; the containerd store has an ID of its own for the image.
config_of() { docker save "$1" | tar -xOf - manifest.json | jq -r '.[0].Config | sub(".*/"; "") | sub("[.]json$"; "") | "sha256:" + .'; }
one_config=$(config_of "$one_id") two_config=$(config_of "$two_id")

topic 'How it is called'
expect_code 'without an image it is called wrongly' 100 "$store" -- true
expect_code 'without a command' 100 "$store" "a:b=$one_id"
expect_code 'with an unknown option' 100 "$store" -x "a:b=$one_id" -- true
expect_code 'with another compression' 100 "$store" -c lz4 "a:b=$one_id" -- true
expect_code 'with what is no NAME=ID' 100 "$store" a:b -- true
ok '-h says how' sh -c '"$1" -h | grep -q "^usage: with-registry "' sh "$store"
expect_code "the command's status is its own" 7 "$store" "a:b=$one_id" -- sh -c 'exit 7'
expect_code 'a command that is not there' 127 "$store" "a:b=$one_id" -- "$tmp/none"
expect_code 'a bound that is none' 1 env STORE_MAX=x "$store" "a:b=$one_id" -- true

topic 'A push, and another of which only the uppermost layer is new'
start "team/x:1=$one_config"
like 'it serves on loopback' "$registry" '^127\.0\.0\.1:[0-9]+$'
first=$registry
ok 'the engine pushes to it' push "$one_id" team/x:1
is 'all of it' "$(brought | cut -d' ' -f1)" 4
ok 'it can be pulled, and is whole' pull team/x:1
is 'as zstd, and says so' "$(types)" application/vnd.oci.image.layer.v1.tar+zstd
is 'the config is the image' "$(config)" "$one_config"
is 'it is listed' "$(get /v2/team/x/tags/list; jq -c .tags "$tmp/body")" '200["1"]'
ok 'pushed once more' push "$one_id" team/x:1
is 'nothing comes' "$(brought | cut -d' ' -f1)" 4
ok 'memory does not grow with it' test "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status")" -lt 65536
is 'nothing of it is on its way' "$(on_its_way)" ''
ok 'SIGTERM ends it' stop
is 'the layers are kept' "$(kept)" 4
is 'for us alone' "$(stat -c %a "$CACHE_DIR/.store"; find "$CACHE_DIR/.store" -type f -perm /077)" 700
like 'who reads is told what was pulled' "$(cat "$tmp/log")" '^  PULL    [0-9.]+ MB in [0-9.]+ s$'
is 'once, and nothing that need not be said' "$(wc -l <"$tmp/log")" 1

start "team/x:2=$two_config"
is 'the next one has the same address, as the engine remembers it' "$registry" "$first"
ok 'a changed image' push "$two_id" team/x:2
is 'brings its own layer only' "$(brought)" "1 $(jq -rs 'map(select(.bytes > 4096).bytes) | max' "$lines")"
ok 'which is small' test "$(brought | cut -d' ' -f2)" -lt 200000
ok 'and is all there' pull team/x:2
is 'what was pushed is another thing than what is served' "$(get "/v2/team/x/manifests/$(sha256 <"$tmp/dir/manifest.json")")" 200
stop

topic 'How far the pulls are, of what is here by then'
export PROGRESS=json
start "team/x:1=$one_config" "team/y:1=$two_config"
ok 'the first of two' push "$one_id" team/x:1
ok 'is pulled before the other is pushed' pull team/x:1
ok 'then the other' push "$two_id" team/y:1
ok 'and it is pulled' pull team/y:1
must stop
is 'PROGRESS=json: the last line of each layer says that it is all there' \
	"$(jq -s 'group_by([.image, .layer]) | map(last | .bytes == .total) | all' "$tmp/log")" true
is 'of both images' "$(jq -rs 'map(.image) | unique | join(" ")' "$tmp/log")" 'team/x:1 team/y:1'
is 'every layer' "$(jq -s 'map([.image, .layer]) | unique | length' "$tmp/log")" $((2 * $(wc -l <"$tmp/diff_ids")))
unset PROGRESS
start "team/x:1=$one_config" "team/y:1=$two_config"
must push "$one_id" team/x:1
must pull team/x:1
sleep 0.5
is 'without it the end is not told as long as one is to come' "$(grep -c '^  PULL .* in ' "$tmp/log")" 0
must push "$two_id" team/y:1
must pull team/y:1
must stop
is 'but then' "$(grep -c '^  PULL .* in ' "$tmp/log")" 1

topic 'Other forms'
start -c gzip "x:1=$one_config"
ok 'gzip' push "$one_id" x:1
ok 'is served as it was pushed' pull x:1 gzip
is 'and says so' "$(types)" application/vnd.oci.image.layer.v1.tar+gzip
is 'what was kept otherwise came again' "$(brought | cut -d' ' -f1)" 4
stop
start "x:1=$one_config"
ok 'and zstd again' push "$one_id" x:1
ok 'is zstd' pull x:1
stop

topic 'Other clients'
must docker save -o "$tmp/one.tar" "$one"
must docker save -o "$tmp/two.tar" "$two_id"
rm -rf "$CACHE_DIR/.store"
start "x:1=$one_config"
ok 'skopeo pushes' skopeo copy -q --dest-tls-verify=false "docker-archive:$tmp/one.tar" "docker://$registry/x:1"
ok 'and it is whole' pull x:1
is 'with the same config' "$(config)" "$one_config"
stop
rm -rf "$CACHE_DIR/.store"
start -c none "x:1=$one_config"
ok 'skopeo pushes what stays as it is' skopeo copy -q --dest-tls-verify=false "docker-archive:$tmp/one.tar" "docker://$registry/x:1"
ok 'and it is whole' pull x:1 gzip
for blob in $(jq -r '.config.digest, .layers[].digest' "$tmp/dir/manifest.json"); do
	is 'every blob can be had under the digest that it was pushed under' "$(get "/v2/x/blobs/$blob"; sha256 <"$tmp/body")" "200$blob"
done
stop
if [ "$SMOLMAKE_TEST_ENGINE" = private ] && command -v podman >/dev/null; then
	# podman keeps a name without a host as localhost's, and finds it by the short one only where it is so configured
	podman() { command podman --root "$tmp/podman" --runroot /run/podman.store --storage-driver vfs "$@"; }
	must podman load -q -i "$tmp/one.tar"
	rm -rf "$CACHE_DIR/.store"
	start "x:1=$one_config"
	ok 'podman pushes' podman push -q --tls-verify=false "localhost/$one" "$registry/x:1"
	ok 'and it is whole' pull x:1
	ok 'once more' podman push -q --tls-verify=false "localhost/$one" "$registry/x:1"
	is 'which brings nothing' "$(brought | cut -d' ' -f1)" 4
	stop
	start "x:1=$one_config"
	ok 'to the next one' podman push -q --tls-verify=false "localhost/$one" "$registry/x:1"
	is 'nothing either' "$(brought | cut -d' ' -f1)" 0
	stop
fi

topic 'What is not whole, or not kept'
rm -rf "$CACHE_DIR/.store"
start "x:1=$one_config"
must push "$one_id" x:1
stop
largest=$(find "$CACHE_DIR/.store" -type f -size +1M | head -n 1)
printf X | dd of="$largest" bs=1 seek=4000 conv=notrunc 2>/dev/null
start "x:2=$two_config"
ok 'a layer that was damaged in the store' push "$two_id" x:2
is 'comes again, beside the new one' "$(brought | cut -d' ' -f1)" 2
ok 'and is whole' pull x:2
stop
is 'nothing kept is left damaged' "$(find "$CACHE_DIR/.store" -type f -size +1M | wc -l)" "$(find "$CACHE_DIR/.store" -type f -size +1M -exec zstd -tq {} \; -print | wc -l)"
STORE_MAX=9 start "x:1=$one_config"
ok 'a small store' push "$one_id" x:1
ok 'serves all of it' pull x:1
stop
ok 'and keeps no more than it may' test "$(cat "$CACHE_DIR"/.store/* | wc -c)" -le $((9 << 20))
isnt 'but that' "$(kept)" 0
rm -rf "$CACHE_DIR/.store"
STORE_MAX=9 start "x:1=$one_config"
ok 'a small store that all comes to anew' push "$one_id" x:1
ok 'keeps no more either while it is pushed to' test "$(cat "$CACHE_DIR"/.store/* | wc -c)" -le $((9 << 20))
ok 'and serves all of it' pull x:1
stop
isnt 'some of it is kept' "$(kept)" 0
STORE_MAX=0 start "x:1=$one_config"
ok 'none at all' push "$one_id" x:1
ok 'serves as well' pull x:1
is 'and holds it under no name' "$(on_its_way)" ''
stop
is 'and keeps nothing' "$(kept)" 0
rm -rf "$CACHE_DIR/.store" && echo file >"$CACHE_DIR/.store"
start "x:1=$one_config"
ok 'where there can be no store' push "$one_id" x:1
ok 'it works without' pull x:1
like 'and says so' "$(cat "$tmp/log")" "'.store' is no folder"
stop
rm -f "$CACHE_DIR/.store"

topic 'Two at once, on the same layers'
start "x:1=$one_config"
one_server=$server one_registry=$registry
start "x:2=$two_config"
isnt 'two at once have an address each' "$registry" "$one_registry"
(registry=$one_registry && push "$one_id" x:1) >"$tmp/push.one" 2>&1 &
pushing=$!
ok 'both are pushed to' push "$two_id" x:2
ok 'at the same time' wait $pushing
ok 'one is whole' pull x:2
registry=$one_registry
ok 'and the other' pull x:1
kill "$one_server" && wait "$one_server" 2>/dev/null
stop

topic 'Step by step, as the specification has it'
rm -rf "$CACHE_DIR/.store"
start "x:1=$one_config" "y:1=$one_config"
head -c 300000 /dev/urandom >"$tmp/blob"
blob=$(sha256 <"$tmp/blob")
upload() { # QUERY: an upload; its path
	get "/v2/x/blobs/uploads/$1" -X POST >"$tmp/status"
	header Location
}
up=$(upload "")
is 'an upload is to be had' "$(cat "$tmp/status")" 202
like 'under a name that nobody guesses' "$up" '^/v2/x/blobs/uploads/[0-9a-f]{32}$'
head -c 1000 "$tmp/blob" >"$tmp/part1"
tail -c +1001 "$tmp/blob" | head -c 100000 >"$tmp/part2"
tail -c +101001 "$tmp/blob" >"$tmp/part3"
is 'a piece' "$(get "$up" -X PATCH -H 'Content-Range: 0-999' --data-binary "@$tmp/part1") $(header Range)" '202 0-999'
is 'one that does not follow' "$(get "$up" -X PATCH -H 'Content-Range: 5-1004' --data-binary "@$tmp/part1") $(header Range)" '416 0-999'
is 'nonsense for a range' "$(get "$up" -X PATCH -H 'Content-Range: x' --data-binary "@$tmp/part1")" 416
is 'how far it is' "$(get "$up") $(header Range)" '204 0-999'
is 'more, without a range' "$(get "$up" -X PATCH --data-binary "@$tmp/part2") $(header Range)" '202 0-100999'
is 'the rest, and what it is' "$(get "$up?digest=$blob" -X PUT -H 'Content-Range: 101000-299999' --data-binary "@$tmp/part3") $(header Docker-Content-Digest)" "201 $blob"
is 'it is there' "$(get "/v2/x/blobs/$blob" -I) $(header Content-Length)" '200 300000'
is 'and is that' "$(get "/v2/x/blobs/$blob"; sha256 <"$tmp/body")" "200$blob"
is 'it can be mounted elsewhere' "$(get "/v2/y/blobs/uploads/?mount=$blob&from=x" -X POST) $(header Location)" "201 /v2/y/blobs/$blob"
none=sha256:$(printf %064d 0)
is 'what is not there cannot, and may be uploaded' "$(get "/v2/y/blobs/uploads/?mount=$none&from=x" -X POST)" 202
echo another >"$tmp/small"
small=$(sha256 <"$tmp/small")
is 'all in one' "$(get "/v2/x/blobs/uploads/?digest=$small" -X POST --data-binary "@$tmp/small")" 201
is 'the colon may be escaped' "$(get "$(upload "")?digest=sha256%3A${small#*:}" -X PUT --data-binary "@$tmp/small")" 201
refused() { # WHAT STATUS CODE PATH CURL-ARGUMENT...
	_what=$1 _want="$2 $3"
	shift 3
	is "$_what" "$(get "$@") $(code)" "$_want"
}
up=$(upload "")
refused 'what is of another digest' 400 DIGEST_INVALID "$up?digest=$none" -X PUT --data-binary "@$tmp/small"
refused 'is over then' 404 BLOB_UPLOAD_UNKNOWN "$up?digest=$small" -X PUT --data-binary "@$tmp/small"
refused 'no digest' 400 DIGEST_INVALID "$(upload "")" -X PUT --data-binary "@$tmp/small"
refused 'a digest that is none' 400 DIGEST_INVALID "$(upload "")?digest=sha256:12" -X PUT --data-binary "@$tmp/small"
refused 'one of another kind' 400 DIGEST_INVALID '/v2/x/blobs/uploads/?digest=sha512:1' -X POST --data-binary "@$tmp/small"
refused 'fewer bytes than it says' 400 SIZE_INVALID "$(upload "")" -X PATCH -H 'Content-Range: 0-99' --data-binary "@$tmp/small"
refused 'more' 400 SIZE_INVALID "$(upload "")" -X PATCH -H 'Content-Range: 0-1' --data-binary "@$tmp/small"
{ gzip -c <"$tmp/blob" | head -c 1000; } >"$tmp/cut"
refused 'a layer that is cut' 400 BLOB_UPLOAD_INVALID "/v2/x/blobs/uploads/?digest=$(sha256 <"$tmp/cut")" -X POST --data-binary "@$tmp/cut"
refused 'an upload that nobody asked for' 404 BLOB_UPLOAD_UNKNOWN "/v2/x/blobs/uploads/$(printf %032d 0)" -X PATCH --data-binary x
refused "another repository's" 404 BLOB_UPLOAD_UNKNOWN "/v2/y${up#/v2/x}" -X PATCH --data-binary x
refused 'a repository that was not ordered' 404 NAME_UNKNOWN /v2/z/blobs/uploads/ -X POST
refused 'a path that is none' 404 UNSUPPORTED /v2/../../etc/passwd -X PUT --data-binary x
for path in "/v2/x/blobs/$small" /v2/x/manifests/1 "$up"; do
	refused "DELETE of $path" 405 UNSUPPORTED "$path" -X DELETE
done
refused 'PUT of a blob' 405 UNSUPPORTED "/v2/x/blobs/$small" -X PUT --data-binary x
refused 'POST of a manifest' 405 UNSUPPORTED /v2/x/manifests/1 -X POST --data-binary x
manifest() { # CONFIG LAYER...
	_config=$1
	shift
	jq -cn --arg config "$_config" '{schemaVersion: 2, config: {digest: $config, size: 1}, layers: [$ARGS.positional[] | {digest: ., size: 1}]}' --args "$@"
}
put() { # WHAT STATUS CODE REFERENCE: what is in $tmp/put
	refused "$1" "$2" "$3" "/v2/x/manifests/$4" -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$tmp/put"
}
manifest "$small" "$blob" >"$tmp/put"
put "another image under this image's tag" 403 DENIED 1
manifest "$one_config" "$blob" >"$tmp/put"
put 'another tag' 403 DENIED 2
manifest "$one_config" "$blob" >"$tmp/put"
put 'this image, without its config' 400 MANIFEST_BLOB_UNKNOWN 1
echo '{' >"$tmp/put"
put 'nonsense' 400 MANIFEST_INVALID 1
printf '{"a":"\000"}' >"$tmp/put"
put 'a NUL' 400 MANIFEST_INVALID 1
head -c 100000 /dev/zero | tr '\0' '[' >"$tmp/put"
put 'brackets without end' 400 MANIFEST_INVALID 1
echo '[]' >"$tmp/put"
put 'a list' 400 MANIFEST_INVALID 1
head -c 5000000 /dev/zero >"$tmp/put"
put 'one of five megabytes' 413 SIZE_INVALID 1
manifest "$one_config" "$blob" >"$tmp/put"
put 'a digest that is not its own' 400 DIGEST_INVALID "$none"
tar -xOf "$tmp/one.tar" "$(tar -xOf "$tmp/one.tar" manifest.json | jq -r '.[0].Config')" >"$tmp/config"
is 'the config' "$(get "/v2/x/blobs/uploads/?digest=$one_config" -X POST --data-binary "@$tmp/config")" 201
manifest "$one_config" "$blob" >"$tmp/put"
put 'too few layers' 400 MANIFEST_INVALID 1
manifest "$one_config" "$none" "$none" "$none" "$none" >"$tmp/put"
put 'layers that are not here' 400 MANIFEST_BLOB_UNKNOWN 1
manifest "$one_config" "$blob" "$blob" "$blob" "$blob" >"$tmp/put"
put 'layers that are not its own' 400 MANIFEST_INVALID 1
refused 'nothing is served of all that' 404 MANIFEST_UNKNOWN /v2/x/manifests/1
is 'nor listed' "$(get /v2/x/tags/list; jq -c .tags "$tmp/body")" '200[]'
for _ in $(seq 70); do upload "" >"$tmp/last"; done
is 'uploads that nobody uses make room' "$(cat "$tmp/status") $(get "$(cat "$tmp/last")")" '202 204'

topic 'A client that goes away, and one that is slow'
# shellcheck disable=SC2016
half='use IO::Socket::INET; my ($at, $path, $end) = @ARGV;
	my $s = IO::Socket::INET->new(PeerAddr => $at) or exit 1; open my $f, "<", $ARGV[3]; local $/; my $b = <$f>;
	$s->send("PATCH $path HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" . substr($b, 0, 200000)); sleep $end'
up=$(upload "")
perl -e "$half" "$registry" "$up" 60 "$tmp/blob" &
client=$!
ok 'an upload is under way' wait_for '[ -n "$(on_its_way)" ]' 60
refused 'nobody else can write to it' 409 BLOB_UPLOAD_INVALID "$up" -X PATCH --data-binary x
kill $client
wait $client 2>/dev/null
ok 'its client goes away, and nothing is left of it' wait_for '[ -z "$(on_its_way)" ]' 60
refused 'not even its name' 404 BLOB_UPLOAD_UNKNOWN "$up"
perl -e "$half" "$registry" "$(upload "")" 60 "$tmp/blob" &
client=$!
wait_for '[ -n "$(on_its_way)" ]' 60
ok 'SIGTERM in the middle' stop
is 'leaves nothing' "$(on_its_way)" ''
kill $client
wait $client 2>/dev/null
start "x:1=$one_config"
perl -e "$half" "$registry" "$(upload "")" 60 "$tmp/blob" &
client=$!
wait_for '[ -n "$(on_its_way)" ]' 60
kill -s KILL $server
wait $server 2>/dev/null
kill $client
wait $client 2>/dev/null
isnt 'kill -9 leaves what the next run removes with the folder' "$(on_its_way)" ''
is 'and nothing in the store' "$(kept)" 0
rm -f "$CACHE_DIR/$RUN"/*

topic 'Other users of this machine'
start "x:1=$one_config"
if [ "$(id -u)" = 0 ] && [ "$(uname)" = Linux ]; then
	must_fail 'another user is let in nowhere' setpriv --reuid 65534 --clear-groups curl -sS --max-time 5 "http://$registry/v2/"
	# one that has gone by the time it is looked at is nobody's, whatever the kernel calls it
	# shellcheck disable=SC2016
	setpriv --reuid 65534 --clear-groups perl -MIO::Socket::INET -e 'for (1 .. 50) {
		my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or next;
		$s->send("POST /v2/x/blobs/uploads/?digest=$ARGV[1] HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); close $s }' \
		"$registry" "sha256:$(printf '{}' | sha256 | sed 's/.*://')"
	is 'nor one that is gone at once' "$(cat "$lines")" ''
	is 'root and we are' "$(get /v2/)" 200
fi
tls='\026\003\001\001\000\001\000\000\374\003\003'
# shellcheck disable=SC2059
like 'a TLS hello gets an answer that says so' "$(printf "$tls" | perl -MIO::Socket::INET -e '
	$s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 5) or exit 1; local $/; $SIG{ALRM} = sub { exit };
	$s->send(scalar <STDIN>); alarm 20; print <$s>' "$registry" | head -n 1)" '^HTTP/1\.0 400'
stop

topic 'Who watches the run'
key=$(printf %.16s "${one_id#sha256:}")
echo "$one_id x $one_config" >"$CACHE_DIR/$RUN/$key.image"
: >"$CACHE_DIR/$RUN/$key.env"
echo 'smolvm 1.32.2' >"$CACHE_DIR/$RUN/smolvm"
export WATCHED=lines PACK=smolvm ROUTE=push DOCKER=docker REGISTRY_IMAGE=
# as a run calls it: by a key
fake_program "$store" "shift 2; exec '$top/cache/bin/with-registry' \"\$@\""
start "$key"
perl -e "$half" "$registry" "$(upload "")" 60 "$tmp/blob" &
client=$!
ok 'is told how much of the image has come' wait_for 'grep -Exq "PUSH [12][0-9]{5} 0" "$CACHE_DIR/$RUN/$key.bytes" 2>/dev/null' 20
kill $client
wait $client 2>/dev/null
stop
rm -f "$CACHE_DIR/$RUN"/*
rmdir "$CACHE_DIR/$RUN"
assert_nothing_left 'nothing else is left' 30
done_testing
