# vars.mk - the user's settings, whose names stand in mk/settings.
# Reads: mk/settings, the command line, and SMOLMAKE_<NAME> in the environment.  Defines: user-vars, tool-vars, and each user-var, frozen and exported.
#
# A value is data. It is never expanded by Make again (`$(shell ...)` in IMAGE stays text), it never
# stands in a recipe's text, and it reaches commands by the environment alone.

# mk/settings is the table of them: those of a run are frozen and exported to its commands, those of other goals and of the tests
# are read where they are used.
settings := $(file <mk/settings)
user-vars := $(patsubst run:%,%,$(filter run:%,$(settings)))
tool-vars := $(patsubst goal:%,%,$(filter goal:%,$(settings))) $(patsubst test:%,%,$(filter test:%,$(settings)))

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
