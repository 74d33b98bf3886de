/*
 * publish-machine - makes what was packed in the run's folder the machine KEY.
 *
 * Checks all of the sidecar, unless pack-image did while it wrote; writes the
 * record, flushes the three files to disk and renames them into CACHE_DIR:
 * launcher, record, and last the sidecar, which commits. The caller holds the key's lock. Whatever goes wrong before the last
 * rename leaves no machine.
 * Exit: 0 published; 1 what was packed is not whole; 100 called wrongly; 111 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "image/flatten.h"
#include "machine/machine.h"
#include "machine/quirks.h"
#include "machine/record.h"
#include "run/failure.h"
#include "run/files.h"
#include "run/status.h"

#define USAGE "usage: publish-machine [-h] KEY\n"

static char *
in_run(const char *key, const char *suffix)
{
	return format("%s/%s%s", needed("RUN"), key, suffix);
}

/*
 * The digests by which the image was served: of its config, and of its manifest where that is known. False: a registry container did
 * that, and what it was pushed is taken to be the image itself.
 */
static bool
served_digests(const char *key, const struct list *settings, struct list *digests)
{
	char *path = run_file(key, OF_SERVED), *line = first_line(path), *rest = NULL;
	bool known;

	for (char *one = line ? strtok_r(line, " ", &rest) : NULL; one; one = strtok_r(NULL, " ", &rest))
		if (is_digest(one))
			list_add(digests, one);
	known = digests->count > 0;
	if (!known)
		list_add(digests, value_of(settings, "IMAGE_ID"));
	free(line);
	free(path);
	return known;
}

/*
 * The manifest names the reference that smolvm was given. A later smolvm may pull on the host, and name
 * local:<SHA-256 of the manifest> (seen in its sources, in no release up to 1.32.2): that is as good.
 */
static void
check_reference(const struct sidecar *s, struct packing *p)
{
	struct list digests = {0};
	bool ours = strcmp(s->image, p->reference) == 0,
	     local = strncmp(s->image, "local:", strlen("local:")) == 0;

	if (!ours && local) {
		served_digests(p->key, p->settings, &digests);
		for (size_t i = 0; i < digests.count; i++)
			ours = ours || strcmp(digest_digits(digests.at[i]), s->image + strlen("local:")) == 0;
		p->reference = s->image;
		list_free(&digests);
	}
	if (!ours && local)
		refuse(
		    "SMOLVM: '%s' names what it packed '%s', and nothing shows that this is the image that it was given; nothing was published, give another ROUTE",
		    setting("SMOLVM"), s->image);
	if (!ours)
		refuse("SMOLVM: '%s' packed '%s' where '%s' was wanted", setting("SMOLVM"), s->image,
		       p->reference);
}

/* Its digest is taken while its CRC-32 is: each takes a processor. */
struct digesting {
	const char *path;
	char hex[SHA256_HEX + 1];
	bool good;
};

static void *
take_digest(void *arg)
{
	struct digesting *d = arg;

	d->good = sha256_file(d->path, d->hex);
	return NULL;
}

/* All of the sidecar, against its CRC-32; p gets its digest. */
static bool
read_all(int fd, const char *path, const struct sidecar *s, struct packing *p, char why[200])
{
	struct digesting d = {.path = path};
	pthread_t thread;
	bool threaded = pthread_create(&thread, NULL, take_digest, &d) == 0,
	     whole = check_sidecar(fd, s, why);

	if (threaded)
		pthread_join(thread, NULL);
	else
		take_digest(&d);
	if (!d.good)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	memcpy(p->sidecar_sha256, d.hex, sizeof(d.hex));
	return whole;
}

/* "SHA256 SIZE" of a file that has that size; false: it is to be read. */
static bool
was_read(const char *line, off_t size, char sha256[SHA256_HEX + 1])
{
	char *is = format(" %lld\n", (long long)size), *hex = format("%.*s", SHA256_HEX, line);
	bool good =
	    strspn(hex, "0123456789abcdef") == SHA256_HEX && strncmp(line + SHA256_HEX, is, strlen(is)) == 0;

	if (good)
		memcpy(sha256, hex, SHA256_HEX + 1);
	free(hex);
	free(is);
	return good;
}

/* What pack-image has read again while it wrote, sidecar and launcher. False: another packer has written them. */
static bool
take_written(struct packing *p)
{
	char *path = run_file(p->key, OF_WRITTEN), *text = read_text(path, 512, NULL),
	     *second = text != NULL ? strchr(text, '\n') : NULL;
	bool good = strcmp(setting("PACK"), "native") == 0 && second != NULL &&
		    was_read(text, p->sizes[1], p->sidecar_sha256) &&
		    was_read(second + 1, p->sizes[0], p->launcher_sha256);

	free(text);
	free(path);
	return good;
}

/* smolvm names them <output> and <output>.smolmachine (run: 1.4.5 to 1.32.2). */
static void
check_packed(const char *launcher, const char *path, struct sidecar *s, struct packing *p)
{
	struct stat st;
	char why[200];
	bool whole;
	int fd;

	if (lstat(launcher, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || !(st.st_mode & S_IXUSR))
		refuse("SMOLVM: '%s' left no launcher, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	p->sizes[0] = st.st_size;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		refuse("SMOLVM: '%s' left no sidecar, though it succeeded; see its output with V=1",
		       setting("SMOLVM"));
	p->sizes[1] = st.st_size;
	whole = read_sidecar(fd, s, why);
	if (whole && !take_written(p)) {
		if (!sha256_file(launcher, p->launcher_sha256))
			die_errno(EXIT_SYSTEM, "cannot read '%s'", launcher);
		whole = read_all(fd, path, s, p, why);
	}
	if (!whole)
		refuse("SMOLVM: '%s' left a sidecar that is not whole (%s); nothing was published",
		       setting("SMOLVM"), why);
	check_reference(s, p);
	close(fd);
}

/*
 * smolvm names the image by the digest of its config (run: `make check-real`, cell reader, 1.4.5 to 1.32.2). Where we have served it,
 * another one is another image; of what a registry container serves we only know what an engine should have pushed, and tell.
 */
static void
check_digest(const struct sidecar *s, const struct packing *p)
{
	struct list digests = {0};
	bool known;

	if (strncmp(s->image, "local:", strlen("local:")) == 0)
		return; /* "packed": the image is bound by its bytes (run: 1.32.2) */
	known = served_digests(p->key, p->settings, &digests);
	list_add(&digests, value_of(p->settings, "IMAGE_ID"));
	if (!list_has(&digests, s->digest)) {
		char *text =
		    format("SMOLVM: '%s' packed '%s' as the image '%s', which is not the one that was served",
			   setting("SMOLVM"), s->image, s->digest);

		if (known)
			refuse("%s; nothing was published, give another SMOLVM, or PACK=native", text);
		say_line("warning: %s", text);
		free(text);
	}
	list_free(&digests);
}

static void
tell_outward(const char *key)
{
	char *path = run_file(key, OF_OUTWARD), *link = first_line(path), *name;

	if (link != NULL) {
		name = typed_names(key);
		say_line(OUTWARD_WARNING, name, link);
		free(name);
	}
	free(link);
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
	json_t *inspection;
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
	status_begin(key, "VERIFY");
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
	tell_outward(key);
	p.native = strcmp(setting("PACK"), "native") == 0;
	p.one_layer =
	    p.native || strcmp(setting("ROUTE"), "archive") == 0 || gets_one_layer(smolvm_quirks(s.version));
	failure_about(key, "publish");
	inspection = kept_inspection(value_of(&settings, "SLUG"));
	p.layers = json_object_get(json_object_get(inspection, "RootFS"), "Layers");
	write_record(record, &p);
	json_decref(inspection);
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
	status_end(key);
	free_machine(&m);
	return 0;
}
