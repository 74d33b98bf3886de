# fuzz.mk - the fuzzers, for tests/fuzz/run; apart from the helpers, since these are compiled for nothing else.
# Reads: CC CLANG.  Goals: cache/fuzz/libfuzzer/NAME (clang), cache/fuzz/replay/NAME (any compiler, tests/fuzz/main.c).

MAKEFLAGS += -rR
.SUFFIXES:
.DELETE_ON_ERROR:

ifneq ($(filter default undefined,$(origin CC)),)
override CC := cc
endif
CLANG ?= clang
fuzz := cache/fuzz
flags := -std=c11 -D_GNU_SOURCE -Ihelpers -Wall -Wextra -Werror -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
libraries := -Wl,--as-needed -lcurl -ljansson -lcrypto -larchive -lzstd -lz

libfuzzer := $(CLANG) $(flags) -fsanitize=fuzzer-no-link,address,undefined
libfuzzer-ld := $(CLANG) -fsanitize=fuzzer,address,undefined
replay := $(CC) $(flags) -fsanitize=address,undefined
replay-ld := $(CC) -fsanitize=address,undefined

lib := $(patsubst helpers/%.c,lib/%.o,$(wildcard helpers/*/*.c))

# $(call rules,KIND): $$ is for when the rule runs, $ for now.
define rules
$(fuzz)/$1/lib/%.o: helpers/%.c
	@mkdir -p $$(@D); $($1) -MMD -MP -c $$< -o $$@
$(fuzz)/$1/%.o: tests/fuzz/%.c
	@mkdir -p $$(@D); $($1) -MMD -MP -c $$< -o $$@
$(fuzz)/$1/lib.a: $(lib:%=$(fuzz)/$1/%)
	@rm -f $$@; ar rc $$@ $$^
endef
$(eval $(call rules,libfuzzer))
$(eval $(call rules,replay))

$(fuzz)/libfuzzer/%: $(fuzz)/libfuzzer/%.o $(fuzz)/libfuzzer/lib.a
	@$(libfuzzer-ld) $^ $(libraries) -o $@
$(fuzz)/replay/%: $(fuzz)/replay/%.o $(fuzz)/replay/main.o $(fuzz)/replay/lib.a
	@$(replay-ld) $^ $(libraries) -o $@

.SECONDARY:
-include $(wildcard $(fuzz)/*/*.d $(fuzz)/*/lib/*/*.d)
