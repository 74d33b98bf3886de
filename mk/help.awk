# help.awk - prints `##@ Group` and `goal: ## text` of makefiles, and the settings of mk/settings, values from the environment; with
# -v all=1 also those that only few need, and the group Development.

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

/^(run|goal|test):/ {
	if ($2 != "every" && !all) {
		more++
		next
	}
	if (!settings++)
		print "\nSettings (make NAME=value ..., or SMOLMAKE_NAME=value in the environment)"
	if (!/^run:/ && !others++)
		print "\nSettings of single goals"
	name = $1
	sub(/^[a-z]*:/, "", name)
	sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "")
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
