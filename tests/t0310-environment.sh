#!/bin/sh
# t0310-environment: what users have in their environment and in their engine's settings does no harm, or is named.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo
need_engine

must make_image agent
repack() { # SETTING... : with these in the environment
	rm -f "$CACHE_DIR"/*.smolmachine
	env "$@" "$top/tests/make" --no-print-directory -C "$top" smolmachine IMAGE="$image" >"$out" 2>"$err"
}
ok 'content trust' repack DOCKER_CONTENT_TRUST=1
ok 'a proxy that leads nowhere' repack HTTP_PROXY=http://192.0.2.1:1 HTTPS_PROXY=http://192.0.2.1:1 http_proxy=http://192.0.2.1:1 https_proxy=http://192.0.2.1:1 ALL_PROXY=http://192.0.2.1:1
ok 'the same for a smolvm that reads it' repack FAKE_SMOLVM_VERSION=1.17.0 HTTP_PROXY=http://192.0.2.1:1 http_proxy=http://192.0.2.1:1

# What the user has to be reached without a proxy stays so, under either name; our registry is added.
mkdir -p "$tmp/proxy"
fake_program "$tmp/proxy/smolvm" "case \$1 in pack) printf '%s|%s' \"\$NO_PROXY\" \"\$no_proxy\" >'$tmp/no-proxy' ;; esac; exec '$SMOLVM' \"\$@\""
own=127.0.0.1,localhost
while IFS='|' read -r upper lower want; do
	set -- SMOLVM="$tmp/proxy/smolvm"
	[ "$upper" = - ] || set -- "$@" NO_PROXY="$upper"
	[ "$lower" = - ] || set -- "$@" no_proxy="$lower"
	ok "NO_PROXY='$upper' no_proxy='$lower'" repack "$@"
	is '... and our registry' "$(cat "$tmp/no-proxy")" "$want|$want"
done <<-EOT
	-|-|$own
	a.example,.b|-|$own,a.example,.b
	-|a.example|$own,a.example
	a|b|$own,a,b
	a|a|$own,a
	|b|$own,b
	a||$own,a
	*|-|*
	a|*|*
	a|b,*|*
EOT

# A credential helper that hangs: docker asks it before every push.
mkdir -p "$tmp/bin" "$tmp/docker-config"
printf '#!/bin/sh\nsleep 60\n' >"$tmp/bin/docker-credential-hangs"
chmod +x "$tmp/bin/docker-credential-hangs"
echo '{"credsStore":"hangs"}' >"$tmp/docker-config/config.json"
must_fail 'a credential helper that hangs ends at PUSH_TIMEOUT' repack DOCKER_CONFIG="$tmp/docker-config" PATH="$tmp/bin:$PATH" PUSH_TIMEOUT=2
like 'and is said to' "$(cat "$err")" "push: .* did not end within 2 s"
assert_nothing_left 'and leaves nothing' 30
echo '{"credsStore":"missing"}' >"$tmp/docker-config/config.json"
ok 'one that is missing does no harm' repack DOCKER_CONFIG="$tmp/docker-config"

# An engine whose insecure-registries setting leaves loopback out, as Docker 29.10 has it.
cat >"$tmp/bin/strict-docker" <<'EOF'
#!/bin/sh
[ "$1" != info ] || { echo '["10.0.0.0/8"]' && exit; }
exec docker "$@"
EOF
chmod +x "$tmp/bin/strict-docker"
must_fail 'an engine that takes loopback away' repack DOCKER="$tmp/bin/strict-docker"
like 'is told apart before the push, with the remedy' "$(cat "$err")" 'DOCKER: .*insecure-registries.*127\.0\.0\.0/8'
unlike 'and nothing is pushed' "$(cat "$err")" 'PUSH'
assert_nothing_left 'or left' 30

# A build that does not land in the engine, as with a docker-container builder: never packed from an older image of that name.
cat >"$tmp/bin/elsewhere" <<'EOF'
#!/bin/sh
case $1 in
build)
	while [ $# -gt 0 ]; do
		[ "$1" != --iidfile ] || echo "sha256:$(printf %064d 7)" >"$2"
		shift
	done
	;;
*) exec docker "$@" ;;
esac
EOF
chmod +x "$tmp/bin/elsewhere"
must_fail 'a build that lands elsewhere' run_make smolmachine IMAGE="$image" CONTEXT="$context" DOCKER="$tmp/bin/elsewhere"
like 'is noticed, with the remedy' "$(cat "$err")" 'IMAGE: the build of .* the engine does not have it.*BUILDX_BUILDER=default'
is 'and nothing is packed instead' "$(cat "$out")" ''
sed 's/echo "sha256.*/:/' "$tmp/bin/elsewhere" >"$tmp/bin/silent"
sed -i 's/\[ "$1" != --iidfile \] || :/:/' "$tmp/bin/silent"
chmod +x "$tmp/bin/silent"
must_fail 'so is one that leaves no ID' run_make smolmachine IMAGE="$image" CONTEXT="$context" DOCKER="$tmp/bin/silent"
like 'with the remedy' "$(cat "$err")" 'IMAGE: the build of .* left no image ID.*BUILDX_BUILDER=default'

# What setup has installed is found though PATH does not lead there; what PATH has goes before it, and so does what is named.
given=$SMOLVM
unset SMOLVM
mkdir -p "$HOME/.local/bin" "$tmp/first"
fake_program "$HOME/.local/bin/smolvm" "exec '$given' \"\$@\""
ok 'the smolvm of setup is found' run_make smolmachine IMAGE="$image" FORCE=1
like '... and named where it is' "$(cat "$err")" "or keep it: $HOME/.local/bin/smolvm machine create"
fake_program "$tmp/first/smolvm" "exec '$given' \"\$@\""
whole=$PATH
PATH=$tmp/first:$PATH
ok '... but one of PATH goes before it' run_make smolmachine IMAGE="$image" FORCE=1
like '...' "$(cat "$err")" 'or keep it: smolvm machine create'
PATH=$whole
must_fail '... and one that is named is no other' run_make smolmachine IMAGE="$image" FORCE=1 SMOLVM=no-smolvm
rm "$HOME/.local/bin/smolvm"
export SMOLVM="$given"

# The image that is tagged is the build's own, not what the name means by then.
assert_nothing_left 'nothing is left of all that' 30
done_testing
