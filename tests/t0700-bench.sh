#!/bin/sh
# t0700-bench: the bench compares like with like, and its table says what was measured.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need jq skopeo bash
need_engine
bench=$top/tests/bench

topic 'The plain script makes the machine that we make'
must run_make cache/tests/measure cache/tests/write-sidecar cache/bin/verify-machine cache/bin/wait-ready
must make_image bench
# The plain script takes a registry that connects for one that is ready, and on a busy machine it is not: a fault that it is there
# to have, and not what is asked here. So its engine names the port only when the registry answers, and builds at the first time what
# _build (lib.sh) may have to build again.
cat >"$tmp/patient-docker" <<-'END'
	#!/bin/sh
	case $1 in
	build)
		for _ in 1 2 3; do
			docker "$@" 2>"$0.err" && exit
			grep -q 'unable to find image "sha256:' "$0.err" || break
		done
		cat "$0.err" >&2
		exit 1
		;;
	port)
		port=$(docker "$@") && "$WAIT_READY" -t 60 "http://127.0.0.1:${port##*:}/v2/" && echo "$port"
		;;
	*) exec docker "$@" ;;
	esac
END
chmod +x "$tmp/patient-docker"
export WAIT_READY="$top/cache/bin/wait-ready"
plain() {
	SMOLVM=$bench/packer DOCKER=$tmp/patient-docker CACHE_DIR=$tmp/plain "$bench/plain" "$image" "$context" 3>"$tmp/left" && rc=0 || rc=$?
	tidy
	return "$rc"
}
tidy() {
	while read -r kind what; do
		[ "$kind" != tag ] || docker rmi --no-prune "$what"
		[ "$kind" != container ] || docker rm -f -v "$what"
	done <"$tmp/left" >/dev/null 2>&1
}
mkdir -m 700 "$tmp/plain"
must plain
path=$(plain 2>/dev/null)
ok 'the plain script leaves a machine' "$top/cache/bin/verify-machine" "$path"
must run_make smolmachine IMAGE="$image" CONTEXT="$context"
sidecar=$(cat "$out")
is 'ours has the same name' "${sidecar##*/}" "${path##*/}"
ok 'and what the plain script packed is a hit for us' \
	run_make smolmachine IMAGE="$image" CONTEXT="$context" CACHE_DIR="$tmp/plain" SMOLVM=/nonexistent
rm -rf "$tmp/plain"
mkdir -m 700 "$tmp/plain"
must run_make smolmachine IMAGE="$image" CACHE_DIR="$tmp/plain"
ok 'and the other way round' env SMOLVM=/nonexistent DOCKER="$tmp/patient-docker" CACHE_DIR="$tmp/plain" REGISTRY_IMAGE=no/such \
	"$bench/plain" "$image" "$context"

topic 'measure'
expect_code 'measure hands the status on' 7 "$top/cache/tests/measure" -q -n 2 -o "$tmp/log" sh -c 'exit 7'
is 'and writes a line a run: seven fields, the sixth of them the status' \
	"$(awk -F '\t' '{ print NF, $6, $7 }' "$tmp/log")" "7 7 sh -c exit 7
7 7 sh -c exit 7"
expect_code 'a program that is missing' 127 "$top/cache/tests/measure" -o "$tmp/log" "$tmp/nothing"
expect_code 'no file to write to' 100 "$top/cache/tests/measure" true

topic 'From samples to a table'
cat >"$tmp/rows" <<-'END'
	small    5 make:push plain x1.00   a miss
	hit      3 make:push build +50ms   a hit
	sharing  1 make:push plain x0.33   four
	ready    1 helper    -     <20ms   ready
	verify   1 helper    -     -       verify
	broken   1 make:push plain x1.00   broken
	export   1 helper    -     <10%    export
	memory   1 helper    -     <32MB   memory
END
tr ' ' '\t' >"$tmp/samples" <<-'END'
	small make:push 1020
	small.push make:push 600
	small plain 1000
	small.push plain 590.04
	small make:push 1032
	small plain 1000
	hit make:push 100
	hit make:push 300
	hit make:push 111
	hit build 60
	sharing make:push 4000
	sharing plain 10000
	ready helper 7.26
	verify helper 700
	broken plain 1
	export helper 3.04
	export helper 12
	memory helper 40
	helper.true start 0.9
	helper.true memory 1.1
	helper.image-id start 1
	helper.image-id memory 2.04
	helper.wait-ready start 2
	helper.wait-ready memory 3
	helper.wait-ready memory 11.96
END
echo '{"cpus":2,"model":"a processor","memory_gb":8,"load":"0.10","kernel":"Linux 6.1","engine":"20.10.24, overlay2",
	"docker_cli":"20.10.24","make":"GNU Make 4.3","guest":"crane"}' >"$tmp/machine"
must sh -c 'jq -nR --rawfile samples "$1/samples" --slurpfile machine "$1/machine" --argjson repeated 2 --argjson seconds 300 \
	--from-file "$2/report.jq" "$1/rows" >"$1/bench.json"' sh "$tmp" "$bench"
is 'the report has all samples' "$(jq -c '.rows[1].ours' "$tmp/bench.json")" '{"side":"make:push","median":111,"samples":[100,300,111]}'
is 'and the stages beneath their row' "$(jq -c '.rows[0].stages | map([.what, (.ratio * 1000 | floor)])' "$tmp/bench.json")" '[["push",1016]]'
jq -r --from-file "$bench/table.jq" "$tmp/bench.json" >"$tmp/table"
cat >"$tmp/expected" <<'END'
what                                                                ours    beside  ratio  wanted    verdict
a miss                                                            1.03 s    1.00 s   1.03  <= 1.00   ok
    push                                                          600 ms    590 ms   1.02
a hit                                                             111 ms     60 ms   1.85  <= +50 ms missed (+51)
four                                                              4.00 s   10.00 s   0.40  <= 0.33   missed
ready                                                             7.3 ms         -      -  < 20 ms   ok
verify                                                            700 ms         -      -
broken                                                                 -    1.0 ms      -  <= 1.00   failed
export                                                             7.5 %         -      -  < 10 %    ok
memory                                                           40.0 MB         -      -  < 32 MB   missed

helper                                                             start    memory         wanted    verdict
true                                                              0.9 ms    1.1 MB
image-id                                                          1.0 ms    2.0 MB         < 5 ms, < 10 MB  ok
wait-ready                                                        2.0 ms   12.0 MB         < 5 ms, < 10 MB  missed

END
sed -i '/^medians/,$d' "$tmp/table"
same 'the table says what was measured, what was wanted, and whether it is so' "$tmp/table" "$tmp/expected"
sed -n 's/^\([a-z0-9-]*\) .*/\1/p' "$bench/rows" | uniq | while read -r group; do
	grep -Eq "^	([^)]* \\| )?($group|${group%[0-9]}\\?|${group%%-*}-\\*):" "$bench/run" || echo "$group"
done >"$tmp/unknown"
is 'run knows every group of rows' "$(cat "$tmp/unknown")" ''
assert_nothing_left 'nothing is left of all that' 30
done_testing
