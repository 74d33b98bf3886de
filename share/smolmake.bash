# shellcheck shell=bash
# bash completion for smolmake: goals, settings, options, the engine's images.
_smolmake() {
	local word=${COMP_WORDS[COMP_CWORD]} goals settings images
	goals='list describe verify prune pin unpin stats explain smolmachines image-id doctor help'
	settings='IMAGE= IMAGES= CONTEXT= DOCKERFILE= TARGET= BUILD_ARGS= IMAGES_FILE= CPUS= MEM= ENTRYPOINT= SMOLFILE= PLATFORM= OUT= CACHE_DIR=
		DOCKER= SMOLVM= ROUTE= PACK= FORCE= SQUASH= STORE_MAX= CACHE_MAX= PROGRESS= V= FORMAT= FILE= KEEP= DAYS= MAX='
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -C ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
	fi
	images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')
	mapfile -t COMPREPLY < <(compgen -W "$goals $settings -C -j -k -n -s --help --version $images" -- "$word")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
	if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -F _smolmake smolmake
