# tools.mk - the helpers, compiled on first use into cache/.
# Reads: CC CFLAGS CPPFLAGS LDFLAGS LDLIBS STRICT.  Defines: bin, helpers, umask.  Goals: cache/bin/<helper>.
#
# A changed source, header or flag recompiles what depends on it; nothing else does. Whether
# anything changed is worked out without starting a process: this is read on every hit.

bin := cache/bin
obj := cache/obj
macos := $(wildcard /System/Library/CoreServices)
brew := $(firstword $(wildcard /opt/homebrew $(if $(macos),/usr/local)))

ifneq ($(filter default undefined,$(origin CC)),)
override CC := cc
endif
CFLAGS ?= -O2 -g
CPPFLAGS ?=
LDFLAGS ?=
LDLIBS ?=
STRICT ?=

warnings := -Wall -Wextra -Wformat=2 -Wvla $(if $(STRICT),-Werror)
# Only what gcc 12 and clang take on every machine without a word: clang on macOS warns of -fstack-clash-protection, arm's gcc
# refuses -fcf-protection, gcc 11 warns of _FORTIFY_SOURCE=3.
hardening := -fPIE -fstack-protector-strong $(if $(macos),,-fstack-clash-protection) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
hardening-ld := $(if $(macos),-Wl$(comma)-dead_strip_dylibs,-pie -Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now)
compile := $(CC) -std=c11 -D_GNU_SOURCE -Ihelpers $(warnings) $(hardening) $(brew:%=-I%/include) $(CPPFLAGS) $(CFLAGS)

ifeq ($(wildcard helpers),)
# An installation: what is compiled is there, and nothing that it could be made of.
bin := bin
helpers := $(wildcard $(bin)/*)
else
# Each helper loads only the libraries that it uses: libcurl alone takes longer to load than all the rest.
libraries := $(brew:%=-L%/lib) $(if $(macos),,-Wl$(comma)--as-needed) -lcurl -lmicrohttpd -ljansson -lcrypto -larchive -lzstd \
	-lz $(LDLIBS)
link := $(CC) $(CFLAGS) $(hardening-ld) $(LDFLAGS)

# A helper is a file; what several need is in a folder a concern, and all of that one library.
lib-sources := $(wildcard helpers/*/*.c)
lib-objects := $(lib-sources:helpers/%.c=$(obj)/%.o)
helpers := $(patsubst helpers/%.c,$(bin)/%,$(wildcard helpers/*.c))

# The flags of the last time; another line recompiles everything, and says so. That warnings are errors changes no code.
flags-file := $(obj)/flags
flags-line := $(filter-out -Werror,$(compile)) | $(link) $(libraries)
ifneq ($(if $(wildcard $(flags-file)),$(file <$(flags-file))),$(flags-line))
$(flags-file): FORCE
endif
export FLAGS_LINE := $(flags-line)

# Expanded when the first recipe that compiles is about to run, once: one line, and the end, also under -j and -k. What is
# compiled is for every user of the checkout, whatever this one's umask.
umask = $(can-write)umask 022;
can-write = $(eval can-write :=)$(if $(dry-run),,$(if $(shell umask 022; mkdir -p $(obj) $(bin) 2>/dev/null && [ -w $(obj) ] && [ -w $(bin) ] && \
	[ -x $(obj) ] && echo yes),,$(error '$(abspath $(obj))' cannot be written, and the helpers have to be compiled there; let its \
	owner run `make all`, remove it (`sudo rm -r`), or use a checkout of your own)))

$(flags-file):
	$(Q)$(umask) mkdir -p $(@D); printf '%s\n' "$$FLAGS_LINE" >$@.$$$$.tmp; mv -f $@.$$$$.tmp $@

$(obj)/%.o: helpers/%.c $(flags-file)
	$(call say,CC,$<)
	$(Q)$(umask) mkdir -p $(@D); $(compile) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@.$$$$.o; mv -f $@.$$$$.o $@

$(obj)/lib.a: $(lib-objects)
	$(Q)$(umask) rm -f $@.$$$$.tmp; ar rc $@.$$$$.tmp $^; mv -f $@.$$$$.tmp $@

$(helpers): $(bin)/%: $(obj)/%.o $(obj)/lib.a
	$(call say,LINK,$@)
	$(Q)$(umask) mkdir -p $(@D); $(link) $^ $(libraries) -o $@.$$$$.tmp; mv -f $@.$$$$.tmp $@

-include $(wildcard $(obj)/*.d $(obj)/*/*.d)

# A source that has moved or gone is still named by what was compiled from it before: that is compiled anew.
helpers/%.c tests/%.c: ;
endif
