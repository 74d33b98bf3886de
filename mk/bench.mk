# bench.mk - how fast it is, beside a plain script of the first version's steps.
#
# Reads: helpers, test-programs, compile, warnings-are-errors (tools.mk, check.mk); RUNS
# Goals: bench

RUNS ?=
export RUNS

bench-programs := $(patsubst tests/bench/%.c,cache/tests/%,$(wildcard tests/bench/*.c))

.PHONY: bench
bench: $(helpers) $(test-programs) $(bench-programs) ## how fast it is, beside a plain script; also as cache/bench.json (RUNS=3)
	$(Q)exec tests/run -x -- tests/bench/run

$(bench-programs): cache/tests/%: tests/bench/%.c $(flags-file)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D); $(compile) $(warnings-are-errors) -MMD -MP -MF $@.d -MT $@ $< $(hardening-ld) -o $@.$$$$.tmp; \
		mv -f $@.$$$$.tmp $@
