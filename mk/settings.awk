# settings.awk - mk/settings, then a file: that file, with the settings in it as the table has them.
#
# form: everyday (the table of README), rows (that of docs/reference.md), manual (mdoc, between the line `.\" settings` and the end of
# its list), bash and zsh (the assignments to `settings`, the names, and to `values`, what some of them may be).

# The list, and one more word; a line of it is at most 130 long.
function add_word(list, word) {
	if (length(list) - last_break(list) + length(word) > 130)
		return list "\n\t\t" word
	return list (list == "" ? "" : " ") word
}
function last_break(list) {
	return match(list, /\n[^\n]*$/)
}
function assignment(name) {
	return name == "settings" ? names : values
}

NR == FNR && /^(run|goal|test):/ {
	place = $1
	sub(/:.*/, "", place)
	name = $1
	sub(/.*:/, "", name)
	text = $0
	sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", text)
	cell = cell (cell == "" ? "" : ", ") "`" name "`"
	if ($2 == "every")
		everyday = everyday "| `" name "` | " text " |\n"
	if (place != "test") {
		items = items ".It Ev " name "\n" toupper(substr(text, 1, 1)) substr(text, 2) ".\n"
		names = add_word(names, name "=")
		if (sub(/^one:/, "", $3)) {
			count = split($3, choices, "|")
			for (n = 1; n <= count; n++)
				values = add_word(values, name "=" choices[n])
		}
	}
}
NR == FNR && /^= / {
	sub(/^= /, "")
	bar = index($0, "| ")
	row = row "| " cell " |" (bar > 1 ? " " substr($0, 1, bar - 2) : "") " | " substr($0, bar + 2) " |\n"
	cell = ""
}
NR == FNR { next }

# What stands there until the end of the old part goes.
skipping && ((form == "rows" || form == "everyday") && !/^\|/ || form == "manual" && /^\.El/) { skipping = 0 }
skipping {
	if (form == "bash" && /'$/ || form == "zsh" && /\)$/)
		skipping = 0
	next
}
form == "rows" && /^\| name \| default \| meaning \|/ {
	print
	print "|---|---|---|"
	printf "%s", row
	skipping = 1
	next
}
form == "everyday" && /^\| name \| what it is \|/ {
	print
	print "|---|---|"
	printf "%s", everyday
	skipping = 1
	next
}
form == "manual" && /^\.\\" settings/ {
	print
	print ".Bl -tag -width REGISTRY_TIMEOUT"
	printf "%s", items
	skipping = 1
	next
}
form == "bash" && /^\t(settings|values)='/ {
	name = $1
	gsub(/^\t|=.*/, "", name)
	print "\t" name "='" assignment(name) "'"
	sub(/^[^']*'/, "")
	skipping = !/'$/
	next
}
form == "zsh" && /^(settings|values)=\(/ {
	name = $1
	sub(/=.*/, "", name)
	print name "=(" assignment(name) ")"
	skipping = !/\)$/
	next
}
{ print }
