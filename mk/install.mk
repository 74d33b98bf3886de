# install.mk - an installation for all users of a machine: the makefiles, the compiled helpers, the command, its manual.
# Reads: helpers; PREFIX DESTDIR.  Goals: install uninstall.

##@ Installing
.PHONY: install uninstall
install uninstall: export PREFIX := $(value PREFIX)
install uninstall: export DESTDIR := $(value DESTDIR)
install: $(helpers) ## into PREFIX (/usr/local), below DESTDIR: the command smolmake, its manual, smolmake.mk for other makefiles
	$(Q)exec mk/install.sh install
uninstall: ## remove what install has put there
	$(Q)exec mk/install.sh uninstall
