# image.mk - the first graph: each image that is wanted, built or found, and identified.
# Reads: $RUN/<slug>.{env,build,args}.  Goals: cache/key/<slug>.built, cache/key/<slug>.found.
#
# The target is the image-ID stamp: it holds the config digest and is rewritten only when
# that changes. Docker's own layer cache decides what a build has to do, so every call builds.

include mk/defs.mk

in-run = "$$CACHE_DIR/$$RUN/$*$1"

cache/key/%.built: FORCE | cache/key
	$(Q)export BUILDX_NO_DEFAULT_ATTESTATIONS=1; exec "$$BIN/with-deadline" \
		-n build -t "$$BUILD_TIMEOUT" -p $* -l $(call in-run,.log) -s $(call in-run,.seconds) \
		-a $(call in-run,.build) -e $(call in-run,.args) "$$DOCKER" build --force-rm --iidfile $(call in-run,.iid)
	$(Q)exec "$$BIN/identify-image" -b $* $@

cache/key/%.found: FORCE | cache/key
	$(Q)exec "$$BIN/identify-image" $* $@

cache/key:
	$(Q)mkdir -p $@
