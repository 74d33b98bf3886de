# shellcheck shell=sh
# lib.sh: what every test script starts with:  . "$(dirname "$0")/lib.sh"
#
# A script is plain sh, says TAP on stdout and ends with done_testing:
#
#	. "$(dirname "$0")/lib.sh"
#	need jq
#	is 'two and two' "$((2 + 2))" 4
#	must_fail 'an empty reference is refused' run_make smolmachine IMAGE=
#	done_testing
#
# The first argument of an assertion is always what it shows, as a sentence; `topic` says what it is about.
#
# sourcing    a fresh folder $tmp with HOME, TMPDIR, XDG_CACHE_HOME and CACHE_DIR in it (most with a blank in the name),
#             an environment of a short list only, $top = the checkout; everything goes again at the end (KEEP=1 keeps)
# assertions  topic; ok is isnt like unlike same must_fail expect_code pass fail; must = a step the rest stands on
# skips       skip_kernel skip_macos skip, need need_engine need_private need_own_engine; STRICT=1 fails on skip and need*
# make        run_make; start_make finish_make for one that is to be killed: by tests/make, so that what a script exports is a setting
# images      make_context make_image change_image; assert_nothing_left; own engine: stop_engine start_engine kill_engine
# machines    fake_program borrow_tools: a folder for PATH with stand-ins and tools of this machine
# waiting     wait_for CONDITION SECONDS
set -u

# --- A clean environment: the script runs itself anew with a short list of variables.
if [ "${SMOLMAKE_TEST_CLEAN-}" != $$ ]; then
	set --
	for name in PATH DOCKER_HOST KEEP STRICT SMOLMAKE_TEST_ENGINE SMOLMAKE_TEST_TMP SMOLMAKE_TEST_TOP SMOLMAKE_TEST_MAKE \
		SMOLMAKE_TEST_REGISTRY_IMAGE SMOLMAKE_TEST_SOCKET SMOLMAKE_TEST_DOCKERD_DIR SMOLMAKE_TEST_DOCKERD_PID \
		SMOLMAKE_TEST_CGROUP SMOLMAKE_TEST_OWN SMOLMAKE_TEST_CLI FAULTS FAULTS_DIR CONTAINERS_CONF CONTAINERS_STORAGE_CONF CC CFLAGS CPPFLAGS LDFLAGS LDLIBS ASAN_OPTIONS \
		SMOLMAKE_CC SMOLMAKE_CFLAGS SMOLMAKE_CPPFLAGS SMOLMAKE_LDFLAGS SMOLMAKE_LDLIBS; do
		eval "[ -z \"\${$name+set}\" ] || set -- \"\$@\" \"$name=\$$name\""
	done
	exec env -i LC_ALL=C TZ=UTC SMOLMAKE_TEST_CLEAN=$$ "$@" sh "$0"
fi
unset SMOLMAKE_TEST_CLEAN name

case $0 in */*) top=${0%/*} ;; *) top=. ;; esac
top=$(cd "${SMOLMAKE_TEST_TOP:-$top/..}" && pwd -P) || exit 1
[ -e "$top/tests/lib.sh" ] || top=$(cd "$top/.." && pwd -P) # tests/long/
me=${0##*/}
me=${me%.sh}
tmp=$(mktemp -d "${SMOLMAKE_TEST_TMP:-/tmp}/$me.XXXXXX") || exit 1
tmp=$(cd "$tmp" && pwd -P) || exit 1
# Unique to this run of this script, and legal in an image's name: images named with it are this script's.
mine=${me%%-*}-$(printf %s "${tmp##*.}" | od -An -tx1 | tr -d ' \n')

HOME="$tmp/home of $me" TMPDIR=$tmp/tmp XDG_CACHE_HOME="$tmp/xdg cache" CACHE_DIR="$tmp/cache dir"
SMOLMAKE_TEST_ID=$tmp # in the environment of every process of this script: so the last one is found
SMOLVM=$top/tests/fake/smolvm FAKE_SMOLVM_LOG=$tmp/smolvm.log
export HOME TMPDIR XDG_CACHE_HOME CACHE_DIR SMOLMAKE_TEST_ID SMOLVM FAKE_SMOLVM_LOG
if [ -n "${SMOLMAKE_TEST_REGISTRY_IMAGE-}" ]; then
	export REGISTRY_IMAGE="$SMOLMAKE_TEST_REGISTRY_IMAGE"
fi
mkdir -p "$HOME" "$TMPDIR" || exit 1
out=$tmp/stdout err=$tmp/stderr rc= # what run_make leaves
tests=0 failures=0
umask 022

# --- Assertions. $tmp/.count has one byte per assertion: one that ran in a subshell is noticed at the end.
# What the assertions from here on are about: each title begins with it, and so stands alone.
topic() { # TEXT
	_topic=${1:+$1: }
}
_topic=''
_result() { # STATUS DESCRIPTION [DIRECTIVE]
	tests=$((tests + 1))
	printf . >>"$tmp/.count"
	[ "$1" = 0 ] || failures=$((failures + 1))
	[ "$1" = 0 ] && _not='' || _not='not '
	printf '%sok %d - %s%s\n' "$_not" "$tests" "$_topic$2" "${3:+ # $3}"
	[ "$1" = 0 ] || diag "$me: failed test $tests - $_topic$2"
	return "$1"
}
# Diagnostics: on stderr, since prove shows that and not the comments on stdout; '# ' keeps them from being taken for TAP.
diag() { printf '%s\n' "$@" | sed 's/^/# /' >&2; }
diag_file() { # NAME FILE
	if [ -s "$2" ]; then
		diag "$1:"
		tail -n 60 "$2" | sed 's/^/#   /' >&2
	else
		diag "$1: (empty)"
	fi
}

pass() { _result 0 "$1"; }
fail() { # DESCRIPTION [DIAGNOSTIC...]
	_result 1 "$1"
	shift
	[ $# = 0 ] || diag "$@"
	return 1
}

# The command's output is shown if the assertion fails; run_make's own is shown too.
_run() {
	"$@" >"$tmp/.log" 2>&1
	_rc=$?
}
_ran() {
	diag "command: $*" "exit status: $_rc"
	diag_file 'its output' "$tmp/.log"
	case $1 in
	run_make | finish_make) diag_file stdout "$out" && diag_file stderr "$err" ;;
	esac
	return 1
}

ok() { # DESCRIPTION COMMAND...
	_what=$1
	shift
	_run "$@"
	[ "$_rc" = 0 ] && _result 0 "$_what" && return
	_result 1 "$_what"
	_ran "$@"
}

# A "no", not a crash: neither 0, nor 126 and 127 (could not be run), nor 124 (ran into run_make's deadline), nor a signal.
must_fail() { # DESCRIPTION COMMAND...
	_what=$1
	shift
	_run "$@"
	case $_rc in
	0 | 12[4-9] | 1[3-9]? | 2??) _result 1 "$_what" ;;
	*) _result 0 "$_what" && return ;;
	esac
	diag 'expected: a plain failure'
	_ran "$@"
}

expect_code() { # DESCRIPTION STATUS COMMAND...
	_what=$1 _want=$2
	shift 2
	_run "$@"
	[ "$_rc" = "$_want" ] && _result 0 "$_what" && return
	_result 1 "$_what"
	diag "expected status: $_want"
	_ran "$@"
}

is() { # DESCRIPTION ACTUAL EXPECTED
	[ "$2" = "$3" ] && _result 0 "$1" && return
	_result 1 "$1"
	diag "expected: $3" "  actual: $2"
	return 1
}
isnt() { # DESCRIPTION ACTUAL UNEXPECTED
	[ "$2" != "$3" ] && _result 0 "$1" && return
	_result 1 "$1"
	diag "unexpected: $3"
	return 1
}
_matches() { printf '%s\n' "$1" | grep -Eq -e "$2"; }
like() { # DESCRIPTION TEXT ERE
	_matches "$2" "$3" && _result 0 "$1" && return
	_result 1 "$1"
	diag "expected a match of: $3" "text: $2"
	return 1
}
unlike() { # DESCRIPTION TEXT ERE
	_matches "$2" "$3" || { _result 0 "$1" && return; }
	_result 1 "$1"
	diag "expected no match of: $3" "text: $2"
	return 1
}
same() { # DESCRIPTION ACTUAL-FILE EXPECTED-FILE
	diff -u "$3" "$2" >"$tmp/.log" 2>&1 && _result 0 "$1" && return
	_result 1 "$1"
	diag_file 'expected (-), actual (+)' "$tmp/.log"
	return 1
}

# A step that the rest stands on: without it the script ends, failed.
must() { # COMMAND...
	_run "$@"
	[ "$_rc" = 0 ] && return
	fail "must: $*"
	_ran "$@"
	exit 1
}

# --- Skips. Under STRICT=1 only macOS-only and kernel-refused ones are allowed.
skip_kernel() { _result 0 "$1" "SKIP refused by the kernel: $2"; } # DESCRIPTION REASON
skip_macos() { _result 0 "$1" "SKIP macOS only: $2"; }
skip() { # DESCRIPTION REASON
	[ "${STRICT-}" = 1 ] || { _result 0 "$1" "SKIP $2" && return; }
	fail "$1" "STRICT=1 allows no skip: $2"
}
skip_all() { # REASON
	if [ "${STRICT-}" = 1 ]; then
		fail 'the script runs' "STRICT=1 allows no skip: $1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
need() { # TOOL...
	for _tool; do
		command -v -- "$_tool" >/dev/null 2>&1 || skip_all "$_tool is missing"
	done
}
need_engine() {
	[ -n "${SMOLMAKE_TEST_ENGINE-}" ] || skip_all 'no engine: run it by tests/run'
	_watch_engine
}
sanitized() { grep -q __asan_init "$top/cache/bin/image-id"; } # whether the helpers were compiled for check-long
# The engine may be filled and stopped: it is no user's. Other scripts run beside this one.
need_private() {
	[ "${SMOLMAKE_TEST_ENGINE-}" = private ] || skip_all 'needs a private engine (root on Linux)'
	_watch_engine
}
# An engine for this script alone, that it may kill: the script runs itself anew inside tests/run.
need_own_engine() {
	[ "${SMOLMAKE_TEST_ENGINE-}" = private ] || skip_all 'needs a private engine (root on Linux)'
	if [ "${SMOLMAKE_TEST_OWN-}" != "$0" ]; then
		_tmp=$tmp
		trap - EXIT
		rm -rf "$_tmp"
		unset SMOLMAKE_TEST_ID SMOLVM CACHE_DIR
		SMOLMAKE_TEST_OWN=$0 TMPDIR=${_tmp%/*} exec "$top/tests/run" -e private -x sh "$0"
	fi
	_watch_engine
}
stop_engine() { "$top/tests/engine" stop "$SMOLMAKE_TEST_DOCKERD_DIR" && _watch_pid=; }
kill_engine() { "$top/tests/engine" kill "$SMOLMAKE_TEST_DOCKERD_DIR" && _watch_pid=; }
start_engine() { env -u SMOLMAKE_TEST_ID "$top/tests/engine" start "$SMOLMAKE_TEST_DOCKERD_DIR" && _watch_engine; }

done_testing() {
	[ "$tests" -gt 0 ] || fail 'there is at least one test'
	[ "$(wc -c <"$tmp/.count")" -eq "$tests" ] || fail 'no assertion runs in a subshell'
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}

# --- Made-up machines: a folder that is all of PATH.
# A stand-in replaces what has its name: written in place it would go through a borrowed link, into the machine's own tool.
fake_program() { # FILE SCRIPT-TEXT
	printf '#!/bin/sh\n%s\n' "$2" >"$1.new" && chmod +x "$1.new" && mv -f "$1.new" "$1"
}
borrow_tools() { # FOLDER TOOL...: links to this machine's tools
	_folder=$1
	shift
	for _tool; do
		ln -s "$(command -v "$_tool")" "$_folder/$_tool" || return
	done
}

# --- Waiting: never longer than said.
wait_for() { # CONDITION SECONDS
	_end=$(($(date +%s) + $2))
	until eval "$1"; do
		[ "$(date +%s)" -le "$_end" ] || { diag "waited $2 s for: $1" && return 1; }
		sleep 0.05
	done
}

# --- Processes of this script: everything it started has SMOLMAKE_TEST_ID in its environment, however it was orphaned.
processes() { # prints their ids
	if [ -r /proc/self/environ ]; then
		# neither the grep nor the sed is ours
		# shellcheck disable=SC2016
		env -u SMOLMAKE_TEST_ID sh -c 'grep -lzFx -e "$1" /proc/[0-9]*/environ 2>/dev/null | sed "s,/proc/\([0-9]*\)/.*,\1,"' sh "SMOLMAKE_TEST_ID=$tmp"
	else
		pgrep -P $$
	fi
}
# Not a zombie: a container's or a namespace's init may be slow to reap orphans.
alive() { # PID
	kill -0 "$1" 2>/dev/null || return
	case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac
}
_kill_processes() {
	_round=0
	while _pids=$(processes) && [ -n "$_pids" ] && [ $_round -lt 40 ]; do
		[ $_round -lt 20 ] && _signal=TERM || _signal=KILL
		# shellcheck disable=SC2086 # a list
		kill -s $_signal $_pids 2>/dev/null
		sleep 0.05
		_round=$((_round + 1))
	done
}

_cleanup() {
	trap - EXIT
	trap '' INT TERM HUP
	[ -z "$_watch_pid" ] || kill "$_watch_pid" 2>/dev/null
	_kill_processes
	if [ "${SMOLMAKE_TEST_ENGINE-}" = current ] || { [ -z "${SMOLMAKE_TEST_ENGINE-}" ] && [ -e "$tmp/.images" ]; }; then
		_remove_from_engine
	fi
	if [ "${KEEP-}" = 1 ]; then
		diag "kept: $tmp"
		return
	fi
	cd / || return
	rm -rf "$tmp" 2>/dev/null || { chmod -R u+rwx "$tmp" && rm -rf "$tmp"; }
}
_watch_pid=
trap '_cleanup' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- make
run_make() { # ARGS...: stdout in $out, stderr in $err, the status in $rc and returned; 124 = took longer than $make_deadline
	_deadline "${make_deadline:-120}" "$top/tests/make" --no-print-directory -C "$top" "$@" >"$out" 2>"$err"
	rc=$?
	return "$rc"
}
# A make does not wait long for a slow engine to remove what dead runs have left; the next one goes on with it.
run_make_until() { # CONDITION ARGS...: until the condition holds, a minute at most; the last one's status in $rc and returned
	_condition=$1 _until=$(($(date +%s) + 60))
	shift
	while run_make "$@" && ! eval "$_condition" && [ "$(date +%s)" -lt "$_until" ]; do
		sleep 0.2
	done
	return "$rc"
}
_deadline() { # SECONDS COMMAND...
	if command -v timeout >/dev/null 2>&1; then
		timeout -k 10 "$@"
	else
		shift && "$@"
	fi
}
told() { grep -v '^  CACHED ' "$err"; } # what the last make has said, but that a machine was there
# In the background and in a session of its own, so that -"$make_pid" is its process group; SIGINT as a terminal would leave it.
start_make() { # ARGS...
	env --default-signal=INT,QUIT setsid "$top/tests/make" --no-print-directory -C "$top" "$@" \
		>"$out" 2>"$err" </dev/null &
	make_pid=$!
}
finish_make() { # SECONDS: its status in $rc and returned; 124 = it took longer and was killed, with all its group
	rm -f "$tmp/.overdue"
	: >"$tmp/.running"
	(wait_for "[ ! -e '$tmp/.running' ]" "$1" || { : >"$tmp/.overdue" && kill -s KILL -- "-$make_pid"; }) 2>/dev/null &
	_watchdog=$!
	wait "$make_pid" 2>/dev/null
	rc=$?
	rm -f "$tmp/.running"
	wait "$_watchdog" 2>/dev/null
	[ ! -e "$tmp/.overdue" ] || rc=124
	return "$rc"
}

# --- Images. Names and contents are this script's own, so that scripts side by side never share an ID.
# sets $image and $context; the lines are added to the Dockerfile
make_context() { # NAME [DOCKERFILE LINE...]
	image=smolmake-test/$1-$mine:latest
	context=$tmp/context/$1
	mkdir -p "$context/root/bin" "$context/root/etc" || return
	shift
	_busybox "$context/root/bin/busybox" || return
	ln -sf busybox "$context/root/bin/sh" || return
	printf '%s\n' "$image" >"$context/root/etc/name"
	# One layer, unlike any other's: two builds at once of the same step would each find the other's later, and get another ID.
	printf '%s\n' 'FROM scratch' 'COPY root /' "$@" >"$context/Dockerfile"
}
make_image() { # NAME [DOCKERFILE LINE...]
	make_context "$@" && _build
}
# one more line in the Dockerfile of $context: another ID under the same name
change_image() { # DOCKERFILE LINE
	printf '%s\n' "$1" >>"$context/Dockerfile" && _build
}
_build() {
	for _ in 1 2 3; do
		DOCKER_BUILDKIT=0 docker build -q -t "$image" "$context" >"$tmp/.build" 2>&1 && {
			# the name goes to the next build of it, the ID stays
			tail -n 1 "$tmp/.build" >>"$tmp/.images"
			return
		}
		# Docker 20.10 looks through all images of the same parent, and stumbles over one that another script removes meanwhile
		# (image/cache/cache.go, getLocalCachedImage).
		grep -q 'unable to find image "sha256:' "$tmp/.build" || break
	done
	diag_file 'docker build' "$tmp/.build"
	return 1
}
_busybox() { # FILE: a small program for images; where the machine has no static Linux one, some bytes do
	cp /bin/busybox "$1" 2>/dev/null || cp /usr/bin/busybox "$1" 2>/dev/null || printf 'not a program\n' >"$1"
}

# --- What the engine was asked for. Scripts share an engine, so everything is told apart by $CACHE_DIR (label) or $mine (name).
# The events say which volumes belonged to our containers: no label on them does.
_watch_engine() {
	env -u SMOLMAKE_TEST_ID docker events --filter type=container --filter type=volume \
		--format '{{.Type}} {{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "container"}} {{index .Actor.Attributes "smolmake.cache"}}' \
		>>"$tmp/.events" 2>/dev/null &
	_watch_pid=$!
}
containers() { # of this script, running or not: their ids
	docker ps -aq --no-trunc --filter "label=smolmake.cache=$CACHE_DIR"
}
volumes() { # that containers of this script had and that are still there
	[ -e "$tmp/.events" ] || return 0
	docker volume ls -q >"$tmp/.volumes" || return
	awk -v cache="$CACHE_DIR" '
		FILENAME ~ /volumes$/ { there[$0] = 1; next }
		$1 == "container" && $2 == "create" && substr($0, index($0, $3) + length($3) + 2) == cache { ours[$3] = 1 }
		$1 == "volume" && $2 == "mount" { of[$3] = $4 }
		END { for (v in of) if (of[v] in ours && v in there) print v }
	' "$tmp/.volumes" "$tmp/.events"
}
tags() { # on a loopback host that name an image of this script, or an ID of its cache
	docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E '^(127\.|localhost[:/]|\[::1\])' >"$tmp/.tags"
	grep -F -e "$mine" "$tmp/.tags"
	for _f in "$CACHE_DIR"/*.json; do
		[ ! -e "$_f" ] || { _f=${_f##*/} && grep -E ":${_f%%[-.]*}\$" "$tmp/.tags"; }
	done
	return 0
}
run_folders() { [ ! -d "$CACHE_DIR/.run" ] || find "$CACHE_DIR/.run" -mindepth 1; }
# Also half-published things: whatever in CACHE_DIR is neither an artifact nor a lock.
_left() {
	containers | sed 's/^/container /'
	volumes | sed 's/^/volume /'
	tags | sort -u | sed 's/^/tag /'
	run_folders | sed 's/^/run folder /'
	for _pid in $(processes); do
		echo "process $_pid: $(tr '\0' ' ' <"/proc/$_pid/cmdline" 2>/dev/null)"
	done
}
assert_nothing_left() { # DESCRIPTION [SECONDS to wait for it; default 0]
	_end=$(($(date +%s) + ${2-0}))
	while _left >"$tmp/.left" && [ -s "$tmp/.left" ] && [ "$(date +%s)" -lt "$_end" ]; do
		sleep 0.1
	done
	[ ! -s "$tmp/.left" ] && _result 0 "$1" && return
	_result 1 "$1"
	diag_file 'left behind' "$tmp/.left"
	return 1
}
_remove_from_engine() {
	containers | while read -r _id; do docker rm -fv "$_id"; done >/dev/null 2>&1
	tags | sort -u | while read -r _ref; do docker rmi "$_ref"; done >/dev/null 2>&1
	[ ! -e "$tmp/.images" ] || sed "1!G;h;\$!d" "$tmp/.images" | while read -r _ref; do docker rmi -f "$_ref"; done >/dev/null 2>&1
}
