/*
 * machine.c - is the cache's entry for a key a whole machine?
 *
 * The sidecar commits: where it is, launcher and record must be whole and its own.
 * Footer, sizes and manifest are read each time; all of it (CRC-32) only when the
 * file is another one than that read last, told by device, inode, size, mtime, ctime.
 * A whole machine with a wrong tree is none, unless SQUASH=0 asks for it: see smolvm.c, merge.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/sidecar.h"
#include "machine/smolvm.h"

enum { RECORD_MAX = 1 << 20 };

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

/* A record is ours to judge by; claude-bottle's own entries have none. */
static bool
record_fits(const struct machine *m, const char *image_id, const struct sidecar *s, long long launcher,
	    long long sidecar, char why[200])
{
	json_t *root, *sizes;
	const char *id, *digest;
	char *text = read_private(AT_FDCWD, m->record, RECORD_MAX);
	bool fits = true;

	if (text == NULL && errno == ENOENT)
		return true;
	root = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	if (root == NULL) {
		snprintf(why, 200, "its record cannot be read");
		return false;
	}
	id = json_string_value(json_object_get(root, "image_id"));
	digest = json_string_value(json_object_get(root, "digest"));
	sizes = json_object_get(root, "sizes");
	if (id && *image_id && strcmp(id, image_id) != 0)
		refuse("'%s' is another image's machine (%s) whose ID begins alike; move it away, then run "
		       "make again",
		       m->sidecar, id);
	if (json_integer_value(json_object_get(sizes, "sidecar")) != sidecar ||
	    json_integer_value(json_object_get(sizes, "launcher")) != launcher ||
	    (digest && strcmp(digest, s->digest) != 0)) {
		snprintf(why, 200, "its record is not of these files");
		fits = false;
	}
	json_decref(root);
	return fits;
}

/* A merged layer has no digest of its own: it is called after the image's (v1.9.2, src/cli/pack.rs:448). */
static bool
merged_layers(const char *image_digest, const char *layer_digest)
{
	char hex[SHA256_HEX + 1], *text = format("merged-%s", image_digest);
	bool merged;

	sha256_hex(text, strlen(text), hex);
	merged = strncmp(layer_digest, "sha256:", 7) == 0 && strcmp(layer_digest + 7, hex) == 0;
	free(text);
	return merged;
}

/* Packed from a reference whose tag is the key's ID: another image's sidecar is not. */
static bool
names_key(const char *image, const char *key)
{
	const char *colon = strrchr(image, ':');

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

static bool
read_all(int fd, const struct machine *m, const struct sidecar *s, const struct stat *st, char why[200])
{
	char *now = stat_text(st), *then = read_private(AT_FDCWD, m->verified, 256);
	bool known = then && strcmp(now, then) == 0, good = known || check_sidecar(fd, s, why);

	if (good && !known)
		try_file(m->verified, now, strlen(now), 0600); /* else it is read again */
	free(then);
	free(now);
	return good;
}

/*
 * What the cache holds for key; image_id is the full ID ("" to leave the record's
 * unasked). DAMAGED: why says how. Another image under the same 16 digits ends
 * the program (exit 1).
 */
enum machine_state
machine_state(const char *key, const char *image_id, char why[200])
{
	struct machine m = name_machine(key);
	enum machine_state state = DAMAGED;
	struct stat st, launcher;
	struct sidecar s;
	int fd = -1;

	if (lstat(m.sidecar, &st) != 0 && errno == ENOENT)
		state = MISSING;
	else if (lstat(m.sidecar, &st) != 0)
		snprintf(why, 200, "it cannot be looked at (%s)", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(why, 200, "it is no regular file");
	else if ((fd = open(m.sidecar, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0 ||
		 fstat(fd, &st) != 0)
		snprintf(why, 200, "it cannot be read (%s)", strerror(errno));
	else if (!is_private(&st, why) || !read_sidecar(fd, &s, why) || !launcher_fits(&m, &launcher, why))
		state = DAMAGED;
	else if (merged_layers(s.digest, s.layer) && (smolvm_faults(s.version) & FAULT_MERGE) &&
		 strcmp(setting("SQUASH"), "0") != 0)
		snprintf(why, 200, "smolvm %s packed it from several layers, and brings deleted files back",
			 s.version);
	else if (!names_key(s.image, key))
		snprintf(why, 200, "it was packed from '%.120s'", s.image);
	else if (record_fits(&m, image_id, &s, launcher.st_size, st.st_size, why) &&
		 read_all(fd, &m, &s, &st, why))
		state = WHOLE;
	if (fd >= 0)
		close(fd);
	free_machine(&m);
	return state;
}
