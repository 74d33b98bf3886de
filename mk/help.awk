# help.awk - prints `##@ Group`, `goal: ## text` and `#: NAME text` of makefiles, values from the environment.

/^##@ / { printf "\n%s\n", substr($0, 5) }

/^[a-z][a-z-]*:.*## / {
	goal = $0
	sub(/:.*/, "", goal)
	sub(/.*## /, "")
	printf "  %-14s %s\n", goal, $0
}

/^#: / {
	if (!settings++)
		print "\nSettings (make NAME=value ..., or SMOLMAKE_NAME=value in the environment)"
	name = $2
	sub(/^#: [A-Z_]+ */, "")
	printf "  %-16s %s%s\n", name, $0, ENVIRON[name] == "" ? "" : " [" ENVIRON[name] "]"
}

END {
	print "\nExamples"
	print "  make smolmachine IMAGE=agent:latest CONTEXT=agent"
	print "  make -j4 smolmachines"
	print "\nOn a new machine: make setup demo"
}
