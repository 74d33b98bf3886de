/* settings.h - what each setting may be, by the table of settings, mk/settings. */
#ifndef SETTINGS_H
#define SETTINGS_H

/*
 * Refuses (exit 1) the first setting of a run that is not what the table says, with a line that names it and what it may be. program: our
 * own argv[0], beside which the table lies: in a checkout as ../../mk/settings, in an installation as ../mk/settings.
 */
void check_settings(const char *program);

#endif
