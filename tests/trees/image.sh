# shellcheck shell=sh disable=SC2154 # top, work, programs, started and weights come from run, by the environment
# image.sh: images at random, each beside the one layer that flatten-image makes of it. Sourced by run; as a program it tries
# the images of the seeds that it is given. A line of $work/verdicts is said of each: SEED VERDICT, where the verdict is
#	same            the tree is the engine's
#	as-expected     what nobody may take: neither the engine nor flatten-image did
#	different       ... and what differs is in $work/SEED.report
#	refused         flatten-image refuses what the engine takes; its line is in $work/SEED.report
#
# What is left for the routes, in $work/SEED: id (of the config), flat.id (of the flattened one's), diff-ids, savable.
. "$top/tests/fake/exports.sh"
# shellcheck source=tests/sidecar.sh
. "$top/tests/sidecar.sh"

said() { sed -n "s/^# $1 //p" description; } # KEY

# Both archives: as whoever exports it has it, and as the engine takes it (which knows no zstd before 23).
write_archives() {
	coding=$(said coding) padding=$(said padding) count=0 names='' layers=''
	while [ -e $((count + 1)).tar ]; do
		count=$((count + 1)) names="$names $count.tar" blob=$count.tar
		case $coding in
		gzip) gzip -nc1 $count.tar >$count.blob && truncate -s "+$padding" $count.blob && blob=$count.blob ;;
		zstd) zstd -qc1 $count.tar >$count.blob && blob=$count.blob ;;
		esac || return
		layers="$layers${layers:+,}\"$blob\""
	done
	# shellcheck disable=SC2086 # numbers
	sha256sum $names | cut -c1-64 >diff-ids
	awk 'BEGIN { printf "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/x\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" }
		{ printf "%s\"sha256:%s\"", (NR > 1 ? "," : ""), $0 }
		END { printf "]}}" }' diff-ids >config || return
	id=$(sha256sum config) && id=${id%% *}
	echo "sha256:$id" >id
	mv config "$id.json"
	printf '[{"Config":"%s.json","RepoTags":["trees:%s"],"Layers":[%s]}]' "$id" "$1" "$layers" >manifest.json
	tar -cf ours.saved -- *.tar *.blob "$id.json" manifest.json 2>/dev/null || tar -cf ours.saved -- *.tar "$id.json" manifest.json || return
	case $coding:$padding in
	zstd:* | gzip:[1-9]*) # nor zeros behind gzip
		printf '[{"Config":"%s.json","RepoTags":["trees:%s"],"Layers":[%s]}]' "$id" "$1" \
			"$(printf %s "$layers" | sed 's/blob/tar/g')" >manifest.json
		tar -cf engine.saved -- *.tar "$id.json" manifest.json
		;;
	*) ln ours.saved engine.saved ;;
	esac
}

# What the engine has extracted: the layers' folders as they lie there, merged by the kernel as for a container. 'docker export'
# and 'docker cp' would show a container's own files beside them, and write them as a tar again.
mount_image() { # UPPER-FOLDER FOLDER
	_of=${1%/diff}
	_lower=$(cat "$_of/link") && _lower=l/$_lower:$(cat "$_of/lower" 2>/dev/null || echo "$work/empty") || return
	mkdir -p "$2" && (cd "${_of%/*}" && mount -t overlay overlay -o "ro,lowerdir=$_lower" "$2")
}
list_mounted() { # UPPER-FOLDER LIST
	mount_image "$1" "$PWD/mounted" || return
	"$programs/list-tree" mounted >"$2"
	_rc=$?
	umount mounted
	return $_rc
}
# Folders that the layers do not describe have the time of their extraction: no image says one.
compare() { # TRUTH FOUND: sorted lists
	awk -v now="$started" '
		FNR == NR { if ($2 == "d" && $5 + 0 >= now) { unset[$1] = 1; $5 = "?" } print >(ARGV[1] ".said"); next }
		{ if ($2 == "d" && unset[$1]) $5 = "?"; print >(ARGV[2] ".said") }' "$1" "$2" &&
		diff -U0 "$1.said" "$2.said" >differing
}

by_engine() {
	# shellcheck disable=SC2046 # two lines
	set -- $(docker image inspect --format '{{.GraphDriver.Data.UpperDir}}' "$(cat id)" "$(cat flat.id)")
	[ $# = 2 ] || return
	list_mounted "$1" truth && list_mounted "$2" found || return
	# its own, whatever the layers say
	sed -i 1d truth found
	compare truth found
}
by_umoci() {
	mkdir plain && mv ./*.tar plain && true_tree "$PWD/umoci" "$PWD/plain" && mkdir flat || return
	tar -xOf flat.saved --wildcards '*/layer.tar' | tar -xpf - -C flat --numeric-owner --xattrs --xattrs-include='*' &&
		"$programs/list-tree" umoci/rootfs >truth && "$programs/list-tree" flat >found || return
	grep -q '^dir [.]/ ' description || sed -i 1d truth found
	compare truth found
}

layer_is_truth() { # SIDECAR: in the folder of its seed
	assets_of "$1" machine && mkdir machine/root &&
		tar -xpf machine/layers/*.tar -C machine/root --delay-directory-restore --numeric-owner --xattrs --xattrs-include='*' &&
		"$programs/list-tree" machine/root >found && sed -i 1d found &&
		# in an artifact pipes and devices are empty files, and each name of a symlink is one
		awk '{ if ($2 == "l") sub(/ same=[^ ]*/, ""); if ($2 ~ /^[pcb]$/) { $2 = "-"; sub(/ dev=[0-9,]*/, ""); $5 = $5 " size=0 crc=00000000" } print }' truth >truth.files &&
		compare truth.files found
	_rc=$?
	rm -rf machine
	return $_rc
}

verdict() { # SEED VERDICT [FILE...]
	_seed=$1 _verdict=$2
	shift 2
	[ $# = 0 ] || {
		echo "--- seed $_seed: $_verdict"
		for _file; do [ ! -s "$_file" ] || { echo "$_file:" && head -n 30 "$_file"; }; done
		echo 'description:'
		cat description
	} >"$work/$_seed.report"
	echo "$_seed $_verdict" >>"$work/verdicts"
}

# Every image by itself; nothing here waits for another.
try_image() { # SEED
	mkdir "$work/$1" && cd "$work/$1" || return
	# shellcheck disable=SC2086 # options
	{ "$programs/random-layers" $weights "$1" >description && "$programs/make-layers" . <description && write_archives "$1"; } || {
		verdict "$1" different description
		return
	}
	refused=$(said refused) truth=$(said truth)
	"$programs/flatten-image" -t "$TMPDIR" -o flat.saved <ours.saved >flat.id 2>flat.err && taken=yes || taken=
	if [ "$truth" = engine ]; then
		docker load -q -i engine.saved >load.out 2>load.err && loaded=yes || loaded=
	fi
	if [ -n "$refused" ]; then
		[ -z "$loaded$taken" ] && [ "$(wc -l <flat.err)" = 1 ] && verdict "$1" as-expected && return
		echo "meant to be refused ($refused); taken by ${loaded:+the engine }${taken:+flatten-image}" >wrong
		verdict "$1" different wrong flat.err load.err
	elif [ -z "$taken" ]; then
		verdict "$1" refused flat.err load.err
	elif [ "$truth" = umoci ]; then
		by_umoci 2>umoci.err && verdict "$1" same && return
		verdict "$1" different umoci.err differing
	elif [ -z "$loaded" ]; then
		echo 'the engine refuses it, and the generator did not mean that' >wrong
		verdict "$1" different wrong load.err
	elif ! docker load -q -i flat.saved >load.out 2>load.err || ! by_engine 2>list.err; then
		verdict "$1" different load.err list.err differing
	elif docker save "$(cat id)" >saved 2>save.err; then
		"$programs/flatten-image" -t "$TMPDIR" -o flat.saved <saved >again.id 2>again.err
		cmp flat.id again.id >differing 2>&1 || { verdict "$1" different again.err differing && return; }
		verdict "$1" same
		echo "$1" >savable
	else
		verdict "$1" same
	fi
}
if [ "${0##*/}" = image.sh ]; then
	for seed; do
		(try_image "$seed")
		[ -e "$work/$seed.report" ] || : >"$work/$seed/tried"
		rm -f "$work/$seed"/*.saved "$work/$seed/saved" "$work/$seed"/*.blob "$work/$seed"/*.tar
		rm -rf "$work/$seed/plain" "$work/$seed/flat" "$work/$seed"/umoci*
	done
fi
