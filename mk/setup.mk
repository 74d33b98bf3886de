# setup.mk - a machine that has what is needed, and one that says what it lacks.
#
# Reads:    MAKECMDGOALS, lint-goals, flags-file; its scripts read the settings in the environment
# Defines: after-setup: setup, where it is asked for: all goals beside it and all that is compiled wait for it
# Goals: setup doctor
#
# No tool is looked up while makefiles are read: what setup installs would stay missing for the whole call.

# The goals that setup knows; words of the command line that are none of them never reach its recipe.
setup-goals := smolmachine smolmachines image-id $(if $(wildcard helpers),demo check check-long check-engines check-faults check-trees \
	check-real check-core check-crate check-fuzz check-page lint bench install)

after-setup := $(filter setup,$(MAKECMDGOALS))
$(setup-goals) $(lint-goals) $(flags-file): | $(after-setup)

##@ Machine

setup: export PREFIX := $(value PREFIX)
setup: export SETUP_SMOLVM := $(value SETUP_SMOLVM)
setup: ## install what is missing for the goals beside it (none: for smolmachine; SETUP_SMOLVM=pypi: smolvm too)
	@exec mk/setup.sh $(filter $(setup-goals),$(MAKECMDGOALS))

doctor: export MAKE_VERSION := $(MAKE_VERSION)
doctor: export DOCTOR := $(value DOCTOR)
doctor: | $(after-setup) ## check this machine, with remedies, and say whether it is ready (DOCTOR=json)
	@exec mk/doctor.sh

.PHONY: setup doctor $(setup-goals)
