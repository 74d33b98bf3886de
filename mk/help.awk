# help.awk - prints `##@ Group`, `goal: ## text` and `#: NAME text` of makefiles, values from the environment; with -v all=1 also
# what only few need: `#+ NAME text`, and the group Development.

/^##@ / {
	group = substr($0, 5)
	hidden = group == "Development" && !all
	if (!hidden)
		printf "\n%s\n", group
}

/^[a-z][a-z-]*:.*## / {
	if (hidden)
		next
	goal = $0
	sub(/:.*/, "", goal)
	sub(/.*## /, "")
	printf "  %-14s %s\n", goal, $0
}

/^#[:+] / {
	if ($1 == "#+" && !all) {
		more++
		next
	}
	if (!settings++)
		print "\nSettings (make NAME=value ..., or SMOLMAKE_NAME=value in the environment)"
	name = $2
	sub(/^#[:+] [A-Z_]+ */, "")
	printf "  %-16s %s%s\n", name, $0, ENVIRON[name] == "" ? "" : " [" ENVIRON[name] "]"
}

END {
	if (more)
		printf "  and %d more, with the goals for development: make help-all\n", more
	print "\nExamples"
	print "  make smolmachine IMAGE=agent:latest CONTEXT=agent"
	print "  make -j4 smolmachines"
	print "\nOn a new machine: make setup demo"
}
