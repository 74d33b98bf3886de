# vars.mk - the user's settings: the whole interface, each named once.
# Reads: command line and environment.  Defines: user-vars, and each of them, frozen and exported.
#
# A value is data. It is never expanded by Make again (`$(shell ...)` in IMAGE stays text), it never
# stands in a recipe's text, and it reaches commands by the environment alone.

# Name, then its default where it has a fixed one; `make help` prints these lines.
#: IMAGE            the image to pack, name[:tag] or sha256:<64 hex>
#: IMAGES           several images that exist already, blank-separated
#: CONTEXT          build IMAGE from this folder first
#: DOCKERFILE       the Dockerfile, where it is not CONTEXT/Dockerfile
#: TARGET           the build stage to stop at
#: BUILD_ARGS       build arguments K=V, blank-separated
#: IMAGES_FILE      the list of images for `smolmachines`
#: CPUS             processors of the machine
#: MEM              memory of the machine, MiB
#: ENTRYPOINT       command instead of the image's own
#: SMOLFILE         smolvm's configuration file
#: PLATFORM         OS/ARCH of build and machine
#: OUT              also put the machine there (OUT and OUT.smolmachine)
#: CACHE_DIR        where the machines live
#: DOCKER           the engine's command: docker or podman
#: SMOLVM           the packer's command
#: ROUTE            how the image reaches smolvm: auto, push or direct
#: SQUASH           1: every image as one layer, 0: none (empty: where the smolvm needs it)
#: STORE_MAX        MiB of pushed layers that are kept; 0: none
#: REGISTRY_IMAGE   the registry that is started for a push (or CLAUDE_BOTTLE_REGISTRY_IMAGE); none: our own
#: REGISTRY_HOST    host part of the reference that is pushed and packed
#: REGISTRY_TIMEOUT seconds until the registry must answer
#: BUILD_TIMEOUT    seconds for a build; 0 is no limit, here and below
#: PUSH_TIMEOUT     seconds for a push
#: PACK_TIMEOUT     seconds for a pack
#: TOOL_TIMEOUT     seconds for any other command
#: PACK_JOBS        packs at once, however large -j is (from memory and processors)
#: PROGRESS         json: how far the pull is, as lines of JSON (from a registry of ours)
#: V                1 prints commands, 2 also why each target is remade
user-vars := IMAGE IMAGES CONTEXT DOCKERFILE TARGET BUILD_ARGS IMAGES_FILE CPUS MEM ENTRYPOINT SMOLFILE \
	PLATFORM OUT CACHE_DIR DOCKER SMOLVM ROUTE SQUASH STORE_MAX REGISTRY_IMAGE REGISTRY_HOST \
	REGISTRY_TIMEOUT BUILD_TIMEOUT PUSH_TIMEOUT PACK_TIMEOUT TOOL_TIMEOUT PACK_JOBS PROGRESS V

# What goals other than packing take.
tool-vars := CC CFLAGS CPPFLAGS LDFLAGS LDLIBS PREFIX DESTDIR TESTS ENGINE STRICT KEEP FAULTS RUNS

# First of all, before anything could expand it: IMGAE=x must not pack the default image.
unknown-vars := $(filter-out $(user-vars) $(tool-vars),$(foreach v,$(.VARIABLES),$(if \
	$(findstring command line,$(origin $v)),$v)))
ifneq ($(unknown-vars),)
$(error $(firstword $(unknown-vars)): no such variable; `make help` lists them)
endif

# The images file names its images: one that is given beside it would be passed over without a word.
ifneq ($(and $(filter smolmachines,$(MAKECMDGOALS)),$(findstring command line,$(origin IMAGE) $(origin IMAGES))),)
$(error IMAGE: `smolmachines` packs the images of IMAGES_FILE; for this one: make smolmachine IMAGE=...)
endif

ifeq ($(value IMAGES),)
IMAGE ?= claude-bottle:latest
endif
IMAGES_FILE ?= smolmachines.json
DOCKER ?= docker
SMOLVM ?= smolvm
ROUTE ?= auto
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
override CACHE_DIR := $(addsuffix /claude-bottle/smolmachines,$(or $(value XDG_CACHE_HOME),$(addsuffix \
	/.cache,$(value HOME))))
endif
V ?= 0

freeze = $(eval override $1 := $$(value $1))$(eval export $1)
$(foreach v,$(user-vars),$(call freeze,$v))
$(foreach v,$(tool-vars),$(if $(findstring command line,$(origin $v)),$(eval override $v := $$(value $v))))

ifeq ($(filter 0 1 2,$V),)
$(error V: give 0, 1 or 2)
endif

# Sub-makes get the values from the environment, where nothing expands them.
MAKEOVERRIDES :=
