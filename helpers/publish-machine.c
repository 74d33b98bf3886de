/*
 * publish-machine - makes what was packed in the run's folder the machine KEY.
 *
 * Checks all of the sidecar, writes the record, flushes the three files to disk
 * and renames them into CACHE_DIR: launcher, record, and last the sidecar, which
 * commits. The caller holds the key's lock. Whatever goes wrong before the last
 * rename leaves no machine.
 * Exit: 0 published; 1 what was packed is not whole; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"
#include "machine/machine.h"
#include "machine/options.h"
#include "machine/sidecar.h"

#define USAGE "usage: publish-machine [-h] KEY\n"

static char *
in_run(const char *key, const char *suffix)
{
	return format("%s/%s%s", needed("RUN"), key, suffix);
}

/* smolvm names them <output> and <output>.smolmachine. */
static void
check_packed(const char *launcher, const char *path, const char *reference, struct sidecar *s,
	     long long sizes[2])
{
	struct stat st;
	char why[200];
	int fd;

	if (lstat(launcher, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || !(st.st_mode & S_IXUSR))
		refuse("SMOLVM: '%s' left no launcher, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	sizes[0] = st.st_size;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		refuse("SMOLVM: '%s' left no sidecar, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	if (!read_sidecar(fd, s, why) || !check_sidecar(fd, s, why))
		refuse("SMOLVM: '%s' left a sidecar that is not whole (%s); nothing was published",
		       setting("SMOLVM"), why);
	if (strcmp(s->image, reference) != 0)
		refuse("SMOLVM: '%s' packed '%s' where '%s' was wanted", setting("SMOLVM"), s->image,
		       reference);
	sizes[1] = st.st_size;
	close(fd);
}

/* {"tag": 0.021, ...} of lines "tag 21" (milliseconds); of a repeated stage the last. */
static void
add_seconds(json_t *seconds, const char *path)
{
	char *text = read_text(path, 65536, NULL), *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *blank = strchr(line, ' ');

		if (blank) {
			*blank = '\0';
			json_object_set_new(seconds, line,
					    json_real((double)strtoll(blank + 1, NULL, 10) / 1000));
		}
	}
	free(text);
}

static void
write_record(const char *key, const char *path, const struct list *settings, const char *reference,
	     const struct sidecar *s, const long long sizes[2])
{
	json_t *options = json_object(), *seconds = json_object(), *root;
	char *build = in_run(value_of(settings, "SLUG"), ".seconds"), *pack = in_run(key, ".seconds");
	char *registry = format("%s/registry", needed("RUN")), *text, created[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (size_t i = 0; i < pack_option_count; i++)
		if (*value_of(settings, pack_option[i].name))
			json_object_set_new(options, pack_option[i].name,
					    json_words(value_of(settings, pack_option[i].name)));
	add_seconds(seconds, build);
	add_seconds(seconds, registry);
	add_seconds(seconds, pack);
	root =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:{s:I, s:I}, s:o}", "image_id",
		      value_of(settings, "IMAGE_ID"), "engine_id", value_of(settings, "ENGINE_ID"), "image",
		      value_of(settings, "IMAGE"), "reference", reference, "digest", s->digest,
		      "smolvm_version", s->version, "created", created, "options", options, "sizes",
		      "launcher", (json_int_t)sizes[0], "sidecar", (json_int_t)sizes[1], "seconds", seconds);
	text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
	if (text == NULL)
		die(EXIT_SYSTEM, "cannot write a record of '%s' (a value that is not UTF-8?)", key);
	write_file(path, text, strlen(text), 0600);
	free(text);
	json_decref(root);
	free(registry);
	free(pack);
	free(build);
}

static void
move(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		die_errno(EXIT_SYSTEM, "cannot publish '%s'", to);
}

static void
flush(const char *path)
{
	if (sync_path(path) != 0)
		die_errno(EXIT_SYSTEM, "cannot flush '%s' to the disk", path);
}

int
main(int argc, char **argv)
{
	char *launcher, *sidecar, *record, *file, *reference, *verified;
	struct list settings = {0};
	const char *key;
	struct machine m;
	struct sidecar s;
	struct stat st;
	long long sizes[2];
	int first;

	first = operands(argc, argv, USAGE);
	if (argc - first != 1)
		bad_usage(USAGE);
	supervise();
	enter_cache();
	key = argv[first];
	m = name_machine(key);
	launcher = in_run(key, "");
	sidecar = in_run(key, ".smolmachine");
	record = in_run(key, ".json");
	file = in_run(key, ".ref");
	reference = first_line(file);
	if (reference == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", file);
	free(file);
	read_settings(key, &settings);
	check_packed(launcher, sidecar, reference, &s, sizes);
	write_record(key, record, &settings, reference, &s, sizes);
	flush(launcher);
	flush(record);
	flush(sidecar);
	if (caught_signal())
		end_as_caught();
	if (rename(m.sidecar, format("%s.old", sidecar)) != 0 && errno != ENOENT)
		die_errno(EXIT_SYSTEM, "cannot move '%s' away", m.sidecar);
	move(launcher, m.launcher);
	move(record, m.record);
	move(sidecar, m.sidecar);
	flush(".");
	/* Read in full just now: the next hit need not read it again. It is a machine also where that cannot
	 * be noted. */
	if (lstat(m.sidecar, &st) == 0) {
		verified = stat_text(&st);
		try_file(m.verified, verified, strlen(verified), 0600);
		free(verified);
	}
	free_machine(&m);
	return 0;
}
