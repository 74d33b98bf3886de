/* shared.c - a pack that failed, for those who waited for it meanwhile. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "machine/shared.h"

#define MARK "failed"

enum { SHARED_MOST = 8 };

#ifndef __linux__
extern char **environ; /* glibc declares it, others do not */
#endif

/* Where PATH has the program; NULL where it has none. The caller frees it. */
static char *
program_path(const char *name)
{
	const char *path = setting("PATH");

	if (strchr(name, '/') != NULL)
		return xstrdup(name);
	while (*path) {
		size_t n = strcspn(path, ":");
		char *file = format("%.*s/%s", (int)n, path, name);

		if (access(file, X_OK) == 0)
			return file;
		free(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/*
 * Settings, and what docker, smolvm and their clients read for themselves. What tells only one make from
 * another is not here.
 */
static bool
matters(const char *variable)
{
	static const char *const names[] = {"ROUTE",         "SQUASH",           "FORCE",
					    "PACK",          "STORE_MAX",        "REGISTRY_IMAGE",
					    "REGISTRY_HOST", "REGISTRY_TIMEOUT", "PUSH_TIMEOUT",
					    "PACK_TIMEOUT",  "TOOL_TIMEOUT",     "PATH",
					    "HOME"};
	static const char *const beginnings[] = {"DOCKER", "SMOLVM", "CONTAINER", "CONTAINERS_", "LD_"};
	static const char proxy[] = "_PROXY";
	size_t n = strcspn(variable, "=");

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strlen(names[i]) == n && strncmp(variable, names[i], n) == 0)
			return true;
	for (size_t i = 0; i < LENGTH(beginnings); i++)
		if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return n >= strlen(proxy) && strncasecmp(variable + n - strlen(proxy), proxy, strlen(proxy)) == 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *
pack_inputs(void)
{
	char *program = program_path(setting("SMOLVM")), *stamp = NULL, *text, hex[SHA256_HEX + 1];
	struct list l = {0};
	struct stat st;
	size_t size = 0;

	for (char **e = environ; *e; e++)
		if (matters(*e))
			list_add(&l, *e);
	if (l.count > 1)
		qsort(l.at, l.count, sizeof(*l.at), by_text);
	if (program && stat(program, &st) == 0)
		stamp = stat_text(&st);
	list_addf(&l, "%s %s", program ? program : "none", stamp ? stamp : "");
	for (size_t i = 0; i < l.count; i++)
		size += strlen(l.at[i]) + 1;
	text = xmalloc(size);
	size = 0;
	for (size_t i = 0; i < l.count; i++) {
		memcpy(text + size, l.at[i], strlen(l.at[i]) + 1);
		size += strlen(l.at[i]) + 1;
	}
	sha256_hex(text, size, hex);
	free(text);
	free(stamp);
	free(program);
	list_free(&l);
	return xstrdup(hex);
}

char *
shared_text(const struct shared *s, const char *older)
{
	char *text = format(MARK "\n%s\n%s\n%ld\n%d\n%s\n%s\n", s->holder, s->inputs, s->pid, s->failure.code,
			    s->failure.step, s->failure.reason);
	struct shared old;
	const char *end;

	for (int i = 1; i < SHARED_MOST && (end = shared_next(older, &old)) != NULL; i++) {
		if (strcmp(old.inputs, s->inputs) != 0) {
			char *longer = format("%s%.*s", text, (int)(end - older), older);

			free(text);
			text = longer;
		}
		shared_free(&old);
		older = end;
	}
	return text;
}

const char *
shared_next(const char *lines, struct shared *s)
{
	enum { HOLDER, INPUTS, PID, CODE, STEP, REASON, LINES };
	const char *line[LINES], *p = lines + strlen(MARK) + 1;
	size_t size[LINES];

	if (strncmp(lines, MARK "\n", strlen(MARK) + 1) != 0)
		return NULL;
	for (int i = 0; i < LINES; i++) {
		line[i] = p;
		size[i] = strcspn(p, "\n");
		if (p[size[i]] != '\n')
			return NULL; /* torn */
		p += size[i] + 1;
	}
	*s = (struct shared){.holder = format("%.*s", (int)size[HOLDER], line[HOLDER]),
			     .inputs = format("%.*s", (int)size[INPUTS], line[INPUTS]),
			     .pid = strtol(line[PID], NULL, 10),
			     .failure = {.code = (int)strtol(line[CODE], NULL, 10),
					 .step = format("%.*s", (int)size[STEP], line[STEP]),
					 .reason = format("%.*s", (int)size[REASON], line[REASON])}};
	return p;
}

void
shared_free(struct shared *s)
{
	free(s->holder);
	free(s->inputs);
	failure_free(&s->failure);
}
