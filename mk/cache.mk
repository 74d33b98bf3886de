# cache.mk - the goals that look at the machines of CACHE_DIR, and remove some.
# Reads: helpers, dry-run; IMAGE FILE FORMAT KEEP DAYS MAX.  Goals: list describe verify prune pin unpin stats.

export FILE FORMAT KEEP DAYS MAX

##@ The cache
.PHONY: list describe verify prune pin unpin stats
list: $(helpers) ## the machines: names, size, age, use (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn mk/cache.sh list
describe: $(helpers) ## what is in one: IMAGE=<name, ID>, or FILE=<any sidecar> (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn mk/cache.sh describe
verify: $(helpers) ## read all of them; what is not whole is set aside
	$(Q)exec $(bin)/with-run -mn mk/cache.sh verify
prune: $(helpers) ## remove: KEEP=<of each name>, DAYS=<not used for>, MAX=<10G>; make -n shows what would go
	+$(Q)exec $(bin)/with-run -mn mk/cache.sh prune $(if $(dry-run),-n)
pin: $(helpers) ## prune and CACHE_MAX leave the machine of IMAGE alone
	$(Q)exec $(bin)/with-run -mn mk/cache.sh pin
unpin: $(helpers) ## no more
	$(Q)exec $(bin)/with-run -mn mk/cache.sh unpin
stats: $(helpers) ## hits and misses, and the seconds that hits have saved (FORMAT=json)
	$(Q)exec $(bin)/with-run -mn mk/cache.sh stats
