/*
 * tar.c - a tar archive inside a file, read where it lies.
 *
 * libarchive parses; what is here feeds it from the file, jumps over data that
 * nobody asked for, and says where each entry lies. With a pipe the file is
 * filled from it just ahead of what is parsed, so that reading an archive and
 * receiving it are one thing.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/tar.h"

enum {
	CHUNK_MIN = 8 << 10, /* after a jump: most often one header is wanted */
	CHUNK_MAX = 256 << 10,
	ALLOWANCE = 4 << 20, /* PAX headers are at most 1 MiB each; more is an attack */
};

/* Fills the file from the pipe until it holds the byte before end. False, from then on: trouble says why. */
static bool
arrive(struct tar *t, off_t end)
{
	while (t->trouble == 0 && t->pipe >= 0 && t->end < end) {
		ssize_t n = read_some(t->pipe, t->buffer, CHUNK_MAX);

		if (n < 0 || !write_all(t->fd, t->buffer, (size_t)n))
			t->trouble = errno;
		else if (n == 0)
			t->pipe = -1;
		else {
			t->end += n;
			if (t->on_bytes != NULL)
				t->on_bytes(t->on_bytes_arg, (uint64_t)t->end);
		}
	}
	return t->trouble == 0;
}

static la_ssize_t
on_read(struct archive *a, void *arg, const void **bytes)
{
	struct tar *t = arg;
	size_t n = t->chunk;

	*bytes = t->buffer;
	if (!arrive(t, t->at + 1))
		return -1;
	if (n > (uint64_t)(t->end - t->at))
		n = (size_t)(t->end - t->at);
	t->allowance -= (ssize_t)n;
	if (t->allowance < 0) {
		archive_set_error(a, EINVAL, "an entry with more than %d MiB of headers", ALLOWANCE >> 20);
		return -1;
	}
	if (!read_at(t->fd, t->buffer, n, t->at)) {
		archive_set_error(a, errno, "cannot read it: %s", strerror(errno));
		return -1;
	}
	t->at += (off_t)n;
	t->chunk = t->chunk * 2 < CHUNK_MAX ? t->chunk * 2 : CHUNK_MAX;
	return (la_ssize_t)n;
}

/* A jump that ends early is no error here: libarchive reads on, and finds the end, or what is wrong. */
static la_int64_t
on_skip(struct archive *a, void *arg, la_int64_t request)
{
	struct tar *t = arg;

	(void)a;
	if (request > INT64_MAX - t->at || !arrive(t, t->at + request))
		return 0;
	if (request > t->end - t->at)
		request = t->end - t->at;
	t->at += request;
	t->chunk = CHUNK_MIN;
	return request;
}

static bool
broken(const struct tar *t, char why[WHY])
{
	const char *reason = archive_error_string(t->archive);

	if (t->trouble != 0)
		return fail(why, "cannot spool it: %s", error_text(t->trouble));
	return fail(why, "%.150s", reason ? reason : "damaged tar archive");
}

void
tar_init(struct tar *t)
{
	*t = (struct tar){.pipe = -1, .buffer = xmalloc(CHUNK_MAX)};
}

static bool
begin(struct tar *t, off_t start, char why[WHY])
{
	t->start = t->at = start;
	t->chunk = t->pipe >= 0 ? CHUNK_MAX : CHUNK_MIN;
	t->allowance = ALLOWANCE;
	archive_read_free(t->archive);
	t->archive = archive_read_new();
	if (t->archive == NULL)
		die(EXIT_SYSTEM, "out of memory");
	archive_read_support_format_tar(t->archive);
	archive_read_set_read_callback(t->archive, on_read);
	archive_read_set_skip_callback(t->archive, on_skip);
	archive_read_set_callback_data(t->archive, t);
	return archive_read_open1(t->archive) == ARCHIVE_OK || broken(t, why);
}

bool
tar_seek(struct tar *t, int fd, off_t header, off_t end, char why[WHY])
{
	t->fd = fd;
	t->end = end;
	return begin(t, header, why);
}

bool
tar_receive(struct tar *t, int fd, int pipe, char why[WHY])
{
	t->fd = fd;
	t->pipe = pipe;
	t->end = 0;
	return begin(t, 0, why);
}

enum found
tar_next(struct tar *t, char why[WHY])
{
	int rc;

	t->allowance = ALLOWANCE;
	rc = archive_read_next_header(t->archive, &t->entry);
	if (rc == ARCHIVE_EOF)
		return END;
	if (rc != ARCHIVE_OK && (rc != ARCHIVE_WARN || archive_errno(t->archive) != EILSEQ)) {
		broken(t, why);
		return BROKEN;
	}
	t->header = t->start + archive_read_header_position(t->archive);
	t->data = t->start + archive_filter_bytes(t->archive, 0);
	return ENTRY;
}

bool
tar_skip(struct tar *t, char why[WHY])
{
	t->allowance = SSIZE_MAX;
	return archive_read_data_skip(t->archive) == ARCHIVE_OK || broken(t, why);
}

enum found
tar_data(struct tar *t, const void **bytes, size_t *size, off_t *offset, char why[WHY])
{
	int rc;

	t->allowance = SSIZE_MAX;
	rc = archive_read_data_block(t->archive, bytes, size, offset);
	if (rc == ARCHIVE_EOF)
		return END;
	if (rc == ARCHIVE_OK)
		return ENTRY;
	broken(t, why);
	return BROKEN;
}

void
tar_close(struct tar *t)
{
	archive_read_free(t->archive);
	free(t->buffer);
	t->archive = NULL;
	t->buffer = NULL;
}

static bool
clean(const char *raw, bool upwards, char path[PATH_ROOM])
{
	size_t used = 0;

	while (*raw != '\0') {
		size_t n = strcspn(raw, "/");
		bool here = n == 0 || (n == 1 && raw[0] == '.'),
		     up = n == 2 && raw[0] == '.' && raw[1] == '.';

		if ((up && !upwards) || used + n + 2 > PATH_ROOM)
			return false;
		if (up) {
			while (used > 0 && path[--used] != '/')
				;
		} else if (!here) {
			if (used > 0)
				path[used++] = '/';
			memmove(path + used, raw, n);
			used += n;
		}
		raw += n + (raw[n] == '/');
	}
	path[used] = '\0';
	return true;
}

bool
clean_path(const char *raw, char path[PATH_ROOM])
{
	return clean(raw, false, path);
}

bool
clean_link(const char *raw, char path[PATH_ROOM])
{
	return clean(raw, true, path);
}
