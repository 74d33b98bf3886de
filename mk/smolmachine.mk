# smolmachine.mk - the goals that make machines.
# Reads: user-vars.  Goals: smolmachine smolmachines image-id explain all clean.
#
# with-run makes the run's folder, and takes it away again; run.sh works through the two
# graphs, image.mk and then machine.mk. Everything but the answer goes to stderr.

export MAKE
export SMOLMAKE_PWD := $(value PWD)
export TOP := $(abspath .)
export BIN := $(TOP)/$(bin)
export WHY := $(if $(filter 2,$V),--trace)

ifneq ($(findstring t,$(flags)),)
$(error make -t would create empty machines)
endif

##@ Machines
.PHONY: smolmachine smolmachines image-id explain

ifneq ($(findstring q,$(flags)),)
# make -q: a build is always due, so the answer is 1: Make's own for a goal with a recipe without `+`.
smolmachine smolmachines image-id explain:
	@false
else ifneq ($(dry-run),)
# make -n: what both graphs would run, for the IDs that were seen last. Nothing is made.
smolmachine smolmachines image-id explain: $(helpers)
	+@exec mk/dry-run.sh $(if $(filter explain,$@),image-id,$@)
else
smolmachine: $(helpers) ## pack IMAGE (built from CONTEXT, where given); prints the sidecar's path
	+$(Q)exec $(bin)/with-run -m mk/run.sh $@
smolmachines: $(helpers) ## pack every image of IMAGES_FILE; prints the paths in its order
	+$(Q)exec $(bin)/with-run -m mk/run.sh $@
image-id: $(helpers) ## build IMAGE only; prints the 16 hex digits that name its machine
	+$(Q)exec $(bin)/with-run -m -i mk/run.sh $@
explain: $(helpers) ## say why IMAGE, as it is now, is a hit or a miss; packs nothing
	+$(Q)exec $(bin)/with-run -m -i mk/run.sh $@
endif

##@ Upkeep
.PHONY: all clean
all: $(helpers) ## compile the helpers, which else happens on first use
clean: ## remove what is compiled here (machines stay, in CACHE_DIR)
	$(Q)rm -rf cache/bin cache/obj cache/key cache/tests cache/unit cache/fuzz cache/bench.json 2>/dev/null || { \
		printf "error: clean: '%s' cannot be emptied, it has files of another user; let them run \`make clean\`\n" \
		"$$TOP/cache" >&2; exit 1; }
