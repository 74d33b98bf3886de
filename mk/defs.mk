# defs.mk - how this tree uses Make; no names of the project. Included by every makefile of ours.
# Reads: V, MAKEFLAGS.  Defines: Q, keep-going, dry-run, SILENT, and Make's own settings.

MAKEFLAGS += -rR --no-print-directory
SHELL := /bin/sh
.SHELLFLAGS := -euc
.SUFFIXES:
.DELETE_ON_ERROR:

# The one-letter flags; `NAME=sss` on the command line is not -s.
flags := $(firstword -$(MAKEFLAGS))
keep-going := $(findstring k,$(flags))
dry-run := $(findstring n,$(flags))
export SILENT := $(findstring s,$(flags))
export KEEP_GOING := $(keep-going)

# Before a recipe line: V=1 and V=2 show it with the values that it has, on stderr (stdout is for answers).
Q := @$(if $(filter 0,$V),,set -x; )
comma := ,

# A target that is always out of date: what depends on it runs on every call.
FORCE:

# $(call say,VERB,target): one line a real step, on stderr; nothing under -s.
say = @$(if $(SILENT),:,printf '  %-7s %s\n' '$1' '$2' >&2)

