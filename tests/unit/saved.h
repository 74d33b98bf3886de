/*
 * saved.h - exports made by hand, member by member, right or wrong; and layers to put into them. Comes before
 * unit.h.
 */
#ifndef SAVED_H
#define SAVED_H

#include "image/export.h" /* before cmocka, whose fail() is a macro */

#include "unit.h"

#define SAVED "saved.tar"

static FILE *saved;    /* the archive that is being written */
static unsigned owner; /* of the members to come */
static unsigned mode = 0644;

UNUSED static void
begin_archive(const char *path)
{
	saved = fopen(path, "w");
	assert_non_null(saved);
}

/* A member as a tar has it; claim, if not what there is, is the size that its header says. */
UNUSED static void
put_member_claiming(char type, const char *name, const char *link, const void *bytes, size_t size,
		    uint64_t claim)
{
	static const char zeros[512];
	unsigned char h[512] = {0};
	unsigned sum = 8 * ' ';

	memcpy(h, name, strnlen(name, 100));
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf((char *)h + 100, 8, "%07o", mode);
	snprintf((char *)h + 108, 8, "%07o", owner);
	h[124] = 0x80; /* base 256: any size can be claimed */
	for (int i = 0; i < 8; i++)
		h[135 - i] = (unsigned char)(claim >> 8 * i);
	memcpy(h + 136, "00000000000", 12);
	h[156] = (unsigned char)type;
	memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	h[155] = ' ';
	fwrite(h, sizeof(h), 1, saved);
	if (size > 0)
		fwrite(bytes, size, 1, saved);
	fwrite(zeros, 1, -size % 512, saved);
}

UNUSED static void
put_member(char type, const char *name, const char *link, const void *bytes, size_t size)
{
	put_member_claiming(type, name, link, bytes, size, size);
}

UNUSED static void
put_text_member(const char *name, const char *text)
{
	put_member('0', name, "", text, strlen(text));
}

/* The archive is whole; open for reading. */
UNUSED static void
end_archive(void)
{
	static const char end[1024];

	fwrite(end, sizeof(end), 1, saved);
	assert_int_equal(fclose(saved), 0);
}

UNUSED static int
open_saved(void)
{
	int fd = open(SAVED, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The whole of a file that a test has written. */
struct bytes {
	char *at;
	size_t size;
};

UNUSED static struct bytes
read_bytes(const char *path)
{
	struct bytes b;

	b.at = read_text(path, 64 << 20, &b.size);
	assert_non_null(b.at);
	return b;
}

UNUSED static const char *
digest_of(const void *bytes, size_t size)
{
	static char digest[4][DIGEST];
	static size_t next;
	char hex[SHA256_HEX + 1];

	next = (next + 1) % LENGTH(digest);
	sha256_hex(bytes, size, hex);
	snprintf(digest[next], DIGEST, "sha256:%s", hex);
	return digest[next];
}

/* A config for these diff_ids (at most four, NULL behind the last). The caller frees it. */
UNUSED static char *
config_for(const char *const *diff_id)
{
	char ids[512] = "";

	for (size_t i = 0; diff_id[i] != NULL; i++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s\"%s\"", i > 0 ? "," : "",
			 diff_id[i]);
	return format(
	    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]},\"history\":[{\"created_by\":\"x\"}]}",
	    ids);
}

/* An export by docker before 25: layers of these bytes, each by the digest of what it holds when plain. */
UNUSED static void
save_image(const struct bytes *layer, const char *const *diff_id)
{
	char *config = config_for(diff_id), *manifest, names[256] = "", name[32];

	begin_archive(SAVED);
	for (size_t i = 0; diff_id[i] != NULL; i++) {
		snprintf(name, sizeof(name), "%zu/layer.tar", i);
		put_member('0', name, "", layer[i].at, layer[i].size);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s\"%s\"", i > 0 ? "," : "",
			 name);
	}
	put_text_member("config.json", config);
	manifest = format("[{\"Config\":\"config.json\",\"RepoTags\":null,\"Layers\":[%s]}]", names);
	put_text_member("manifest.json", manifest);
	end_archive();
	free(config);
	free(manifest);
}

#endif
