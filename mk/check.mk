# check.mk - the tests, and what looks at the sources.
# Reads: bin, obj, helpers, lib-sources, compile, libraries, macos (tools.mk); TESTS ENGINE STRICT KEEP FAULTS IMAGES SEED VERSIONS CELLS.
# Defines: test-programs, unit-tests.
# Goals: check check-long check-engines check-faults check-trees check-real check-core check-crate check-fuzz lint lint-<part>.
#
# tests/run runs everything by prove, as root beside an engine of its own. The tests call make again: they get the
# compiler's settings, so that they find the helpers compiled, and TESTS, ENGINE, STRICT and KEEP.

TESTS ?=
ENGINE ?=
KEEP ?=
FAULTS ?=
SEED ?=
VERSIONS ?=
CELLS ?=
RECORD ?=
export FAULTS SEED VERSIONS CELLS RECORD TESTS ENGINE STRICT KEEP CC CFLAGS CPPFLAGS LDFLAGS LDLIBS
$(foreach v,CC CFLAGS CPPFLAGS LDFLAGS LDLIBS,$(eval export SMOLMAKE_$v := $$($v)))

unit := cache/unit
sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
warnings-are-errors := -Wall -Wextra -Wformat=2 -Wvla -Werror

unit-sources := $(wildcard tests/unit/*.c)
unit-tests := $(unit-sources:tests/unit/%.c=$(unit)/%)
unit-plain := $(unit-sources:tests/unit/%.c=$(unit)/plain/%)
unit-lib := $(lib-sources:helpers/%.c=$(unit)/lib/%.o)
fake-programs := $(patsubst tests/fake/%.c,cache/tests/%,$(wildcard tests/fake/*.c))
tree-programs := $(patsubst tests/trees/%.c,cache/tests/%,$(wildcard tests/trees/*.c))
test-programs := $(fake-programs) $(tree-programs)
fault-gate := $(if $(macos),,cache/tests/gate.so)

##@ Development

check: $(helpers) $(test-programs) $(fault-gate) $(unit-tests) $(unit-plain) ## all tests (TESTS="tests/t0001-lib.sh", ENGINE=current, STRICT=1, KEEP=1)
	$(Q)exec tests/run -- $${TESTS:-tests/t[0-9]*.sh $(unit-tests)}

check-long: $(helpers) $(test-programs) $(fault-gate) ## the tests that take longer than ten minutes together
	$(Q)SMOLMAKE_TEST_DEADLINE=3600 exec tests/run -- $${TESTS:-tests/long/t[0-9]*.sh}

check-engines: $(helpers) $(test-programs) ## what each engine does, as a table (root; downloads a Debian sid once)
	$(Q)exec tests/engines/run

check-faults: $(helpers) $(test-programs) $(fault-gate) ## what is broken when, and whether it heals, as a table (root; FAULTS="kill-*:push")
	$(Q)exec tests/faults/run

# The seed of a run without one is another every time: the run prints it.
check-trees: $(helpers) $(test-programs) ## random images by every route, beside what the engine extracts (root; IMAGES=1000, SEED=1)
	$(Q)exec tests/run -x tests/trees/run -n "$${IMAGES:-1000}" -s "$${SEED:-$$(date +%s)}"

check-real: $(helpers) $(test-programs) ## the real smolvm, in a machine that qemu emulates, as a table (VERSIONS=1.32.2, CELLS="direct boot")
	$(Q)exec tests/real/run

check-core: $(helpers) $(test-programs) ## the cells of check-real that CI runs: the newest smolvm, packed by it and natively, booted
	$(Q)exec tests/real/core

check-crate: $(helpers) $(test-programs) ## artifacts of ours, read by smolvm's own crate (root; needs cargo)
	$(Q)tests/crate/run build
	$(Q)exec tests/run -x tests/crate/run

check-fuzz: ## what takes bytes from outside, fuzzed: 10 minutes of a processor each (tests/fuzz/run -h for less)
	$(Q)exec tests/fuzz/run -s 600

lint-goals := lint-sh lint-c lint-analyzer lint-tidy lint-format lint-make lint-words lint-layers lint-run lint-settings lint-man
.PHONY: $(lint-goals)
lint: $(lint-goals) ## shellcheck, cppcheck, gcc -fanalyzer, clang-tidy, clang-format, make's own warnings

# --- Unit tests: one program a file, with the sanitizers; and once more without, for valgrind (tests/t0005-valgrind.sh).

unit-compile = $(compile) $(warnings-are-errors) $(sanitize) -U_FORTIFY_SOURCE -MMD -MP -MF $(@:.o=).d -MT $@

$(unit)/lib/%.o: helpers/%.c $(flags-file)
	$(call say,CC,$@)
	$(Q)$(umask) mkdir -p $(@D); $(unit-compile) -c $< -o $@.$$$$.o; mv -f $@.$$$$.o $@

$(unit-tests): $(unit)/%: tests/unit/%.c $(unit-lib) $(flags-file)
	$(call say,UNIT,$@)
	$(Q)$(umask) mkdir -p $(@D); $(unit-compile) $(filter %.c %.o,$^) $(hardening-ld) -lcmocka $(libraries) -o $@.$$$$.tmp; \
		mv -f $@.$$$$.tmp $@

$(unit-plain): $(unit)/plain/%: tests/unit/%.c $(obj)/lib.a $(flags-file)
	$(call say,UNIT,$@)
	$(Q)$(umask) mkdir -p $(@D); $(compile) $(warnings-are-errors) -MMD -MP -MF $@.d -MT $@ $(filter %.c %.a,$^) \
		$(hardening-ld) -lcmocka $(libraries) -o $@.$$$$.tmp; mv -f $@.$$$$.tmp $@

# What the stand-in for smolvm is made of, and what makes images.
$(fake-programs): cache/tests/%: tests/fake/%.c
$(tree-programs): cache/tests/%: tests/trees/%.c
$(test-programs): $(flags-file)
	$(call say,CC,$@)
	$(Q)$(umask) mkdir -p $(@D); $(compile) $(warnings-are-errors) -MMD -MP -MF $@.d -MT $@ $(firstword $(filter tests/%.c,$^)) \
		$(hardening-ld) -lz -o $@.$$$$.tmp; mv -f $@.$$$$.tmp $@

# What breaks things at a given moment; the libraries that it stands before are compiled with FORTIFY, it is not.
$(fault-gate): cache/tests/%.so: tests/faults/%.c $(flags-file)
	$(call say,CC,$@)
	$(Q)$(umask) mkdir -p $(@D); $(compile) $(warnings-are-errors) -U_FORTIFY_SOURCE -fPIC -MMD -MP -MF $@.d -MT $@ $< -shared \
		-o $@.$$$$.tmp; mv -f $@.$$$$.tmp $@

# A run compiles no tests, and need not read what theirs depend on.
ifneq ($(filter-out smolmachine smolmachines image-id help,$(MAKECMDGOALS)),)
-include $(wildcard $(unit)/*.d $(unit)/plain/*.d $(unit)/lib/*/*.d cache/tests/*.d)
endif

# --- Lint: each tool alone, so that -j and -k serve.

c-sources := $(wildcard helpers/*.c helpers/*/*.c tests/unit/*.c tests/fake/*.c tests/trees/*.c tests/bench/*.c tests/faults/*.c tests/fuzz/*.c)
c-headers := $(wildcard helpers/*/*.h tests/unit/*.h tests/fuzz/*.h)

lint-sh:
	$(call say,LINT,shell)
	$(Q)grep -lE '^#!/bin/(sh|bash)|^# shellcheck shell=' -r mk tests share $(wildcard .ci) | xargs shellcheck

lint-c:
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem -D_GNU_SOURCE -Ihelpers --library=mk/cppcheck.cfg $(c-sources)

# Only GNU's compiler has it (macOS calls clang gcc). In text.c gcc 12 takes l->at[n] = ... for the loss of l->at[m].
analyzer-text := -Wno-analyzer-malloc-leak
lint-analyzer:
	$(call say,LINT,gcc -fanalyzer)
	$(Q)if gcc -fanalyzer -E -x c /dev/null >/dev/null 2>&1; then \
		for source in $(wildcard helpers/*.c helpers/*/*.c); do \
			case $$source in */lib/text.c) more=$(analyzer-text) ;; *) more= ;; esac; \
			echo "$$source$${more:+ $$more}"; \
		done | xargs -L 1 -P 2 gcc -std=c11 -D_GNU_SOURCE -Ihelpers -O2 -fanalyzer -Werror -c -o /dev/null; \
	else echo 'lint-analyzer: not run, gcc is not GNU here' >&2; fi

# One file a run: the va_list checker of clang-tidy 14 is wrong about every file but the first.
lint-tidy:
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(c-sources) | xargs -n 1 -P 2 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$1" \
		-- -std=c11 -D_GNU_SOURCE -Ihelpers -Wall -Wextra 2>/dev/null' sh

lint-format:
	$(call say,LINT,clang-format)
	$(Q)clang-format --dry-run -Werror $(c-sources) $(c-headers)

# A variable that nobody set is a typing error, in the makefiles of both graphs too.
lint-make:
	$(call say,LINT,makefiles)
	$(Q)log=$$($(MAKE_COMMAND) --no-print-directory --warn-undefined-variables -n help check smolmachine IMAGE=x 2>&1) || rc=$$?; \
		printf '%s\n' "$$log" | grep -E 'warning:|Error' >&2 && exit 1; exit $${rc-0}

# helpers/lib stands on nothing, image and run on it alone, engine and machine on run too, registry on all of these, pack and route
# on registry too. The first grep has every include of ours, each that follows takes away what is allowed.
lint-layers:
	$(call say,LINT,layers)
	$(Q)! grep -n '#include "' helpers/*/*.[ch] | grep -v '^helpers/[^:]*:[0-9]*:#include "lib/' | \
		grep -v '^helpers/\([a-z]*\)/[^:]*:[0-9]*:#include "\1/' | grep -v '^helpers/\(engine\|machine\|registry\)/[^:]*:[0-9]*:#include "run/' | \
		grep -v '^helpers/registry/[^:]*:[0-9]*:#include "\(engine\|image\|machine\)/' | grep -v '^helpers/\(pack\|route\)/' | grep .

# The table of a run's folder (helpers/run/files.h) has every name that makefiles and scripts spell.
lint-run:
	$(call say,LINT,the table of a run)
	$(Q)! grep -hoE '(\$$\(RUN\)|\$$RUN|\$$run|in-run,)[^ "|);]*' mk/*.mk mk/*.sh | sed -n 's/.*[.,]\([a-z.]*\)$$/\1/p; s/.*\/\([a-z]*\)$$/\1/p' | sort -u | \
		while read -r name; do [ -z "$$name" ] || grep -q "^ \* .*\<$$name\>" helpers/run/files.h || echo "helpers/run/files.h: '$$name' is not in the table"; done | grep .

# The report in a browser, which is large: not in check.
.PHONY: check-page
check-page: $(helpers) ## look at the report in headless Chromium (make setup check-page)
	$(Q)exec tests/page/run

# The settings in README, manual and completions, as mk/settings has them.
.PHONY: docs
docs: ## write the settings into README, the manual and the completions
	$(Q)mk/docs.sh write
lint-settings:
	$(call say,LINT,the table of settings)
	$(Q)mk/docs.sh compare

# The manual, and the pages that install makes of the helpers' headers.
lint-man: $(helpers)
	$(call say,LINT,manual pages)
	$(Q)folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; DESTDIR=$$folder PREFIX=/x mk/install.sh install >/dev/null; \
		mandoc -T lint -W warning "$$folder"/x/share/man/man?/*

# Functions that have a better sister (style: ban and say why): no bound, no error, or a shell.
banned := atoi|atol|atof|strcpy|strcat|sprintf|vsprintf|strtok|gets|system|popen
lint-words:
	$(call say,LINT,banned functions)
	$(Q)! grep -nE '(^|[^a-z_])($(banned))[[:space:]]*\(' $(c-sources) $(c-headers)
