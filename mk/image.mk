# image.mk - the first graph: each image that is wanted, built or found, and identified.
# Reads: $RUN/<slug>.{env,build,args}.  Goals: .key/<slug>.built, .key/<slug>.found.
#
# Runs in CACHE_DIR, as the second: a checkout may be read-only, or several users'. The target is the image-ID stamp: it holds the
# config digest and is rewritten only when that changes. Docker's own layer cache decides what a build has to do, so every call builds.

include mk/defs.mk

in-run = "$$CACHE_DIR/$$RUN/$*$1"

.key/%.built: FORCE
	$(Q)export BUILDX_NO_DEFAULT_ATTESTATIONS=1; exec "$$BIN/with-deadline" \
		-n build -i $* -t BUILD_TIMEOUT -l $(call in-run,.log) -s $(call in-run,.seconds) \
		-a $(call in-run,.build) -e $(call in-run,.args) "$$DOCKER" build --force-rm --iidfile $(call in-run,.iid)
	$(Q)exec "$$BIN/identify-image" -b -- $* $@

.key/%.found: FORCE
	$(Q)exec "$$BIN/identify-image" -- $* $@
