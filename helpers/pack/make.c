/*
 * make.c - the constant parts of a smolvm's artifacts, made of what an installation has.
 *
 * An artifact's assets are one tar, compressed by zstd: agent-rootfs.tar, layers/, layers/<hex>.tar, storage.ext4 (run: 1.9.1,
 * 1.17.0 and 1.32.2, the artifacts of one image taken apart; source: crates/smolvm-pack/src/assets.rs). Frames of zstd may follow
 * one another (RFC 8878, section 3), so what is the same in each is compressed once, and copied.
 * A launcher is the engine, a zstd tar of lib/, then 32 bytes: "SMOLLIBS", u32 1, u64 offset and size of that tar, u32 0,
 * little-endian (run: the same three).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/encode.h"
#include "image/header.h"
#include "image/pour.h"
#include "image/tar.h"
#include "pack/disk.h"
#include "pack/make.h"

enum {
	LEVEL = 3, /* smolvm's own (source: v1.9.2, assets.rs); more takes seconds, and saves a tenth */
};

/* --- Small things */

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
	char *path = format("%s/%s", folder, name);
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
		good = pour_decoded(path, into_file, &fd, why);
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

/* --- The disk template, and the end of the assets */

static bool
fill_tail(struct encoder *c, void *arg, char why[WHY])
{
	static const char end[2 * TAR_BLOCK];

	return disk_write(arg, "storage.ext4", add_piece, c, why) && encoder_add(c, end, sizeof(end), why);
}

static bool
make_tail(const struct found_parts *found, const char *folder, struct parts *p, char why[WHY])
{
	struct disk *disk = disk_read(found->template, setting("RUN"), why);
	int out = disk != NULL ? create(folder, "tail", 0600, why) : -1;
	bool good = false;

	if (out >= 0) {
		p->storage = disk_size(disk);
		good = one_frame(out, p->storage > 0 ? 1 << 20 : 0, fill_tail, disk, why) &&
		       measure(out, &p->tail, why);
		close(out);
	}
	disk_free(disk);
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
	good = pour_decoded(found->engine, into_file, &out, why);
	at = lseek(out, 0, SEEK_CUR);
	good = good && one_frame(out, 64 << 20, fill_libraries, both, why);
	end = lseek(out, 0, SEEK_CUR);
	put_little(footer + 8, 1, 4);
	put_little(footer + 12, (uint64_t)at, 8);
	put_little(footer + 20, (uint64_t)(end - at), 8);
	good = good && (write_all(out, footer, sizeof(footer)) || fail_errno(why, "cannot write it")) &&
	       measure(out, &p->launcher, why);
	close(out);
	return good;
}

/* --- All of them */

/* The program that is beside a command may be another version's. */
static bool
is_version(const char *engine, const char *version, char why[WHY])
{
	char *argv[] = {(char *)engine, "--version", NULL}, *out, *err,
	     *wanted = format("smolvm %s", version);
	bool is = capture(argv, seconds_setting("TOOL_TIMEOUT", 30), &out, &err).code == 0;

	out[strcspn(out, "\n")] = '\0';
	is = is && strcmp(out, wanted) == 0;
	if (!is)
		fail(why, "'%.100s' does not say that it is smolvm %.30s, as the command does", engine,
		     version);
	free(out);
	free(err);
	free(wanted);
	return is;
}

bool
make_parts(const struct found_parts *found, const char *version, const char *folder, struct parts *p,
	   char why[WHY])
{
	*p = (struct parts){0};
	snprintf(p->version, sizeof(p->version), "%s", version);
	return is_version(found->engine, version, why) && make_head(found, folder, p, why) &&
	       make_tail(found, folder, p, why) && make_launcher(found, folder, p, why);
}
