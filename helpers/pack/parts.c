/*
 * parts.c - the constant parts of a smolvm's artifacts.
 *
 * An artifact's assets are one tar, compressed by zstd: agent-rootfs.tar, layers/, layers/<hex>.tar, storage.ext4 (run: 1.9.1,
 * 1.17.0 and 1.32.2, the artifacts of one image taken apart; source: crates/smolvm-pack/src/assets.rs). Frames of zstd may follow
 * one another (RFC 8878, section 3), so what is the same in each is compressed once, and copied.
 * A launcher is the engine, a zstd tar of lib/, then 32 bytes: "SMOLLIBS", u32 1, u64 offset and size of that tar, u32 0,
 * little-endian (run: the same three).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/encode.h"
#include "image/header.h"
#include "image/pour.h"
#include "image/proof.h"
#include "image/tar.h"
#include "lib/json.h"
#include "pack/parts.h"

#define FOLDER ".parts"
#define NOTE "parts.json"
/* Counts up when what lies in a folder is made in another way. */
#define FORMAT "1"

enum {
	LEVEL = 3, /* smolvm's own: more takes seconds, and saves a tenth */
	CHUNK = 256 << 10,
	HOLE = 4096, /* a block of ext4 */
	EXTENTS_MAX = 1 << 16,
	UNUSED_SECONDS = 30 * 24 * 3600,
	NOTE_MAX = 4096,
};

/* --- Small things */

static char *
beside(const char *folder, const char *name)
{
	return format("%s/%s", folder, name);
}

static bool
fail_part(char why[WHY], const char *path, const char *what)
{
	return fail(why, "'%.130s' %s", path, what);
}

static bool
add_crc(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct part *p = arg;

	(void)why;
	p->crc = (uint32_t)crc32(p->crc, bytes, (uInt)size);
	return true;
}

/* The CRC-32 of a whole file, and its size. */
static bool
measure(int fd, struct part *p, char why[WHY])
{
	*p = (struct part){
	    .fd = fd, .size = (uint64_t)lseek(fd, 0, SEEK_END), .crc = (uint32_t)crc32(0, NULL, 0)};
	return pour(fd, 0, p->size, add_crc, p, why);
}

static bool
add_piece(void *encoder, const void *bytes, size_t size, char why[WHY])
{
	return encoder_add(encoder, bytes, size, why);
}

static bool
pad(struct encoder *c, uint64_t size, char why[WHY])
{
	static const char zeros[TAR_BLOCK];

	return encoder_add(c, zeros, (size_t)(-size % TAR_BLOCK), why);
}

static bool
add_file(struct encoder *c, const char *name, mode_t mode, int fd, uint64_t size, char why[WHY])
{
	char block[TAR_BLOCK];

	gnu_header(block, name, mode, size);
	return encoder_add(c, block, sizeof(block), why) && pour(fd, 0, size, add_piece, c, why) &&
	       pad(c, size, why);
}

/* A new file of the folder that is being made. */
static int
create(const char *folder, const char *name, mode_t mode, char why[WHY])
{
	char *path = beside(folder, name);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		fail_errno(why, "cannot make '%.120s'", path);
	free(path);
	return fd;
}

/* One frame into out: what fill adds. */
static bool
one_frame(int out, uint64_t about, bool (*fill)(struct encoder *c, void *arg, char why[WHY]), void *arg,
	  char why[WHY])
{
	struct encoder *c = encoder_new(ZSTD, about, out);
	char digest[DIGEST];
	uint64_t length;
	bool good;

	encoder_level(c, LEVEL);
	good = fill(c, arg, why) && encoder_end(c, digest, &length, why);
	encoder_free(c);
	return good;
}

/* --- The agent's root filesystem */

/* What a compressed file holds, or a plain one, piece by piece. */
static bool
decode_file(const char *path, decoder_sink sink, void *arg, char why[WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *chunk = xmalloc(CHUNK);
	struct decoder *d = NULL;
	enum coding coding = PLAIN;
	char reason[WHY] = "";
	bool good = fd >= 0;
	ssize_t n = 0;

	if (!good)
		fail_errno(reason, "cannot be read");
	while (good && (n = read_some(fd, chunk, CHUNK)) > 0) {
		if (d == NULL) {
			if (n >= 4 && memcmp(chunk, "\x28\xb5\x2f\xfd", 4) == 0)
				coding = ZSTD;
			d = decoder_new(coding, sink, arg);
		}
		good = decoder_add(d, chunk, (size_t)n, reason);
	}
	good = good && n == 0 && d != NULL && decoder_end(d, reason);
	if (!good)
		fail(why, "'%.110s': %.70s", path, *reason ? reason : "it is empty or cannot be read");
	if (d != NULL)
		decoder_free(d);
	free(chunk);
	if (fd >= 0)
		close(fd);
	return good;
}

/* Whether it is a tar that has the agent in it. */
static bool
has_agent(int fd, const char *path, char why[WHY])
{
	struct tar t;
	bool found = false;
	char name[PATH_ROOM];
	enum found next = BROKEN;

	tar_init(&t);
	if (tar_seek(&t, fd, 0, lseek(fd, 0, SEEK_END), why))
		while ((next = tar_next(&t, why)) == ENTRY) {
			const char *raw = archive_entry_pathname(t.entry);

			if (raw != NULL && clean_path(raw, name) &&
			    strcmp(name, "usr/local/bin/smolvm-agent") == 0)
				found = true;
			if (!tar_skip(&t, why))
				break;
		}
	tar_close(&t);
	if (next != END)
		return fail_part(why, path, "is no whole tar");
	return found || fail_part(why, path, "has no agent of smolvm in it");
}

/* A folder as a tar: by name, owners by number, so that it is the same each time. */
static bool
archive_folder(const char *path, int out, char why[WHY])
{
	char *argv[] = {"tar",
			"--format=gnu",
			"--sort=name",
			"--numeric-owner",
			"--exclude=./.smolvm-ready*",
			"-C",
			(char *)path,
			"-cf",
			"-",
			".",
			NULL};
	struct command c = {.argv = argv, .in = -1, .out = out, .err = -1, .foreign = true};

	c.timeout = seconds_setting("TOOL_TIMEOUT", 30);
	return try_command(&c).code == 0 || fail_part(why, path, "cannot be packed by tar");
}

static int
open_rootfs(const char *path, char why[WHY])
{
	int fd = unlinked_file(setting("RUN"));
	struct stat st;
	bool good;

	if (fd < 0) {
		fail_errno(why, "cannot make a file");
		return -1;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		good = archive_folder(path, fd, why);
	else
		good = decode_file(path, into_file, &fd, why);
	if (good && has_agent(fd, path, why))
		return fd;
	close(fd);
	return -1;
}

struct rootfs {
	int fd;
	uint64_t size;
};

static bool
fill_head(struct encoder *c, void *arg, char why[WHY])
{
	const struct rootfs *r = arg;

	return add_file(c, "agent-rootfs.tar", S_IFREG | 0644, r->fd, r->size, why);
}

static bool
make_head(const struct found_parts *found, const char *folder, struct parts *p, char why[WHY])
{
	struct rootfs r = {.fd = open_rootfs(found->rootfs, why)};
	int out = r.fd < 0 ? -1 : create(folder, "head", 0600, why);
	bool good = false;

	if (out >= 0) {
		p->rootfs = r.size = (uint64_t)lseek(r.fd, 0, SEEK_END);
		good = one_frame(out, r.size, fill_head, &r, why) && measure(out, &p->head, why);
		close(out);
	}
	if (r.fd >= 0)
		close(r.fd);
	return good;
}

/* --- The disk template */

struct storage {
	struct extent extent[EXTENTS_MAX + 1];
	size_t extents;
	uint64_t size; /* seen so far */
	int fd;        /* what is not a hole, one piece behind the other */
	unsigned char block[HOLE];
	size_t used;
};

static bool
is_hole(const unsigned char *block, size_t size)
{
	return block[0] == 0 && memcmp(block, block + 1, size - 1) == 0;
}

static bool
end_block(struct storage *s, char why[WHY])
{
	struct extent *last = s->extents > 0 ? &s->extent[s->extents - 1] : NULL;
	size_t n = s->used;

	s->used = 0;
	s->size += n;
	if (n == 0 || is_hole(s->block, n))
		return true;
	if (last != NULL && last->offset + last->size == s->size - n)
		last->size += n;
	else if (s->extents == EXTENTS_MAX)
		return fail(why, "it has too many holes");
	else
		s->extent[s->extents++] = (struct extent){s->size - n, n};
	return write_all(s->fd, s->block, n) || fail_errno(why, "cannot write a copy of it");
}

/* Whole blocks of zeros, which are nearly all of it, are not copied first. */
static bool
take_blocks(void *arg, const void *bytes, size_t size, char why[WHY])
{
	struct storage *s = arg;
	const unsigned char *from = bytes;

	while (size > 0) {
		size_t n = size < HOLE - s->used ? size : HOLE - s->used;

		if (s->used == 0 && n == HOLE && is_hole(from, HOLE))
			s->size += HOLE;
		else {
			memcpy(s->block + s->used, from, n);
			s->used += n;
			if (s->used == HOLE && !end_block(s, why))
				return false;
		}
		from += n;
		size -= n;
	}
	return true;
}

static bool
fill_tail(struct encoder *c, void *arg, char why[WHY])
{
	static const char end[2 * TAR_BLOCK];
	struct storage *s = arg;
	bool good = true;

	if (s->size > 0) {
		uint64_t stored = (uint64_t)lseek(s->fd, 0, SEEK_END);
		char *text;
		size_t size;

		/* a last piece without bytes says where the file ends, as GNU tar and smolvm have it */
		s->extent[s->extents++] = (struct extent){s->size, 0};
		size = gnu_sparse_header("storage.ext4", s->size, s->extent, s->extents, &text);
		good = encoder_add(c, text, size, why) && pour(s->fd, 0, stored, add_piece, c, why) &&
		       pad(c, stored, why);
		free(text);
	}
	return good && encoder_add(c, end, sizeof(end), why);
}

static bool
make_tail(const struct found_parts *found, const char *folder, struct parts *p, char why[WHY])
{
	struct storage *s = xmalloc(sizeof(*s));
	int out = -1;
	bool good;

	memset(s, 0, sizeof(*s));
	s->fd = unlinked_file(setting("RUN"));
	good = s->fd >= 0 || fail_errno(why, "cannot make a file");
	if (good && found->template != NULL)
		good = decode_file(found->template, take_blocks, s, why) && end_block(s, why);
	p->storage = s->size;
	good = good && (out = create(folder, "tail", 0600, why)) >= 0 &&
	       one_frame(out, s->size > 0 ? 1 << 20 : 0, fill_tail, s, why) && measure(out, &p->tail, why);
	if (out >= 0)
		close(out);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return good;
}

/* --- The launcher */

static bool
fill_libraries(struct encoder *c, void *arg, char why[WHY])
{
	const struct found_parts *found = ((void **)arg)[0];
	struct parts *p = ((void **)arg)[1];
	static const char end[2 * TAR_BLOCK];
	char block[TAR_BLOCK];
	bool good;

	gnu_header(block, "lib/", S_IFDIR | 0755, 0);
	good = encoder_add(c, block, sizeof(block), why);
	for (size_t i = 0; good && i < found->libraries; i++) {
		int fd = open(found->library[i], O_RDONLY | O_CLOEXEC);
		struct stat st = {0};

		snprintf(p->library[i], sizeof(p->library[i]), "lib/%s", base_name(found->library[i]));
		if (fd < 0 || fstat(fd, &st) != 0)
			good = fail_part(why, found->library[i], "cannot be read");
		p->library_size[i] = (uint64_t)st.st_size;
		good = good && add_file(c, p->library[i], S_IFREG | 0755, fd, p->library_size[i], why);
		if (fd >= 0)
			close(fd);
		p->libraries = i + 1;
	}
	return good && encoder_add(c, end, sizeof(end), why);
}

static bool
make_launcher(const struct found_parts *found, const char *folder, struct parts *p, char why[WHY])
{
	int out = create(folder, "launcher", 0700, why);
	void *both[2] = {(void *)found, p};
	unsigned char footer[32] = "SMOLLIBS";
	off_t at, end;
	bool good;

	if (out < 0)
		return false;
	good = decode_file(found->engine, into_file, &out, why);
	at = lseek(out, 0, SEEK_CUR);
	good = good && one_frame(out, CHUNK << 8, fill_libraries, both, why);
	end = lseek(out, 0, SEEK_CUR);
	put_little(footer + 8, 1, 4);
	put_little(footer + 12, (uint64_t)at, 8);
	put_little(footer + 20, (uint64_t)(end - at), 8);
	good = good && (write_all(out, footer, sizeof(footer)) || fail_errno(why, "cannot write it")) &&
	       measure(out, &p->launcher, why);
	close(out);
	return good;
}

/* --- The folder */

static void
note_part(json_t *note, const char *name, const struct part *p)
{
	json_object_set_new(note, name,
			    json_pack("{s:I, s:I}", "size", (json_int_t)p->size, "crc", (json_int_t)p->crc));
}

static bool
write_note(const struct parts *p, const char *folder, char why[WHY])
{
	json_t *note = json_pack("{s:s, s:I, s:I, s:[]}", "version", p->version, "rootfs",
				 (json_int_t)p->rootfs, "storage", (json_int_t)p->storage, "libraries");
	char *path = beside(folder, NOTE), *text;
	bool good;

	for (size_t i = 0; i < p->libraries; i++)
		json_array_append_new(
		    json_object_get(note, "libraries"),
		    json_pack("{s:s, s:I}", "path", p->library[i], "size", (json_int_t)p->library_size[i]));
	note_part(note, "head", &p->head);
	note_part(note, "tail", &p->tail);
	note_part(note, "launcher", &p->launcher);
	text = json_dumps(note, JSON_INDENT(1));
	good = try_file(path, text, strlen(text), 0600) || fail_errno(why, "cannot write '%.120s'", path);
	free(text);
	free(path);
	json_decref(note);
	return good;
}

static bool
make_parts(const struct found_parts *found, const char *version, const char *folder, char why[WHY])
{
	struct parts p = {0};

	snprintf(p.version, sizeof(p.version), "%s", version);
	return make_head(found, folder, &p, why) && make_tail(found, folder, &p, why) &&
	       make_launcher(found, folder, &p, why) && write_note(&p, folder, why);
}

/* What the parts are made of, by the files' own marks: another installation, or one that was changed, is another name. */
static char *
name_folder(const struct found_parts *found, const char *version)
{
	const char *paths[LIBRARIES_MAX + 3];
	char hex[SHA256_HEX + 1], *text = format("%s %s\n", FORMAT, version);
	size_t n = 0;

	paths[n++] = found->engine;
	paths[n++] = found->rootfs;
	if (found->template != NULL)
		paths[n++] = found->template;
	for (size_t i = 0; i < found->libraries; i++)
		paths[n++] = found->library[i];
	for (size_t i = 0; i < n; i++) {
		struct stat st = {0};
		char *mark, *longer;

		stat(paths[i], &st);
		mark = stat_text(&st);
		longer = format("%s%s %s\n", text, paths[i], mark);
		free(mark);
		free(text);
		text = longer;
	}
	sha256_hex(text, strlen(text), hex);
	free(text);
	return format(FOLDER "/%s-%.16s", version, hex);
}

/* Those of smolvms that nobody has packed with for a month. */
static void
remove_unused(const char *own)
{
	struct list names = {0};

	list_folder(FOLDER, &names);
	for (size_t i = 0; i < names.count; i++) {
		char *path = beside(FOLDER, names.at[i]);
		struct stat st;

		if (strcmp(path, own) != 0 && lstat(path, &st) == 0 &&
		    st.st_mtime < time(NULL) - UNUSED_SECONDS)
			remove_tree(path);
		free(path);
	}
	list_free(&names);
}

static bool
make_folder(const struct found_parts *found, const char *version, const char *folder, char why[WHY])
{
	char *work = format("%s/parts.%ld", setting("RUN"), (long)getpid());
	bool good = (make_folders(work, 0700) == 0 && make_folders(FOLDER, 0700) == 0) ||
		    fail_errno(why, "cannot make '%.120s'", work);

	good = good && make_parts(found, version, work, why);
	/* another run may have been faster */
	if (good && rename(work, folder) != 0 && errno != EEXIST && errno != ENOTEMPTY)
		good = fail_errno(why, "cannot make '%.120s'", folder);
	remove_tree(work);
	free(work);
	if (good)
		remove_unused(folder);
	return good;
}

bool
parts_prepare(const struct found_parts *found, const char *version, char **folder, char why[WHY])
{
	struct parts p;
	char ignored[WHY];

	*folder = name_folder(found, version);
	if (parts_open(&p, *folder, ignored)) {
		parts_close(&p);
		utimensat(AT_FDCWD, *folder, NULL, 0); /* it is in use */
		return true;
	}
	parts_discard(*folder);
	if (make_folder(found, version, *folder, why))
		return true;
	free(*folder);
	*folder = NULL;
	return false;
}

static bool
open_part(json_t *note, const char *folder, const char *name, struct part *p, char why[WHY])
{
	json_t *item = json_object_get(note, name);
	char *path = beside(folder, name), reason[WHY];
	struct stat st;

	p->size = (uint64_t)json_integer_value(json_object_get(item, "size"));
	p->crc = (uint32_t)json_integer_value(json_object_get(item, "crc"));
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (p->fd < 0 || fstat(p->fd, &st) != 0)
		return fail_errno(why, "cannot open '%.100s/%s'", folder, name);
	if (!is_private(&st, reason) || (uint64_t)st.st_size != p->size)
		return fail(why, "'%.100s/%s' is not as it was made", folder, name);
	return true;
}

static void
read_note(json_t *note, struct parts *p)
{
	const char *version = json_string_value(json_object_get(note, "version"));
	json_t *item;
	size_t i;

	snprintf(p->version, sizeof(p->version), "%s", version ? version : "");
	p->rootfs = (uint64_t)json_integer_value(json_object_get(note, "rootfs"));
	p->storage = (uint64_t)json_integer_value(json_object_get(note, "storage"));
	json_array_foreach(json_object_get(note, "libraries"), i, item)
	{
		const char *path = json_string_value(json_object_get(item, "path"));

		if (path == NULL || p->libraries == LIBRARIES_MAX)
			break;
		snprintf(p->library[p->libraries], sizeof(p->library[0]), "%s", path);
		p->library_size[p->libraries++] = (uint64_t)json_integer_value(json_object_get(item, "size"));
	}
}

bool
parts_open(struct parts *p, const char *folder, char why[WHY])
{
	char *path = beside(folder, NOTE), *text = read_private(AT_FDCWD, path, NOTE_MAX);
	json_t *note = text ? read_json(text, strlen(text), why) : NULL;
	bool good;

	*p = (struct parts){.head.fd = -1, .tail.fd = -1, .launcher.fd = -1};
	if (note == NULL)
		fail(why, "'%.150s' cannot be read", path);
	else
		read_note(note, p);
	good = note != NULL && open_part(note, folder, "head", &p->head, why) &&
	       open_part(note, folder, "tail", &p->tail, why) &&
	       open_part(note, folder, "launcher", &p->launcher, why);
	if (!good)
		parts_close(p);
	json_decref(note);
	free(text);
	free(path);
	return good;
}

void
parts_close(struct parts *p)
{
	int *fd[] = {&p->head.fd, &p->tail.fd, &p->launcher.fd};

	for (size_t i = 0; i < LENGTH(fd); i++)
		if (*fd[i] >= 0) {
			close(*fd[i]);
			*fd[i] = -1;
		}
}

void
parts_discard(const char *folder)
{
	remove_tree(folder);
}
