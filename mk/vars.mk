# vars.mk - the user's settings: the whole interface, each named once.
# Reads: command line, and SMOLMAKE_<NAME> in the environment.  Defines: user-vars, and each of them, frozen and exported.
#
# A value is data. It is never expanded by Make again (`$(shell ...)` in IMAGE stays text), it never
# stands in a recipe's text, and it reaches commands by the environment alone.

# `make help` prints the lines that begin with #:, `make help-all` those with #+ as well.
#: IMAGE            the image to pack, name[:tag] or sha256:<64 hex>
#: IMAGES           several images that exist already, blank-separated
#: CONTEXT          build IMAGE from this folder first
#: DOCKERFILE       the Dockerfile, where it is not CONTEXT/Dockerfile
#: TARGET           the build stage to stop at
#: BUILD_ARGS       build arguments K=V, blank-separated
#+ NO_CACHE         1: build every step anew
#+ PULL             1: ask the registry for newer base images
#+ SECRET           id=NAME,src=FILE or id=NAME,env=VARIABLE for the build, blank-separated
#+ SSH              default or NAME=FILE for the build, blank-separated
#: IMAGES_FILE      the list of images for `smolmachines`
#+ ONLY             those of its images, by name, blank-separated
#: CPUS             processors of the machine
#: MEM              memory of the machine, MiB (or 2G)
#+ ENTRYPOINT       command instead of the image's own
#+ SMOLFILE         smolvm's configuration file
#+ PLATFORM         OS/ARCH of build and machine
#: OUT              also put the machine there (OUT and OUT.smolmachine)
#: CACHE_DIR        where the machines live
#+ DOCKER           the engine's command: docker or podman
#+ SMOLVM           the packer's command
#+ ROUTE            how the image reaches smolvm: auto, push, direct or archive
#: PACK             who packs: auto, native (without a virtual machine) or smolvm
#: FORCE            1: pack anew though a machine is there
#+ SQUASH           1: every image as one layer, 0: none (empty: where the smolvm needs it)
#+ STORE_MAX        MiB (or 10G) of layers that are kept for the next pack; 0: none
#+ CACHE_MAX        MiB (or 10G) of machines; what was not used for longest goes after a pack (empty: none does)
#+ REGISTRY_IMAGE   the registry that is started for a push (or CLAUDE_BOTTLE_REGISTRY_IMAGE); none: our own
#+ REGISTRY_HOST    host part of the reference that is pushed and packed
#+ REGISTRY_TIMEOUT seconds until the registry must answer
#+ BUILD_TIMEOUT    seconds (or 30m, 1h) for a build; 0 is no limit, here and below
#+ PUSH_TIMEOUT     seconds for a push
#+ PACK_TIMEOUT     seconds for a pack
#+ TOOL_TIMEOUT     seconds for any other command
#+ PACK_JOBS        packs at once, however large -j is (from memory and processors)
#+ PROGRESS         json: how far the pull is, as lines of JSON (from a registry of ours)
#: V                1 prints commands, 2 also why each target is remade
user-vars := IMAGE IMAGES CONTEXT DOCKERFILE TARGET BUILD_ARGS NO_CACHE PULL SECRET SSH IMAGES_FILE ONLY CPUS MEM ENTRYPOINT SMOLFILE \
	PLATFORM OUT CACHE_DIR DOCKER SMOLVM ROUTE PACK FORCE SQUASH STORE_MAX CACHE_MAX REGISTRY_IMAGE REGISTRY_HOST \
	REGISTRY_TIMEOUT BUILD_TIMEOUT PUSH_TIMEOUT PACK_TIMEOUT TOOL_TIMEOUT PACK_JOBS PROGRESS V

# What goals other than packing take.
tool-vars := CC CFLAGS CPPFLAGS LDFLAGS LDLIBS PREFIX DESTDIR TESTS ENGINE STRICT KEEP FAULTS RUNS SEED VERSIONS CELLS RECORD FILE FORMAT DAYS MAX \
	SETUP_SMOLVM

# --- Whose a variable is. A setting counts where it was named on this make's own command line, or where the environment
# has SMOLMAKE_<NAME>, which nobody else uses; the command line goes first. All else is somebody else's:
#  - a bare name in the environment (OUT, TARGET, V and MEM are names of many build systems), under -e too;
#  - what a parent make was given on its command line. Make hands that down in MAKEFLAGS, from where it looks as if it stood
#    on ours; what does stand there, the process itself says: /proc (Linux), else ps, which separates by blanks.
# Where nothing was handed down, everything on the command line is somebody's typing, and a name that is none of ours is an
# error: IMGAE=x must not pack another image. Below a parent it is a warning.
command-vars := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v))
own-vars := $(command-vars)
ifneq ($(filter-out 0,$(MAKELEVEL)),)
ifneq ($(command-vars),)
override SHELL := /bin/sh
override .SHELLFLAGS := -c
own-vars := $(shell if [ -r /proc/$$PPID/environ ] && ! tr '\n\000' ' \n' </proc/$$PPID/environ | grep -q '^MAKEFLAGS='; then \
	echo typed; fi; { tr '\n\000' ' \n' </proc/$$PPID/cmdline || ps -ww -o args= -p $$PPID | tr ' ' '\n'; } 2>/dev/null | \
	sed -n 's/^\([^-=:+?! ][^=:+?! ]*\) *[:+?!]*=.*/\1/p')
own-vars := $(if $(filter typed,$(firstword $(own-vars))),$(command-vars),$(filter $(own-vars),$(command-vars)) below)
endif
endif
known-vars := $(user-vars) $(tool-vars)
unknown-vars := $(filter-out $(known-vars) $(known-vars:%=SMOLMAKE_%) below,$(own-vars))
ifneq ($(unknown-vars),)
$(if $(filter below,$(own-vars)),$(warning $(unknown-vars): no such variable, passed over; `make help` lists them),$(error \
	$(firstword $(unknown-vars)): no such variable; `make help` lists them))
endif

# What is not ours stays for the commands that we run, as in the environment; the makefiles' own variables go before it.
as-environment = $(eval kept := $$(value $1))$(eval override undefine $1)$(eval $1 := $$(value kept))$(eval export $1)
foreign-vars := $(filter-out $(own-vars) MAKE% SHELL .SHELLFLAGS,$(command-vars) $(if $(findstring e,$(filter-out \
	--%,$(firstword -$(MAKEFLAGS)))),$(foreach v,$(.VARIABLES),$(if $(findstring environment,$(origin $v)),$v))))
$(foreach v,$(foreign-vars),$(if $(findstring $$,$v),,$(call as-environment,$v)))
ifneq ($(filter MAKE,$(command-vars)),)
override MAKE = $(MAKE_COMMAND)
endif

# The images file names its images: one that is given beside it would be passed over without a word.
ifneq ($(and $(filter smolmachines,$(MAKECMDGOALS)),$(findstring command line,$(origin IMAGE) $(origin IMAGES))),)
$(error IMAGE: `smolmachines` packs the images of IMAGES_FILE; for this one: make smolmachine IMAGE=...)
endif

settle = $(if $(findstring command line,$(origin $1)),$(eval override $1 := $$(value $1)),$(if \
	$(value SMOLMAKE_$1),$(eval override $1 := $$(value SMOLMAKE_$1)),$(eval override undefine $1)))
$(foreach v,$(known-vars),$(call settle,$v))

# Folders where make itself would look for files.
override VPATH :=
override GPATH :=

IMAGES_FILE ?= smolmachines.json
DOCKER ?= docker
SMOLVM ?= smolvm
ROUTE ?= auto
PACK ?= auto
STORE_MAX ?= 10240
ifeq ($(value REGISTRY_IMAGE),)
override REGISTRY_IMAGE := $(value CLAUDE_BOTTLE_REGISTRY_IMAGE)
endif
# What is started where a container is needed and none is named.
export DEFAULT_REGISTRY := registry@sha256:a3d8aaa63ed8681a604f1dea0aa03f100d5895b6a58ace528858a7b332415373
REGISTRY_HOST ?= 127.0.0.1
REGISTRY_TIMEOUT ?= 10
BUILD_TIMEOUT ?= 3600
PUSH_TIMEOUT ?= 900
PACK_TIMEOUT ?= 1800
TOOL_TIMEOUT ?= 30
ifeq ($(value CACHE_DIR),)
# A folder may have blanks in its name, so no function of words. A relative XDG_CACHE_HOME is none, as its specification says.
absolute = $(if $(findstring <>/,<>$(value $1)),yes)
override CACHE_DIR := $(if $(call absolute,XDG_CACHE_HOME),$(value XDG_CACHE_HOME)/claude-bottle/smolmachines,$(if \
	$(call absolute,HOME),$(value HOME)/.cache/claude-bottle/smolmachines))
endif
V ?= 0

freeze = $(eval override $1 := $$(value $1))$(eval export $1)
$(foreach v,$(user-vars),$(call freeze,$v))

ifeq ($(filter 0 1 2,$V),)
$(error V: give 0, 1 or 2)
endif

# Sub-makes get the values from the environment, where nothing expands them.
MAKEOVERRIDES :=
