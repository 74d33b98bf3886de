# machine.mk - the second graph: image -> tagged -> pushed -> packed -> machine.
# Reads: $RUN/<key>.{image,pack,env,renew}, REGISTRY.  Goals: <key>.smolmachine.smolmachine.
#
# Runs in CACHE_DIR, so that targets are plain keys: no user's path and no image's name is
# ever a target. Everything is keyed by the image's ID: two names of one image are one target.

MAKEFLAGS += -rR --no-print-directory
SHELL := /bin/sh
.SHELLFLAGS := -euc
.SUFFIXES:
.DELETE_ON_ERROR:
Q := @$(if $(filter 0,$V),,set -x; )

keys := $(patsubst %.smolmachine.smolmachine,%,$(MAKECMDGOALS))
machines := $(keys:%=%.smolmachine.smolmachine)
steps := $(foreach k,$(keys),$(RUN)/$k.tagged $(RUN)/$k.pushed $(RUN)/$k.exported $(RUN)/$k.packed)

# Machines appear by rename and are shared with every make of this user: never Make's to delete.
.PRECIOUS: $(machines)

# The steps die with the run and its registry: that one is absent does not age a machine.
.SECONDARY: $(steps)

# $(call stage,NAME): runs what follows as that stage of the target, marked done by $@.
stage = "$$BIN/with-deadline" -q -n $1 -i $* -l $(RUN)/$*.log -s $(RUN)/$*.seconds -c $@

# A machine that is there is up to date, but for one that is due to be replaced (helpers/find-machines.c).
renewed := $(patsubst $(RUN)/%.renew,%.smolmachine.smolmachine,$(wildcard $(keys:%=$(RUN)/%.renew)))
$(renewed): FORCE
FORCE:

$(machines): %.smolmachine.smolmachine: | $(RUN)/%.packed
	$(Q)exec "$$BIN/publish-machine" -- $*

# What is to be had without a proxy: our registry, and what the user says under either name; some programs read the one, some the
# other, and curl takes * for all only where it stands alone.
no-proxy = direct=127.0.0.1,localhost$${NO_PROXY:+,$$NO_PROXY}; \
	[ "$${no_proxy-}" = "$${NO_PROXY-}" ] || direct=$$direct$${no_proxy:+,$$no_proxy}; \
	case ,$$direct, in *,\*,*) direct=* ;; esac; \
	export NO_PROXY="$$direct" no_proxy="$$direct"

# How the image gets to our registry: the engine pushes it, or exports it.
arrived := $(if $(filter direct archive,$(ROUTE)),exported,pushed)

ifeq ($(PACK),native)
# No virtual machine: as many at once as make wants.
$(RUN)/%.packed: | $(RUN)/%.$(arrived)
	$(Q)exec $(call stage,pack) -b -t PACK_TIMEOUT "$$BIN/pack-image" -- $*
else
# A clean folder: old smolvms look for their launcher in ./target first (source: v1.9.2, src/cli/pack.rs). All that it leaves there is ours.
# At most PACK_JOBS at once on this machine: each is a virtual machine of 4 processors and up to 8 GiB.
$(RUN)/%.packed: | $(RUN)/%.$(arrived)
	$(Q)read -r ref <$(RUN)/$*.ref; mkdir -p $(RUN)/$*.work; \
	export TMPDIR="$$CACHE_DIR/$(RUN)/$*.work" SMOLVM_PACK_STAGING="$$CACHE_DIR/$(RUN)/$*.work"; \
	$(no-proxy); \
	exec "$$BIN/with-lock" -q -i $* -s "$$PACK_JOBS" .lock/pack -- "$$BIN/with-smolvm" -i $* $(RUN)/smolvm $(RUN)/$*.log \
		$(call stage,pack) -b -t PACK_TIMEOUT -d $(RUN)/$*.work -a $(RUN)/$*.pack \
		$(packer) --output="$$CACHE_DIR/$(RUN)/$*"

endif

# smolvm pulls by the reference, or reads an archive from its standard input.
ifeq ($(ROUTE),archive)
packer = "$$BIN/feed-archive" -- $* "$$SMOLVM" pack create --image=-
else
packer = "$$SMOLVM" pack create --image="$$ref"
endif

# The reference by which the image is served.
reference = read -r id repo _ <$(RUN)/$*.image; ref=$$REGISTRY/$$repo:$(firstword $(subst -, ,$*)); \
	printf '%s\n' "$$ref" >$(RUN)/$*.ref
# What is about to be tagged is written down before, so that this run or a later one can remove it; and which
# image it is to name, which stays.
tag = $(reference); printf '%s\n' "$$ref" "$$id" >$(RUN)/$*.tag

ifeq ($(arrived),exported)
# It is served under its reference already: nothing is tagged, nothing pushed. Of one that is not, with-registry has said why.
$(RUN)/%.exported:
	$(Q)[ ! -e $(RUN)/$*.failed ]; $(reference); : >$@
else
# One push after the other: in parallel the engine compresses shared layers several times (measured).
$(RUN)/%.pushed: | $(RUN)/%.tagged
	$(Q)read -r ref <$(RUN)/$*.ref; read -r _ plain_http <$(RUN)/engine; \
	exec "$$BIN/with-lock" -q -i $* $(RUN)/push.lock -- \
		$(call stage,push) -b -t PUSH_TIMEOUT "$$DOCKER" push $$plain_http "$$ref"

$(RUN)/%.tagged:
	$(Q)$(tag); \
	exec $(call stage,tag) -t TOOL_TIMEOUT "$$DOCKER" tag "$$id" "$$ref"
endif
