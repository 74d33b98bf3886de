#!/bin/sh
# t0130-bad-input: every wrong wish gets one clear line that names the thing and the remedy, and starts nothing.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need_engine

export DOCKER="$top/tests/fake/docker" FAKE_DOCKER_LOG="$tmp/docker.log"
must make_context agent
must mkdir -p "$tmp/empty" "$tmp/images"
touch "$tmp/images/json"

# refused WHAT ERE ARGS...: fails with one line of error on stderr that matches, nothing on stdout, no engine asked
refused() {
	what=$1 line=$2
	shift 2
	: >"$FAKE_DOCKER_LOG"
	must_fail "$what is refused" run_make "$@"
	like '... with a line that names it and the remedy' "$(grep -v '^make' "$err")" "$line"
	is '... in one line, with nothing on stdout, before anything starts' \
		"$(grep -cv '^make' "$err") $(cat "$out" "$FAKE_DOCKER_LOG" "$FAKE_SMOLVM_LOG" 2>/dev/null)" '1 '
}
must run_make image-id IMAGE="$image" CONTEXT="$context"

refused 'an upper-case name' "IMAGE: 'Agent' .*name\[:tag\]" smolmachine IMAGE=Agent
refused 'a name with a blank' "IMAGE: 'a b'" smolmachine 'IMAGE=a b'
refused 'a leading dash' "IMAGE: '--help'" smolmachine IMAGE=--help
refused 'a digest reference' "IMAGE: .*sha256:<64 hex>" smolmachine "IMAGE=a@sha256:$(printf %064d 0)"
refused 'an empty name' 'IMAGE is empty; give IMAGE=' smolmachine IMAGE=
refused 'a path with two dots' "IMAGE: 'a..b'" smolmachine IMAGE=a..b
refused 'a short ID' "IMAGE: 'sha256:abc'" smolmachine IMAGE=sha256:abc
refused 'a name that leaves no room for the registry' 'IMAGE: .* too long' smolmachine "IMAGE=$(printf %0245d 0)"
refused 'a misspelt variable' 'IMGAE: no such variable; `make help`' smolmachine IMGAE=x
refused 'IMAGE beside IMAGES' 'IMAGE and IMAGES' smolmachine IMAGE=a IMAGES='b c'
refused 'a missing CONTEXT' "CONTEXT: '/nowhere' .*; give the folder" smolmachine IMAGE=a CONTEXT=/nowhere
refused 'a CONTEXT that is a file' "CONTEXT: .* is not a folder" smolmachine IMAGE=a CONTEXT="$top/README.md"
refused 'a CONTEXT without a Dockerfile' "CONTEXT: there is no Dockerfile in .*; give DOCKERFILE" smolmachine IMAGE=a CONTEXT="$tmp/empty"
refused 'a missing DOCKERFILE' "DOCKERFILE: '/nowhere'" smolmachine IMAGE=a CONTEXT="$context" DOCKERFILE=/nowhere
refused 'DOCKERFILE without CONTEXT' 'DOCKERFILE: .* without CONTEXT; give CONTEXT=' smolmachine IMAGE=a DOCKERFILE="$context/Dockerfile"
refused 'TARGET without CONTEXT' 'TARGET without CONTEXT' smolmachine IMAGE=a TARGET=x
refused 'BUILD_ARGS without CONTEXT' 'BUILD_ARGS without CONTEXT' smolmachine IMAGE=a BUILD_ARGS=A=b
refused 'a build argument that is none' "BUILD_ARGS: word 2 is not K=V" smolmachine IMAGE=a CONTEXT="$context" BUILD_ARGS='A=b x'
refused 'an ID with CONTEXT' 'IMAGE: an image ID cannot be built' smolmachine "IMAGE=sha256:$(printf %064d 0)" CONTEXT="$context"
refused 'CONTEXT with several images' 'CONTEXT goes with one image' smolmachine IMAGES='a b' CONTEXT="$context"
for v in CPUS MEM REGISTRY_TIMEOUT BUILD_TIMEOUT PUSH_TIMEOUT PACK_TIMEOUT TOOL_TIMEOUT PACK_JOBS; do
	refused "$v=x" "$v: 'x' is not a whole number from" smolmachine IMAGE=a $v=x
done
refused 'CPUS=0' "CPUS: '0' is not a whole number from 1" smolmachine IMAGE=a CPUS=0
refused 'a PLATFORM that is none' "PLATFORM: 'x' .*linux/amd64" smolmachine IMAGE=a PLATFORM=x
for bad in linux linux/ /amd64 linux//amd64 linux/amd64/v1/x 'linux/a b' -x/y; do
	refused "PLATFORM=$bad" "PLATFORM: '$bad' is not OS/ARCH, as linux/amd64" smolmachine IMAGE=a PLATFORM="$bad"
done
refused 'a missing SMOLFILE' "SMOLFILE: '/nowhere'" smolmachine IMAGE=a SMOLFILE=/nowhere
refused 'a SMOLFILE that is a folder' "SMOLFILE: '$tmp/images' is a folder" smolmachine IMAGE=a SMOLFILE="$tmp/images"
must mkfifo "$tmp/fifo"
refused 'a SMOLFILE that is no regular file' "SMOLFILE: '$tmp/fifo' is no regular file" smolmachine IMAGE=a SMOLFILE="$tmp/fifo"
refused 'a SMOLFILE without an end' "SMOLFILE: '/dev/zero' is no regular file" smolmachine IMAGE=a SMOLFILE=/dev/zero
must truncate -s 2M "$tmp/large"
refused 'a SMOLFILE of 2 MiB' "SMOLFILE: '$tmp/large' is larger than 1024 KiB" smolmachine IMAGE=a SMOLFILE="$tmp/large"
refused 'an ENTRYPOINT that is not UTF-8' 'ENTRYPOINT: it is not UTF-8' smolmachine IMAGE=a ENTRYPOINT="$(printf 'x\377')"
refused 'an unknown ROUTE' "ROUTE: 'x' .*ROUTE=push, ROUTE=direct or ROUTE=archive" smolmachine IMAGE=a ROUTE=x
refused 'an unknown PACK' "PACK: 'x' .*PACK=native or PACK=smolvm" smolmachine IMAGE=a PACK=x
for host in 10.0.0.1 127.0.0.2; do
	refused "REGISTRY_HOST=$host" "REGISTRY_HOST: '$host' is not where the registry is; give 127.0.0.1 or localhost" smolmachine IMAGE=a REGISTRY_HOST=$host
done
for bad in 'Bad Image' -x a@b "a@sha256:12" "sha256:$(printf %064d 0)@sha256:$(printf %064d 0)" a:; do
	refused "REGISTRY_IMAGE=$bad" "REGISTRY_IMAGE: '$bad' is not an image reference; leave it unset" smolmachine IMAGE=a REGISTRY_IMAGE="$bad"
done
refused 'an OUT that is a folder' "OUT: '.*' is a folder" smolmachine IMAGE=a OUT="$tmp"
refused 'an OUT in no folder' "OUT: cannot write to '/nowhere'" smolmachine IMAGE=a OUT=/nowhere/x
refused 'a SQUASH that is none' "SQUASH: 'yes' is neither 0 nor 1" smolmachine IMAGE=a SQUASH=yes
refused 'a PROGRESS that is none' "PROGRESS: 'bar' .*PROGRESS=json" smolmachine IMAGE=a PROGRESS=bar
refused 'a V that is none' 'V: give 0, 1 or 2' smolmachine IMAGE=a V=3
refused 'DOCKER that is not there' "DOCKER: '/nowhere' is not installed; run .make setup" smolmachine IMAGE=a DOCKER=/nowhere
for docker in podman /nowhere/podman; do
	command -v "$docker" >/dev/null ||
		refused "$docker that is not there" "DOCKER: '$docker' is not installed; install podman, or leave DOCKER unset for docker\$" smolmachine IMAGE=a DOCKER=$docker
done

must_fail 'a GNU Make that is too old' run_make .FEATURES= smolmachine IMAGE="$image"
like 'says so, and the remedy' "$(cat "$err")" 'GNU Make .* is too old, smolmake needs 4.3 or newer.*brew install make'

topic 'the images file'
refused 'an image beside it' 'IMAGE: `smolmachines` packs the images of IMAGES_FILE; for this one: make smolmachine IMAGE=' smolmachines IMAGE=a
refused 'a missing images file' "IMAGES_FILE: '/nowhere' is not there; give IMAGES_FILE" smolmachines IMAGES_FILE=/nowhere
file() { # TEXT ERE WHAT
	printf '%s' "$1" >"$tmp/images.json"
	refused "$3" "$2" smolmachines IMAGES_FILE="$tmp/images.json"
}
file 'nonsense' 'IMAGES_FILE: .*not JSON' 'an images file that is not JSON'
file '' 'IMAGES_FILE: .*(names no image|must be an object)' 'an empty images file'
file '[]' 'the file: must be an object, is array' 'a list'
file '{}' 'has no "images"' 'an object without images'
file '{"images":[]}' 'images: is empty' 'no images'
file '{"images":{}}' 'images: must be an array' 'images that are an object'
file '{"images":[{}]}' 'images\[0\]: has no "image"' 'an image without a name'
file '{"images":[{"image":3}]}' 'images\[0\]\.image: must be a string, is number' 'a number for a name'
file '{"images":[{"image":"a"},{"image":"b","cups":2}]}' 'images\[1\]: unknown key "cups"; known are .*cpus' 'an unknown key'
file '{"images":[{"image":"a","cpus":"2"}]}' 'images\[0\]\.cpus: must be a whole number' 'a string for a number'
file '{"images":[{"image":"a","cpus":1.5}]}' 'images\[0\]\.cpus: must be a whole number' 'half a processor'
file '{"images":[{"image":"a","context":""}]}' 'images\[0\]\.context: is empty' 'an empty context'
file '{"images":[{"image":"a","build_args":["A=b"]}]}' 'build_args: must be an object' 'a list of build arguments'
file '{"images":[{"image":"a","context":"x\u0000y"}]}' 'context: holds a NUL' 'a NUL character'
file '{"images":[{"image":"a"},{"image":"a:latest"}]}' "images\\[1\\]: 'a:latest' is there twice" 'an image that is there twice'
file '{"images":[{"image":"a"},{"image":"B"}]}' "images\\[1\\]: IMAGE: 'B' is not" 'an illegal reference in the file'
file '{"images":[{"image":"a","context":"nowhere"}]}' "images\\[0\\]: CONTEXT: '$tmp/nowhere'" 'a missing context in the file'
refused 'OUT with an images file' 'OUT goes with one image' smolmachines IMAGES_FILE="$tmp/images/json" OUT="$tmp/x" || :

topic 'the engine'
must cp "$(command -v docker)" "$tmp/docker"
unset DOCKER
export DOCKER="$tmp/docker"
usual=$DOCKER_HOST
export DOCKER_HOST=unix:///nowhere/docker.sock
must_fail 'an engine that is not there fails' run_make smolmachine IMAGE=a
like 'and is named, with the remedy' "$(cat "$err")" "DOCKER: no engine answers at 'unix:///nowhere/docker.sock' \\(No such file or directory\\); start it"
for host in tcp://192.0.2.1:2375 ssh://user@host; do
	DOCKER_HOST=$host
	must_fail "a remote engine ($host) is refused" run_make smolmachine IMAGE=a
	like 'and named' "$(cat "$err")" "DOCKER: the engine at '$host' is remote, its loopback is not ours"
done
unset DOCKER_HOST
must mkdir -p "$HOME/.docker"
must docker context create far --docker host=tcp://192.0.2.1:2375
echo '{"currentContext":"far"}' >"$HOME/.docker/config.json"
must_fail 'so is one that a context chooses' run_make smolmachine IMAGE=a
export DOCKER_HOST="$usual"
like 'by its address' "$(cat "$err")" "DOCKER: the engine at 'tcp://192.0.2.1:2375' is remote"
rm -rf "$HOME/.docker"

topic 'CACHE_DIR'
unset CACHE_DIR
echo file >"$tmp/file"
refused 'a CACHE_DIR that is a file' "CACHE_DIR: .*'$tmp/file'" smolmachine IMAGE=a CACHE_DIR="$tmp/file"
must mkdir -p "$tmp/open"
must chmod 777 "$tmp/open"
refused 'a CACHE_DIR that cannot be made' "CACHE_DIR: cannot create '/proc/none' \\(.*\\); give a CACHE_DIR" smolmachine IMAGE=a CACHE_DIR=/proc/none
refused 'a CACHE_DIR that everybody can write to' "CACHE_DIR: everybody can write to '.*/open'; run .chmod" smolmachine IMAGE=a CACHE_DIR="$tmp/open"
must mkdir -p "$tmp/open/sub"
refused 'or whose parent everybody can write to' "CACHE_DIR: everybody can write to '.*/open'" smolmachine IMAGE=a CACHE_DIR="$tmp/open/sub"
if [ "$(id -u)" = 0 ]; then
	must mkdir -p "$tmp/theirs"
	must chown 65534 "$tmp/theirs"
	refused 'a CACHE_DIR of another user' "CACHE_DIR: '.*/theirs' belongs to another user" smolmachine IMAGE=a CACHE_DIR="$tmp/theirs"
fi

topic 'known only after the build'
export CACHE_DIR="$tmp/cache dir" DOCKER="$top/tests/fake/docker"
run_make smolmachine IMAGE="smolmake-test/none-$mine"
like 'an image that is not there is named, with the remedy' "$(cat "$err")" "IMAGE: there is no image 'smolmake-test/none.*give IMAGE=.* CONTEXT="
must mkdir -p "$tmp/nolayers"
printf 'FROM scratch\nCMD ["/x"]\n' >"$tmp/nolayers/Dockerfile"
echo "smolmake-test/nolayers-$mine" >>"$tmp/.images"
must_fail 'an image without layers is refused' run_make smolmachine IMAGE="smolmake-test/nolayers-$mine" CONTEXT="$tmp/nolayers"
like 'and named' "$(cat "$err")" "IMAGE: 'smolmake-test/nolayers.*' has no layers"
must_fail 'a smolvm that is not there' run_make smolmachine IMAGE="$image" SMOLVM=no-such-smolvm
like 'is named, with the remedy' "$(cat "$err")" "SMOLVM: 'no-such-smolvm' is not installed; get it from"
must_fail 'a registry image that is not there' run_make smolmachine IMAGE="$image" REGISTRY_IMAGE=127.0.0.1:1/no/such
like 'is named, with the remedy' "$(cat "$err")" "REGISTRY_IMAGE: '127.0.0.1:1/no/such' is not on the engine and cannot be pulled"
must_fail 'a registry image that is no registry' run_make smolmachine IMAGE="$image" REGISTRY_IMAGE="$image" REGISTRY_TIMEOUT=2
like 'is named, with the remedy' "$(cat "$err")" "REGISTRY_IMAGE: '$image' has neither entrypoint nor command"
for fault in fail hang truncated no-footer wrong-crc bit-flip no-sidecar no-launcher empty-sidecar killed enospc no-layers other-mode; do
	export FAKE_SMOLVM_FAULT=$fault
	timeout=600 # which only that one comes to that never ends: no second of a busy machine is enough
	[ $fault != hang ] || timeout=2
	must_fail "smolvm: $fault" run_make smolmachine IMAGE="$image" PACK_TIMEOUT=$timeout
	is '... publishes nothing' "$(find "$CACHE_DIR" -maxdepth 1 -type f)" ''
	case $fault in
	fail | enospc) like '... and shows what it printed' "$(cat "$err")" '[Ee]rror|No space' ;;
	hang) like '... and is said to be overdue' "$(cat "$err")" 'did not end within 2 s' ;;
	no-layers) like '... and is named' "$(cat "$err")" 'SMOLVM: .*the manifest lists no layer' ;;
	other-mode) like '... and is named' "$(cat "$err")" "SMOLVM: .*its mode is 'vm'" ;;
	killed) like '... and is said to have been killed' "$(cat "$err")" 'died of signal 9' ;;
	*) like '... and is named' "$(cat "$err")" 'SMOLVM: ' ;;
	esac
done
unset FAKE_SMOLVM_FAULT
assert_nothing_left 'nothing is left of all that'
ok 'and after it the machine is packed' run_make smolmachine IMAGE="$image"
unlike '... as the image that was served' "$(cat "$err")" 'warning'
export FAKE_SMOLVM_FAULT=other-image
before=$(cd "$CACHE_DIR" && sha256sum ./*machine)
must_fail 'a smolvm that names another image by its digest' run_make smolmachine IMAGE="$image" FORCE=1 ROUTE=direct
like '... is named' "$(cat "$err")" 'error: .*SMOLVM: .* as the image .sha256:[0-9a-f]*00000000., which is not the one that was served; nothing was published, give another SMOLVM, or PACK=native'
is '... and the machine of before is there' "$(cd "$CACHE_DIR" && sha256sum ./*machine)" "$before"
ok '... behind a registry container' run_make smolmachine IMAGE="$image" FORCE=1 ROUTE=push
like '... it is told' "$(cat "$err")" 'warning: SMOLVM: .* as the image .sha256:[0-9a-f]*00000000., which is not the one that was served$'
unset FAKE_SMOLVM_FAULT
done_testing
