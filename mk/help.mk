# help.mk - `make help`, from the text beside the rules and the settings. Needs no tool, engine or network.
# Reads: the `##` and `#:` comments of mk/.  Goals: help.

##@ Help
.PHONY: help
help: ## this text (what plain `make` does)
	@. mk/answer.sh; text=$$(awk -f mk/help.awk mk/demo.mk mk/smolmachine.mk mk/setup.mk mk/check.mk mk/bench.mk mk/help.mk \
		mk/vars.mk); answer "$$text"; finish 0
