# shellcheck shell=bash
# bash completion for smolmake: goals, settings, options, the engine's images.
_smolmake() {
	local word=${COMP_WORDS[COMP_CWORD]} goals settings images
	goals='list describe verify prune pin unpin stats report graph explain smolmachines image-id doctor help'
	settings='IMAGE= IMAGES= CONTEXT= DOCKERFILE= TARGET= BUILD_ARGS= NO_CACHE= PULL= SECRET= SSH= IMAGES_FILE= ONLY= CPUS= MEM= ENTRYPOINT=
		SMOLFILE= PLATFORM= OUT= CACHE_DIR= DOCKER= SMOLVM= PACK= ROUTE= FORCE= SQUASH= CACHE_MAX= STORE_MAX= REGISTRY_IMAGE= REGISTRY_HOST=
		BUILD_TIMEOUT= PUSH_TIMEOUT= PACK_TIMEOUT= TOOL_TIMEOUT= REGISTRY_TIMEOUT= PACK_JOBS= PROGRESS= TRACE= V= SETUP_SMOLVM= PREFIX=
		DESTDIR= FORMAT= REPORT= GRAPH= DOCTOR= FILE= KEEP= DAYS= MAX='
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
