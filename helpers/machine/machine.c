/*
 * machine.c - is the cache's entry for a key a whole machine?
 *
 * The sidecar commits: where it is, launcher and record must be whole and its own.
 * Footer, sizes and manifest are read each time; all of it (CRC-32 of the sidecar, SHA-256 of the launcher)
 * only when a file is another one than that read last, told by device, inode, size, mtime, ctime. A whole
 * machine with a wrong tree is none, unless SQUASH=0 asks for it: see smolvm.c, merge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/quirks.h"
#include "machine/record.h"
#include "machine/sidecar.h"

struct machine
name_machine(const char *key)
{
	return (struct machine){
	    .launcher = format("%s.smolmachine", key),
	    .sidecar = format("%s.smolmachine.smolmachine", key),
	    .record = format("%s.json", key),
	    .verified = format(".verified/%s", key),
	};
}

void
free_machine(struct machine *m)
{
	free(m->launcher);
	free(m->sidecar);
	free(m->record);
	free(m->verified);
}

/* A merged layer has no digest of its own: it is called after the image's (v1.9.2, src/cli/pack.rs:448). */
static bool
merged_layers(const char *image_digest, const char *layer_digest)
{
	char digest[DIGEST], *text = format("merged-%s", image_digest);
	bool merged;

	digest_bytes(text, strlen(text), digest);
	merged = strcmp(layer_digest, digest) == 0;
	free(text);
	return merged;
}

/*
 * Packed from a reference whose tag is the key's ID, or from an archive that the record of this key, which
 * has the image's whole ID, knows by its digest: another image's sidecar is neither.
 */
static bool
names_key(const char *image, const char *key, json_t *record)
{
	const char *colon = strrchr(image, ':'), *reference = record ? record_reference(record) : NULL;

	if (strncmp(image, "local:", strlen("local:")) == 0)
		return reference && strcmp(image, reference) == 0;
	return colon && strncmp(colon + 1, key, ID16) == 0 && colon[1 + ID16] == '\0';
}

static bool
launcher_fits(const struct machine *m, struct stat *st, char why[200])
{
	char reason[200];

	if (lstat(m->launcher, st) != 0 || !S_ISREG(st->st_mode) || st->st_size == 0 ||
	    !(st->st_mode & S_IXUSR)) {
		snprintf(why, 200, "its launcher is missing or no program");
		return false;
	}
	if (!is_private(st, reason)) {
		snprintf(why, 200, "its launcher: %.180s", reason);
		return false;
	}
	return true;
}

/* The lines of .verified: what both files were like. The caller frees it. */
static char *
seen_text(const struct stat *sidecar, const struct stat *launcher)
{
	char *first = stat_text(sidecar), *second = stat_text(launcher),
	     *text = format("%s%s", first, second);

	free(first);
	free(second);
	return text;
}

void
remember_whole(const struct machine *m)
{
	struct stat sidecar, launcher;
	char *text;

	if (lstat(m->sidecar, &sidecar) != 0 || lstat(m->launcher, &launcher) != 0)
		return;
	text = seen_text(&sidecar, &launcher);
	try_file(m->verified, text, strlen(text), 0600);
	free(text);
}

static bool
check_launcher(const struct machine *m, const char *sha256, char why[200])
{
	char hex[SHA256_HEX + 1];

	if (sha256 == NULL)
		return true;
	if (!sha256_file(m->launcher, hex)) {
		snprintf(why, 200, "its launcher cannot be read (%s)", strerror(errno));
		return false;
	}
	if (strcmp(hex, sha256) != 0)
		snprintf(why, 200, "its launcher has other bytes than the one that was published");
	return strcmp(hex, sha256) == 0;
}

/*
 * All of both files, each only where it is another one than that read last. An older version remembered the
 * sidecar alone, which is the first line.
 */
static bool
read_all(int fd, const struct machine *m, const struct sidecar *s, const struct stat *sidecar,
	 const struct stat *launcher, const char *launcher_sha256, char why[200])
{
	char *now = seen_text(sidecar, launcher), *then = read_private(AT_FDCWD, m->verified, 512);
	size_t first = strcspn(now, "\n") + 1;
	bool sidecar_known = then && strncmp(then, now, first) == 0,
	     launcher_known = sidecar_known && strcmp(then, now) == 0;
	bool good = (sidecar_known || check_sidecar(fd, s, why)) &&
		    (launcher_known || check_launcher(m, launcher_sha256, why));

	if (good && !launcher_known)
		try_file(m->verified, now, strlen(now), 0600); /* else it is read again */
	free(then);
	free(now);
	return good;
}

/* As smolvm calls it (source: v1.9.2, src/platform/mod.rs, host_oci_platform); "" where it has no name for it. */
static void
name_host(char host[64])
{
	struct utsname u;
	char *platform;

	*host = '\0';
	if (uname(&u) != 0)
		return;
	platform = platform_of(u.sysname, u.machine, "");
	if (platform && (strstr(platform, "/amd64") || strstr(platform, "/arm64")))
		snprintf(host, 64, "%s", platform);
	free(platform);
}

/*
 * smolvm runs on one kind of host what it packed there, by the manifest's word; older ones left none
 * (source: v1.9.2, src/cli/pack_run.rs, platform mismatch).
 */
static bool
fits_host(const struct sidecar *s, char why[200])
{
	char host[64];

	name_host(host);
	if (*s->host == '\0' || *host == '\0' || strcmp(s->host, host) == 0)
		return true;
	snprintf(why, 200, "it was packed on %.60s, and runs there only; this is %s", s->host, host);
	return false;
}

/*
 * SQUASH=1 takes what was packed as one layer, SQUASH=0 what was not, and otherwise all will do that has the
 * right tree. An image of one layer is packed so in any case.
 */
static bool
fits_squash(const struct sidecar *s, json_t *record, const struct list *settings, char why[200])
{
	const char *squash = setting("SQUASH");
	json_t *one = json_object_get(record, "one_layer");
	bool merged = merged_layers(s->digest, s->layer);

	if (strcmp(squash, "1") == 0) {
		if (!merged && (json_is_true(one) || strcmp(value_of(settings, "LAYERS"), "1") == 0))
			return true;
		snprintf(why, 200,
			 json_is_boolean(one) || merged
			     ? "SQUASH=1 asks for one layer, and it was packed from several"
			     : "SQUASH=1 asks for one layer, and nothing tells of how many it was packed");
		return false;
	}
	if (strcmp(squash, "0") == 0) {
		if (!json_is_true(one) || strcmp(value_of(settings, "LAYERS"), "1") == 0)
			return true;
		snprintf(why, 200, "SQUASH=0 asks for the image's own layers, and it was packed as one");
		return false;
	}
	if (!merged || !(smolvm_quirks(s->version) & QUIRK_ONE_LAYER))
		return true;
	snprintf(why, 200, "smolvm %s packed it from several layers, and brings deleted files back",
		 s->version);
	return false;
}

static bool
fits(const struct machine *m, const struct sidecar *s, json_t *record, const struct list *settings,
     char why[200])
{
	if (record) {
		char *path = *setting("CACHE_DIR") ? format("%s/%s", setting("CACHE_DIR"), m->sidecar)
						   : xstrdup(m->sidecar);

		refuse_collision(record, settings, path);
		free(path);
	}
	return fits_host(s, why) && fits_squash(s, record, settings, why);
}

/* Without a record nothing tells of options; claude-bottle, which writes none, packs with none. */
static bool
has_record(const struct machine *m, const char *key, json_t **record, char why[200])
{
	*record = read_record(m->record);
	if (*record)
		return true;
	if (errno == ENOENT && strlen(key) == ID16)
		return true;
	snprintf(why, 200, errno == ENOENT ? "its record is missing" : "its record cannot be read");
	return false;
}

/* The sidecar is open: is all the rest there, and its own? */
static enum machine_state
judge(int fd, const char *key, const struct machine *m, const struct list *settings, const struct stat *st,
      struct finding *f)
{
	struct stat launcher;
	json_t *record = NULL;
	struct sidecar s;

	f->state = DAMAGED;
	if (!is_private(st, f->why) || !read_sidecar(fd, &s, f->why) ||
	    !launcher_fits(m, &launcher, f->why) || !has_record(m, key, &record, f->why))
		return f->state;
	snprintf(f->version, sizeof(f->version), "%s", s.version);
	if (!names_key(s.image, key, record))
		snprintf(f->why, sizeof(f->why), "it was packed from '%.120s'", s.image);
	else if (record && !record_describes(record, &s, launcher.st_size, st->st_size))
		snprintf(f->why, sizeof(f->why), "its record is not of these files");
	else if (settings && !fits(m, &s, record, settings, f->why))
		f->state = UNFIT;
	else if (read_all(fd, m, &s, st, &launcher, record ? record_launcher(record) : NULL, f->why))
		f->state = WHOLE;
	json_decref(record);
	return f->state;
}

enum machine_state
machine_state(const char *key, const struct list *settings, struct finding *f)
{
	struct machine m = name_machine(key);
	struct stat st;
	int fd = -1;

	*f = (struct finding){.state = DAMAGED};
	if (lstat(m.sidecar, &st) != 0 && errno == ENOENT)
		f->state = MISSING;
	else if (lstat(m.sidecar, &st) != 0)
		snprintf(f->why, sizeof(f->why), "it cannot be looked at (%s)", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(f->why, sizeof(f->why), "it is no regular file");
	else if ((fd = open(m.sidecar, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0 ||
		 fstat(fd, &st) != 0)
		snprintf(f->why, sizeof(f->why), "it cannot be read (%s)", strerror(errno));
	else
		judge(fd, key, &m, settings, &st, f);
	if (fd >= 0)
		close(fd);
	free_machine(&m);
	return f->state;
}
