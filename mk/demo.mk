# demo.mk - a small example, end to end, that leaves nothing behind.
# Reads: helpers, test-programs; DOCKER SMOLVM REGISTRY_IMAGE (exported).  Goals: demo.

##@ Start here

demo: $(helpers) $(test-programs) ## pack a small example: a miss, a hit, a changed Dockerfile
	@exec tests/demo/run
