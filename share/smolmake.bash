# shellcheck shell=bash
# bash completion for smolmake: goals, settings and what they may be, options, the engine's images.
_smolmake() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} name='' goals settings values images
	goals='list describe verify prune pin unpin stats report graph explain smolmachines image-id doctor help help-all'
	settings='IMAGE= IMAGES= CONTEXT= DOCKERFILE= TARGET= BUILD_ARGS= NO_CACHE= PULL= SECRET= SSH= IMAGES_FILE= ONLY= CPUS= MEM= ENTRYPOINT=
		SMOLFILE= PLATFORM= OUT= CACHE_DIR= DOCKER= SMOLVM= PACK= ROUTE= FORCE= SQUASH= CACHE_MAX= STORE_MAX= REGISTRY_IMAGE=
		REGISTRY_HOST= BUILD_TIMEOUT= PUSH_TIMEOUT= PACK_TIMEOUT= TOOL_TIMEOUT= REGISTRY_TIMEOUT= PACK_JOBS= PROGRESS= TRACE= V=
		SETUP_SMOLVM= PREFIX= DESTDIR= FORMAT= REPORT= GRAPH= DOCTOR= FILE= KEEP= DAYS= MAX='
	values='PACK=auto PACK=native PACK=smolvm ROUTE=auto ROUTE=push ROUTE=direct ROUTE=archive FORCE=1 SQUASH=0 SQUASH=1 PROGRESS=json V=0 V=1
		V=2 SETUP_SMOLVM=pypi FORMAT=json DOCTOR=json'
	# bash cuts a word at each '='
	if [[ $word == '=' ]]; then
		name=$before word=''
	elif [[ $before == '=' ]]; then
		name=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	images=$("${DOCKER:-docker}" image ls --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')
	case $name in
	'')
		if [[ $before == -C ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "$word")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W "$goals $settings -C -j -k -n -s --help --version $images" -- "$word")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		;;
	IMAGE | IMAGES) mapfile -t COMPREPLY < <(compgen -W "$images" -- "$word") ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$name=$word")
		COMPREPLY=("${COMPREPLY[@]#*=}")
		if [[ " $values" != *[[:space:]]"$name="* ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		;;
	esac
	if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -F _smolmake smolmake
