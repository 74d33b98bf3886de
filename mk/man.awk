# man.awk - a manual page (mdoc) of a helper: its header comment, then what it says to -h, become NAME, SYNOPSIS, DESCRIPTION and EXIT
# STATUS.  awk -v name=image-id -v date='November 30, 2026' -f man.awk helpers/image-id.c usage

function plain(text) { # no macro and no escape
	gsub(/\\/, "\\e", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}
function sentences(text,    done) { # each begins a line, as mdoc wants it
	done = ""
	while (match(text, /[.?!] +[A-Z]/)) {
		done = done plain(substr(text, 1, RSTART)) "\n"
		text = substr(text, RSTART + RLENGTH - 1)
	}
	return done plain(text)
}
function put(text, literal) {
	if (literal != inside)
		body = body (literal ? ".Bd -literal\n" : ".Ed\n")
	inside = literal
	body = body (literal ? plain(text) : sentences(text)) "\n"
}
function flush_status() {
	if (inside)
		body = body ".Ed\n"
	inside = 0
}

FNR == NR && done { next }
FNR == NR && /^ \*\// { done = 1; flush_status(); next }
FNR == NR {
	if (/^\/\*/ && !/[a-z]/)
		next
	sub(/^\/?\*+ ?|^ \* ?/, "")
	if (what == "") {
		what = $0
		sub(/^[a-z-]+ - /, "", what)
		open = what !~ /\.$/
		next
	}
	if (open) { # the first sentence goes on
		what = what " " $0
		open = $0 !~ /[.]$/ && $0 != ""
		next
	}
	if (match($0, /(^| )Exit: /)) {
		status = 1
		if (RSTART > 1)
			put(substr($0, 1, RSTART - 1), 0)
		flush_status()
		exits = sentences(substr($0, RSTART + RLENGTH)) "\n"
		next
	}
	if (status) {
		exits = exits sentences($0) "\n"
		next
	}
	if ($0 == "") {
		flush_status()
		body = body (body == "" ? "" : ".Pp\n")
	} else {
		literal = /^[ \t]/
		sub(/^[ \t]+/, literal ? "  " : "")
		put($0, literal)
	}
	next
}
{ usage = usage plain($0) "\n" }

END {
	sub(/\.$/, "", what)
	print ".\\\" Written by `make install`, of the header of helpers/" name ".c and of what it says to -h."
	print ".Dd " date
	print ".Dt SMOLMAKE-" toupper(name) " 8"
	print ".Os"
	print ".Sh NAME"
	print ".Nm smolmake-" name
	print ".Nd " plain(what)
	print ".Sh SYNOPSIS"
	printf ".Bd -literal\n%s.Ed\n", usage
	print ".Sh DESCRIPTION"
	print "This is a program of smolmake's own, in"
	print ".Pa lib/smolmake/bin ;"
	print "its makefiles call it."
	if (body != "") {
		print ".Pp"
		sub(/^(\.Pp\n)+/, "", body)
		sub(/(\.Pp\n)+$/, "", body)
		printf "%s", body
	}
	if (exits != "")
		printf ".Sh EXIT STATUS\n%s", exits
	print ".Sh SEE ALSO\n.Xr smolmake 1"
}
