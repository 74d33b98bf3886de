/* settings.c - what each setting may be. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/lib.h"
#include "machine/settings.h"

enum { TABLE_MAX = 1 << 16, MIB_MOST = 1 << 30 };

/* The table's text; the caller frees it. */
static char *
read_table(const char *program)
{
	static const char *const places[] = {"../../mk/settings", "../mk/settings"};
	char *text = NULL;

	for (size_t i = 0; text == NULL && i < LENGTH(places); i++) {
		char *path = sibling_program(program, places[i]);

		text = read_text(path, TABLE_MAX, NULL);
		free(path);
	}
	if (text == NULL)
		die_errno(EXIT_SYSTEM, "cannot read mk/settings");
	return text;
}

/* "ROUTE=auto, ROUTE=push or ROUTE=direct" of "auto|push|direct". The caller frees it. */
static char *
choices_text(const char *name, const struct list *choices)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < choices->count; i++) {
		const char *between = i == 0 ? "" : i + 1 < choices->count ? ", " : " or ";
		char *longer = format("%s%s%s=%s", text, between, name, choices->at[i]);

		free(text);
		text = longer;
	}
	return text;
}

static void
check_choice(const char *name, const char *value, char *choices)
{
	bool is_switch = strcmp(choices, "0|1") == 0;
	struct list all = {0};
	char *rest = NULL;

	for (char *one = strtok_r(choices, "|", &rest); one; one = strtok_r(NULL, "|", &rest))
		list_add(&all, one);
	if (is_switch && !list_has(&all, value))
		refuse("%s: '%s' is neither 0 nor 1; leave it out to have it decided", name, value);
	if (!list_has(&all, value))
		refuse("%s: '%s' is not known; give %s, or leave it out", name, value,
		       choices_text(name, &all));
	list_free(&all);
}

/* kind: changed. */
static void
check_value(const char *name, const char *value, char *kind)
{
	char *argument = kind + strcspn(kind, ":"), *most;

	if (*argument != '\0')
		*argument++ = '\0';
	if (strcmp(kind, "seconds") == 0)
		seconds_setting(name, 0);
	else if (strcmp(kind, "one") == 0)
		check_choice(name, value, argument);
	else if (strcmp(kind, "mib") == 0)
		mebibytes_of(name, value, strtoll(argument, NULL, 10), MIB_MOST);
	else if (strcmp(kind, "count") == 0 && (most = strchr(argument, ':')) != NULL)
		number(name, value, strtoll(argument, NULL, 10), strtoll(most + 1, NULL, 10));
}

/* The line's setting is checked where it is one of the names; where there are none (NULL), where it counts in each run. */
static void
check_line(char *line, const struct list *names)
{
	char *rest = NULL, *where = strtok_r(line, ":", &rest), *name = strtok_r(NULL, " ", &rest), *kind;
	bool is_setting = where != NULL && (strcmp(where, "run") == 0 || strcmp(where, "goal") == 0);

	if (!is_setting ||
	    (names == NULL ? strcmp(where, "run") != 0 : name == NULL || !list_has(names, name)))
		return;
	if (name == NULL || strtok_r(NULL, " ", &rest) == NULL || (kind = strtok_r(NULL, " ", &rest)) == NULL)
		die(EXIT_SYSTEM, "mk/settings: '%s:%s' is no line of the table", where, name ? name : "");
	if (*setting(name) != '\0')
		check_value(name, setting(name), kind);
}

void
check_settings(const char *program, const struct list *names)
{
	char *text = read_table(program), *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		check_line(line, names);
	free(text);
}
