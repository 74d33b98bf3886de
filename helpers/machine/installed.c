/*
 * installed.c - remembers which version the smolvm of PATH is, in CACHE_DIR/.id/smolvm.
 *
 * A hit needs no smolvm and should start none, but tells of a machine that an older one packed. Lines of the
 * memory: a hash of smolvm's path and of all variables with SMOLVM in their names, what the file was like,
 * the version.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"
#include "machine/installed.h"
#include "machine/quirks.h"

#define MEMORY ".id/smolvm"

/*
 * More than a version takes anywhere; what hangs is not waited for by every hit, since "" is remembered too.
 */
enum { ASK_SECONDS = 10 };

extern char **environ;

static void
hash_surroundings(const char *path, char hex[SHA256_HEX + 1])
{
	char *text = format("%s\n", path), *longer;

	for (char **variable = environ; *variable; variable++) {
		const char *smolvm = strstr(*variable, "SMOLVM"), *equals = strchr(*variable, '=');

		if (smolvm == NULL || equals == NULL || smolvm > equals)
			continue;
		longer = format("%s%zu %s\n", text, strlen(*variable), *variable);
		free(text);
		text = longer;
	}
	sha256_hex(text, strlen(text), hex);
	free(text);
}

/* The first line of what it says, where there is a version in it. */
static void
ask(char *path, char version[40])
{
	char *argv[] = {path, "--version", NULL}, *out, *err;
	struct outcome o = capture(argv, ASK_SECONDS, &out, &err);

	out[strcspn(out, "\n")] = '\0';
	if (o.code == 0 && parse_version(out) >= 0)
		snprintf(version, 40, "%.39s", out);
	free(out);
	free(err);
}

void
installed_smolvm(char version[40])
{
	char *path = find_program(setting("SMOLVM")), *like, *seen, *then, *now;
	char hex[SHA256_HEX + 1];
	struct stat st;
	size_t n;

	*version = '\0';
	if (path == NULL || stat(path, &st) != 0) {
		free(path);
		return;
	}
	hash_surroundings(path, hex);
	like = stat_text(&st);
	seen = format("%s\n%s", hex, like);
	n = strlen(seen);
	then = read_private(AT_FDCWD, MEMORY, 512);
	if (then && strncmp(then, seen, n) == 0)
		snprintf(version, 40, "%.*s", (int)strcspn(then + n, "\n"), then + n);
	else {
		ask(path, version);
		now = format("%s%s\n", seen, version);
		if (!caught_signal())
			try_file(MEMORY, now, strlen(now), 0600); /* else it is asked again */
		free(now);
	}
	free(then);
	free(seen);
	free(like);
	free(path);
}
