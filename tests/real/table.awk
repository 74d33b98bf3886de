# table.awk: rows of a table of versions by cells. First the old table (a Markdown file; its other lines are passed over), then lines
# VERSION CELL ok|FAIL|skip SECONDS of what was run now. -v cells: the columns; known: the versions, in their order; when: of this run.
#
# The column `run` says when: "A; CELLS: B; ..." is A but for those cells.
BEGIN { columns = split(cells, column, " "); versions = split(known, order, " ") }
{ file = FILENAME == ARGV[1] ? 1 : 2 }
file == 1 && /^\| smolvm / { old = split($0, title, / *\| */) }
file == 1 && /^\| [0-9]/ {
	split($0, field, / *\| */)
	version = field[2]
	there[version] = 1
	for (i = 4; i < old; i++) if (field[i] != "-") is[version, title[i]] = field[i]
	parts = split(field[3], part, /; */)
	for (i = 1; i <= columns; i++) at[version, column[i]] = part[1]
	for (i = 2; i <= parts; i++) {
		names = substr(part[i], 1, index(part[i], ": ") - 1)
		n = split(names, name, /, */)
		for (k = 1; k <= n; k++) at[version, name[k]] = substr(part[i], length(names) + 3)
	}
}
file == 2 {
	is[$1, $2] = $3 == "ok" ? $4 " s" : $3
	at[$1, $2] = when
	there[$1] = 1
}
# Most cells' run first, the others with their names.
function runs(version, i, most, count, names, text) {
	for (i = 1; i <= columns; i++) if ((version, column[i]) in is) {
		text = at[version, column[i]]
		names[text] = names[text] (names[text] == "" ? "" : ", ") column[i]
		if (++count[text] > count[most]) most = text
	}
	text = most
	for (i = 1; i <= columns; i++) if ((version, column[i]) in is && at[version, column[i]] in names) {
		if (at[version, column[i]] != most) text = text "; " names[at[version, column[i]]] ": " at[version, column[i]]
		delete names[at[version, column[i]]]
	}
	return text
}
END {
	printf "| smolvm | run |"
	for (i = 1; i <= columns; i++) printf " %s |", column[i]
	printf "\n|---|---|"
	for (i = 1; i <= columns; i++) printf "---|"
	print ""
	for (v = 1; v <= versions; v++) if (order[v] in there) {
		printf "| %s | %s |", order[v], runs(order[v])
		for (i = 1; i <= columns; i++) printf " %s |", (order[v], column[i]) in is ? is[order[v], column[i]] : "-"
		print ""
	}
}
