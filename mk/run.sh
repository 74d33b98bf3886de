#!/bin/sh
# run.sh GOAL - one run of smolmake: all builds, then all packs, then the answer on stdout.
#
# Runs under with-run: CACHE_DIR/$RUN is ours and goes with us. The IDs that name the
# targets of the second graph are known only when the first is done, so there are two.
set -u
goal=$1
run=$CACHE_DIR/$RUN
rc=0
run_by=
. "$TOP/mk/answer.sh"
# -e is no matter of the makefiles below: a `tag` of the environment would stand in for theirs.
letters=${MAKEFLAGS%%[ -]*}
case $letters in *e*) MAKEFLAGS=${letters%%e*}${letters#*e}${MAKEFLAGS#"$letters"} ;; esac

machines() { # machines FLAG... : the second graph, for the keys in $keys
	targets=
	for key in $keys; do targets="$targets $key.smolmachine.smolmachine"; done
	# shellcheck disable=SC2086 # targets and flags are words
	$run_by "$MAKE" "$@" -C "$CACHE_DIR" -f "$TOP/mk/machine.mk" $targets >&2
}

give_up() { # after a failure: under -k the other images are finished first
	[ "$rc" = 0 ] || [ -n "$KEEP_GOING" ] || exit "$rc"
}

# Called below by with-lock, once for each batch of keys that it could lock: what is there
# by now is taken, what is not is packed beside one registry.
if [ "$goal" = pack ]; then
	keys=$LOCKED
	# shellcheck disable=SC2086
	"$BIN/find-machines" -- $keys || exit
	missing=
	for key in $keys; do
		[ -e "$CACHE_DIR/$key.smolmachine.smolmachine" ] || missing=1
		[ ! -e "$run/$key.renew" ] || missing=1
	done
	[ -n "$missing" ] || exit 0
	export keys
	cd "$CACHE_DIR" || exit
	"$BIN/with-deadline" -n pack -i "$keys" -t TOOL_TIMEOUT -l "$RUN/smolvm.log" -o "$RUN/smolvm" "$SMOLVM" --version || exit
	faults=$("$BIN/smolvm-faults" <"$RUN/smolvm")
	export faults
	case $SQUASH:$faults in 0:*merge*)
		read -r version <"$RUN/smolvm"
		printf 'warning: SQUASH=0: %s brings deleted files of an image with several layers back\n' "$version" >&2
		;;
	esac
	# shellcheck disable=SC2086
	way=$("$BIN/choose-route" -- $keys) || exit
	export ROUTE=push
	if [ "$way" = container ]; then
		export REGISTRY_IMAGE="${REGISTRY_IMAGE:-$DEFAULT_REGISTRY}"
		exec "$BIN/with-container" "$TOP/mk/run.sh" pack-now
	fi
	# A registry of our own: compressed as this smolvm takes it, for these images and no others.
	case $faults in *gzip*) coding=gzip ;; *) coding=zstd ;; esac
	if [ "$way" = direct ]; then
		ROUTE=direct
		[ $coding != zstd ] || coding=early # no layer waits for its turn
		set -- -t "$CACHE_DIR/$RUN"
		# which would merge several layers wrongly
		case $SQUASH:$faults in 1:* | :*merge*) set -- "$@" -s ;; esac
	else
		set --
	fi
	set -- "$@" -c $coding
	for key in $keys; do
		read -r id repo config <"$RUN/$key.image"
		name=$repo:${key%%-*}
		case " $* " in *" $name="*) continue ;; esac # another packing of the same image
		set -- "$@" "$name=$config,$id"
	done
	case $way in direct) helper=serve-image ;; *) helper=with-store ;; esac
	case $KEEP_GOING:$way:$keys in ?*:direct:*' '*) ;; *) exec "$BIN/$helper" "$@" -- "$TOP/mk/run.sh" pack-now ;; esac
	# Under -k an image that cannot be served, which is 1, does not take the others with it: each is tried alone then.
	"$BIN/$helper" "$@" -- "$TOP/mk/run.sh" pack-now
	rc=$?
	[ $rc = 1 ] || exit $rc
	for key in $keys; do
		rm -f "$RUN/$key.failed"
		LOCKED=$key "$TOP/mk/run.sh" pack
	done
	exit $rc
fi
if [ "$goal" = pack-now ]; then
	cd "$CACHE_DIR" || exit
	# shellcheck disable=SC2154 # exported above
	[ "$ROUTE" = direct ] || case $SQUASH:$faults in
	1:* | :*merge*)
		for key in $keys; do
			read -r id _ <"$RUN/$key.image"
			"$BIN/with-deadline" -n inspect -i "$key" -t TOOL_TIMEOUT -l "$RUN/$key.log" -o "$RUN/$key.layers" \
				"$DOCKER" image inspect --format '{{len .RootFS.Layers}}' "$id" || [ -n "$KEEP_GOING" ] || exit
			layers=
			read -r layers <"$RUN/$key.layers"
			[ "$layers" = 1 ] || : >"$RUN/$key.flat" # also where that is not known
		done
		;;
	esac
	run_by='exec' # so that with-container's end is make's
	# shellcheck disable=SC2086 # none or one
	machines $TRACE
fi

# What is wanted, and whether it can be.
if [ "$goal" = smolmachines ]; then
	"$TOP/mk/images.sh" "$run/wishes" || exit
	goals=$("$BIN/plan-images" -f "$run/wishes") || exit
else
	goals=$("$BIN/plan-images") || exit
fi

# A machine that is there needs no smolvm, so only a build, which takes its time, is begun with a warning.
case $goal:$goals in smol*.built*)
	command -v -- "$SMOLVM" >/dev/null ||
		printf "warning: SMOLVM: '%s' is not installed, and a new image cannot be packed without it; get it from %s, or give SMOLVM=<path>\n" \
			"$SMOLVM" https://github.com/smol-machines/smolvm >&2
	;;
esac

# The first graph: each image built, or found, and identified.
# shellcheck disable=SC2086
"$MAKE" $TRACE -C "$CACHE_DIR" -I "$TOP" -f "$TOP/mk/image.mk" $goals >&2 || rc=$?
give_up

if [ "$goal" = image-id ]; then
	while read -r slug; do
		[ ! -e "$run/$slug.id" ] || "$BIN/image-id" -f "$run/$slug.id" || exit
	done <"$run/images"
	exit $rc
fi

# The second graph. A hit is an up-to-date target, and Make says so; only for the others are
# locks taken and a registry started.
keys=$("$BIN/find-machines") || exit
if [ -n "$keys" ] && ! machines -q 2>/dev/null; then
	set --
	for key in $keys; do set -- "$@" "$CACHE_DIR/.lock/$key"; done
	"$BIN/with-lock" -f ${KEEP_GOING:+-k} -m "${IMAGES:-$IMAGE}" "$@" -- "$TOP/mk/run.sh" pack || rc=$?
	give_up
fi

trap '' PIPE # an answer that nobody takes is told as one that cannot be written
while read -r slug; do
	[ -e "$run/$slug.key" ] || continue
	read -r key <"$run/$slug.key"
	[ -e "$CACHE_DIR/$key.smolmachine.smolmachine" ] || continue
	[ ! -e "$run/$key.renew" ] || continue # its pack has failed
	[ -z "$OUT" ] || "$BIN/copy-machine" -- "$key" "$OUT" || rc=$?
	answer "$CACHE_DIR/$key.smolmachine.smolmachine" "the machine is there: '$CACHE_DIR/$key.smolmachine.smolmachine'"
done <"$run/images"
finish $rc
