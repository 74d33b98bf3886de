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
#include <unistd.h>

#include "machine/machine.h"
#include "machine/quirks.h"
#include "machine/record.h"
#include "run/failure.h"
#include "run/files.h"

#define USAGE "usage: publish-machine [-h] KEY\n"

static char *
in_run(const char *key, const char *suffix)
{
	return format("%s/%s%s", needed("RUN"), key, suffix);
}

/* smolvm names them <output> and <output>.smolmachine. */
static void
check_packed(const char *launcher, const char *path, struct sidecar *s, struct packing *p)
{
	struct stat st;
	char why[200];
	int fd;

	if (lstat(launcher, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || !(st.st_mode & S_IXUSR))
		refuse("SMOLVM: '%s' left no launcher, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	p->sizes[0] = st.st_size;
	if (!sha256_file(launcher, p->launcher_sha256))
		die_errno(EXIT_SYSTEM, "cannot read '%s'", launcher);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		refuse("SMOLVM: '%s' left no sidecar, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	if (!read_sidecar(fd, s, why) || !check_sidecar(fd, s, why))
		refuse("SMOLVM: '%s' left a sidecar that is not whole (%s); nothing was published",
		       setting("SMOLVM"), why);
	if (strcmp(s->image, p->reference) != 0)
		refuse("SMOLVM: '%s' packed '%s' where '%s' was wanted", setting("SMOLVM"), s->image,
		       p->reference);
	p->sizes[1] = st.st_size;
	close(fd);
}

/*
 * smolvm names the image by the digest of its config (run: 1.4.5, 1.9.1, 1.17.0 and 1.32.2, `make check-real`). Another
 * one is told, and not refused as another reference is, while most versions were not seen to do so. An engine
 * pushes the image's own config to any registry.
 */
static void
check_digest(const struct sidecar *s, const struct packing *p)
{
	char *path = run_file(p->key, OF_SERVED), *line = first_line(path), *rest = NULL;
	char *digests = line ? line : xstrdup(value_of(p->settings, "IMAGE_ID"));
	bool same = false;

	for (char *one = strtok_r(digests, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
		same = same || strcmp(one, s->digest) == 0;
	if (!same)
		say_line(
		    "warning: SMOLVM: '%s' packed '%s' as the image '%s', which is not the one that was served",
		    setting("SMOLVM"), s->image, s->digest);
	free(digests);
	free(path);
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
	char *launcher, *sidecar, *record, *file, *reference, *renew;
	struct list settings = {0};
	const char *key;
	struct machine m;
	struct packing p;
	struct sidecar s;
	int first;

	first = operands(argc, argv, USAGE);
	if (argc - first != 1)
		bad_usage(USAGE);
	supervise();
	enter_cache();
	key = argv[first];
	failure_about(key, "verify");
	m = name_machine(key);
	launcher = in_run(key, "");
	sidecar = in_run(key, ".smolmachine");
	record = in_run(key, ".json");
	file = run_file(key, OF_REF);
	reference = first_line(file);
	if (reference == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", file);
	free(file);
	read_settings(key, &settings);
	p = (struct packing){.key = key, .reference = reference, .sidecar = &s, .settings = &settings};
	check_packed(launcher, sidecar, &s, &p);
	check_digest(&s, &p);
	p.one_layer = gets_one_layer(smolvm_quirks(s.version));
	failure_about(key, "publish");
	write_record(record, &p);
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
	remember_whole(&m); /* read in full just now */
	renew = run_file(key, OF_RENEW);
	unlink(renew);
	free(renew);
	failure_forget(key); /* of a first try */
	free_machine(&m);
	return 0;
}
