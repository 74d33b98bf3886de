# cache.mk - the goals that look at the machines of CACHE_DIR, and remove some.
# Reads: helpers, dry-run; IMAGE FILE FORMAT KEEP DAYS MAX REPORT GRAPH.  Goals: list describe verify prune pin unpin stats report graph.

export FILE FORMAT KEEP DAYS MAX REPORT GRAPH

##@ The cache
.PHONY: list describe verify prune pin unpin stats report graph
list: $(helpers) ## the machines: names, size, age, use (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn -s FORMAT mk/cache.sh list
describe: $(helpers) ## what is in one: IMAGE=<name, ID>, or FILE=<any sidecar> (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn -s FORMAT mk/cache.sh describe
verify: $(helpers) ## read all of them; what is not whole is set aside
	$(Q)exec $(bin)/with-run -mn mk/cache.sh verify
prune: $(helpers) ## remove: KEEP=<of each name>, DAYS=<not used for>, MAX=<10G>; make -n shows what would go
	+$(Q)exec $(bin)/with-run -mn -s KEEP -s DAYS -s MAX mk/cache.sh prune $(if $(dry-run),-n)
pin: $(helpers) ## prune and CACHE_MAX leave the machine of IMAGE alone
	$(Q)exec $(bin)/with-run -mn mk/cache.sh pin
unpin: $(helpers) ## no more
	$(Q)exec $(bin)/with-run -mn mk/cache.sh unpin
stats: $(helpers) ## hits and misses, and the seconds that hits have saved (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn -s FORMAT mk/cache.sh stats
report: $(helpers) ## a page of runs, hits and machines; prints its path (REPORT=<file>)
	$(Q)exec $(bin)/with-run -mn mk/report.sh
graph: $(helpers) ## the images file, to its machines, as a picture (SVG); prints its path (GRAPH=<file>)
	$(Q)exec $(bin)/with-run -mn mk/graph.sh
