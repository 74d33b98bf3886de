/* settings.h - what each setting may be, by the table of settings, mk/settings. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "lib/lib.h"

/*
 * Refuses (exit 1) the first setting that is not what the table says, with a line that names it and what it may be. names: those to
 * check; NULL: all that count in each run. program: our own argv[0], beside which the table lies: in a checkout as ../../mk/settings, in
 * an installation as ../mk/settings.
 */
void check_settings(const char *program, const struct list *names);

#endif
