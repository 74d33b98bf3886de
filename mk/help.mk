# help.mk - `make help`, from the text beside the rules and the settings. Needs no tool, engine or network.
# Reads: the `##` comments of mk/, mk/settings.  Goals: help help-all.

##@ Help
.PHONY: help help-all
help-files := $(addprefix mk/,$(if $(wildcard helpers),demo.mk) smolmachine.mk cache.mk setup.mk $(if $(wildcard helpers),install.mk check.mk bench.mk) \
	help.mk settings)
help: ## this text (what plain `make` does)
	@. mk/answer.sh; text=$$(awk -f mk/help.awk $(wildcard $(help-files))); answer "$$text"; finish 0
help-all: ## all settings and all goals
	@. mk/answer.sh; text=$$(awk -v all=1 -f mk/help.awk $(wildcard $(help-files))); answer "$$text"; finish 0
