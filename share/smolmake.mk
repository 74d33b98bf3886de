# smolmake.mk - machines as targets of other makefiles, by an installed smolmake.
#
#	include smolmake.mk
#	run: $(call smolmachine,agent:latest,agent/)
#		smolvm machine create --name agent --from $<
#
# $(call smolmachine,IMAGE[,FOLDER[,NAME=VALUE ...]]) is a sidecar in $(SMOLMAKE_DIR), with its launcher beside it: built from FOLDER, where
# one is given, each time that make runs, and packed when its image is new. While that stays the same the file does, and so does what
# depends on it. Settings may have no blanks in them.

SMOLMAKE ?= smolmake
SMOLMAKE_DIR ?= .smolmake

smolmake-file = $(SMOLMAKE_DIR)/$(subst /,-,$(subst :,-,$1)).smolmachine

define smolmake-rule
$(call smolmake-file,$1): .smolmake-always
	@mkdir -p $$(@D)
	+$$(SMOLMAKE) -s IMAGE=$1 $(if $2,CONTEXT=$2) $3 OUT=$$(CURDIR)/$$(basename $$@) >/dev/null
smolmake-known += $1
endef

# None of these is what a bare `make` makes.
smolmachine = $(if $(filter $1,$(smolmake-known)),,$(eval smolmake-goal := $(.DEFAULT_GOAL))$(eval $(call smolmake-rule,$1,$2,$3))$(eval \
	.DEFAULT_GOAL := $(smolmake-goal)))$(call smolmake-file,$1)

.PHONY: .smolmake-always
.smolmake-always:
