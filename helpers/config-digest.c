/*
 * config-digest - the config digest of an image, by the engine's own export.
 *
 * manifest.json names it in every variant of the format: "<hex>.json" before Docker
 * 25 and in podman's docker-archive, "blobs/sha256/<hex>" since. The layers that come
 * before it are read past, never kept. A program of its own, since libarchive takes
 * longer to load than all of identify-image, which needs it for attested images only.
 * Exit: 0 printed; 1 the export tells none; 100 called wrongly; 111 trouble.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"

#define USAGE "usage: config-digest [-h] IMAGE   (environment: DOCKER PUSH_TIMEOUT)\n"

enum { MANIFEST_MAX = 4 << 20 };

/* The text of manifest.json in the tar that comes from fd, or NULL. The caller frees it. */
static char *
read_manifest(int fd)
{
	struct archive *tar = archive_read_new();
	struct archive_entry *entry;
	const char *name; /* NULL where libarchive cannot spell it */
	char *text = NULL;
	la_ssize_t n;

	if (tar == NULL)
		die(EXIT_SYSTEM, "libarchive cannot be initialised");
	archive_read_support_format_tar(tar);
	if (archive_read_open_fd(tar, fd, 1 << 16) == ARCHIVE_OK)
		while (text == NULL && archive_read_next_header(tar, &entry) == ARCHIVE_OK)
			if ((name = archive_entry_pathname(entry)) != NULL &&
			    strcmp(name, "manifest.json") == 0) {
				text = xmalloc(MANIFEST_MAX + 1);
				n = archive_read_data(tar, text, MANIFEST_MAX);
				text[n > 0 ? n : 0] = '\0';
			}
	archive_read_free(tar);
	return text;
}

static bool
parse_config(const char *text, char digest[DIGEST])
{
	char why[WHY];
	json_t *root = read_json(text, strlen(text), why);
	const char *config = json_string_value(json_object_get(json_array_get(root, 0), "Config")), *name;
	char *hex;
	bool good = false;

	if (config) {
		name = base_name(config);
		hex = format("%.*s", (int)strcspn(name, "."), name);
		good = digest_of_hex(hex, "", digest);
		free(hex);
	}
	json_decref(root);
	return good;
}

static pid_t exporter;

/* The read below then ends as at the end of the export. */
static void
on_alarm(int signo)
{
	(void)signo;
	kill(-exporter, SIGKILL);
}

int
main(int argc, char **argv)
{
	char *save[] = {NULL, "save", NULL, NULL}, digest[DIGEST], *text;
	struct command c = {.argv = save, .in = -1, .err = -1, .foreign = true};
	int first, out[2];

	first = operands(argc, argv, USAGE);
	if (argc - first != 1)
		bad_usage(USAGE);
	supervise();
	save[0] = (char *)needed("DOCKER");
	save[2] = argv[first];
	if (pipe(out) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	c.out = out[1];
	exporter = start_command(&c);
	if (exporter < 0)
		die_errno(EXIT_SYSTEM, "cannot run '%s'", save[0]);
	close(out[1]);
	signal(SIGALRM, on_alarm);
	alarm(seconds_setting("PUSH_TIMEOUT", 900));
	text = read_manifest(out[0]);
	alarm(0);
	close(out[0]);
	kill_command(exporter);
	end_as_caught();
	if (text == NULL || !parse_config(text, digest))
		die(EXIT_NO, "the export of '%s' names no config", argv[first]);
	free(text);
	printf("%s\n", digest);
	return 0;
}
