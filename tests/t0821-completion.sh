#!/bin/sh
# t0821-completion: what bash and zsh complete behind `smolmake`, typed on a terminal (no engine needed).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
need tmux bash zsh

# An engine with two images, and a folder with files.
mkdir -p "$tmp/bin" "$tmp/here/context" "$tmp/here/only-a-file.d"
: >"$tmp/here/only-a-file"
cat >"$tmp/bin/docker" <<'END'
#!/bin/sh
[ "$1 $2" = 'image ls' ] && printf '%s\n' agent:latest quirky:v2 '<none>:<none>'
END
chmod +x "$tmp/bin/docker"
tmux_here() { tmux -S "$tmp/tmux" -f /dev/null "$@"; }
screen() { tmux_here capture-pane -p -J -t shell | sed 's/ *$//'; }
type_keys() { tmux_here send-keys -t shell "$@"; }
shows() { screen | grep -qE "$1"; }

# What stands behind `smolmake ` when WORDS and a tab (or several) were typed: a letter marks the end.
completes() { # DESCRIPTION WORDS EXPECTED [TABS]
	type_keys C-u
	type_keys -l "smolmake $2"
	tabs=${4:-1}
	while [ "$tabs" -gt 0 ]; do
		type_keys Tab
		tabs=$((tabs - 1))
	done
	type_keys -l Z
	wait_for "shows '^% smolmake .*Z$'" 10 || diag "$(screen)"
	is "$1" "$(screen | sed -n 's/^% smolmake //p' | tail -n 1)" "$3Z"
}
offers() { # DESCRIPTION WORDS EXPECTED: the words below the line
	type_keys C-u
	type_keys C-l
	type_keys -l "smolmake $2"
	type_keys Tab
	sleep 0.2 # two tabs at once could be taken for one that repeats
	type_keys Tab
	ok "$1" wait_for "shows '$3'" 10
	type_keys C-c
}

for shell in bash zsh; do
	topic "$shell"
	case $shell in
	bash) printf "PS1='%% '; . '%s'\n" "$top/share/smolmake.bash" >"$tmp/rc" ;;
	zsh)
		mkdir -p "$tmp/zsh"
		printf "PS1='%%%% '; fpath=('%s' \$fpath); autoload -U compinit; compinit -u -d '%s/dump'\n" "$top/share" "$tmp/zsh" >"$tmp/zsh/.zshrc"
		;;
	esac
	{
		printf "export PATH='%s':\$PATH ZDOTDIR='%s' TERM=tmux-256color HOME='%s'\ncd '%s'\n" "$tmp/bin" "$tmp/zsh" "$tmp" "$tmp/here"
		[ $shell = zsh ] && echo 'exec zsh -i' || echo "exec bash --noprofile --rcfile '$tmp/rc' -i"
	} >"$tmp/session"
	tmux_here new-session -d -s shell -x 100 -y 30 "sh '$tmp/session'"
	must wait_for "shows '^%'" 20
	completes 'a goal' 'desc' 'describe '
	completes 'a setting, which its value follows' 'CACHE_D' 'CACHE_DIR='
	completes 'what a setting may be' 'PACK=n' 'PACK=native '
	completes '... where there is one' 'PROGRESS=' 'PROGRESS=json '
	completes 'an image' 'quir' 'quirky:v2 '
	completes '... of IMAGE' 'IMAGE=quir' 'IMAGE=quirky:v2 '
	completes 'a file' 'FILE=only-a-file' 'FILE=only-a-file'
	completes 'a folder' '-C cont' '-C context/'
	completes 'what is no word of it' 'xyzzy' 'xyzzy'
	offers 'several choices' 'ROUTE=' 'archive +auto +direct +push'
	tmux_here kill-session -t shell
done
done_testing
