/* room.c - how many bytes the machines of CACHE_DIR take, where some of them have bytes in common. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fiemap.h>
#include <linux/fs.h>
#endif

#include "machine/machine.h"
#include "machine/room.h"

/* Bytes that more than one file may have: of a disk, by their place on it, or of a file with several names, by their place in it. */
struct stretch {
	dev_t disk;
	ino_t file; /* 0: of the disk */
	uint64_t from, to;
	size_t first, end; /* the parts that it is made of, without the last */
};

/* A part begins and ends where any stretch does, so that it belongs to a stretch as a whole or not at all. */
struct part {
	uint64_t from, bytes;
	size_t owners;
};

struct owner {
	uint64_t alone;    /* bytes that nobody else has */
	size_t first, end; /* its stretches, without the last */
};

struct room {
	struct owner *owners; /* in the order of the machines */
	struct stretch *stretches;
	struct part *parts;
	size_t stretch_count, part_count;
	uint64_t taken;
};

/* --- What files have in common */

static void
add_stretch(struct room *r, const struct stat *st, ino_t file, uint64_t from, uint64_t bytes)
{
	if ((r->stretch_count & (r->stretch_count + 1)) == 0) /* room for twice as many */
		r->stretches = xrealloc(r->stretches, (2 * r->stretch_count + 2) * sizeof(*r->stretches));
	r->stretches[r->stretch_count++] =
	    (struct stretch){.disk = st->st_dev, .file = file, .from = from, .to = from + bytes};
}

#ifdef __linux__
enum { EXTENTS = 256 };

/* Bytes of stretches that the file shares with others on its disk; 0 where the disk tells none. Linux, Documentation/filesystems/fiemap.rst. */
static uint64_t
add_shared(struct room *r, int fd, const struct stat *st)
{
	union {
		struct fiemap head;
		char bytes[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	} map;
	uint64_t size = (uint64_t)st->st_size, shared = 0, next = 0;
	bool last = false;

	while (!last && next < size) {
		map.head =
		    (struct fiemap){.fm_start = next, .fm_length = size - next, .fm_extent_count = EXTENTS};
		if (ioctl(fd, FS_IOC_FIEMAP, &map) != 0 || map.head.fm_mapped_extents == 0)
			break;
		for (unsigned i = 0; i < map.head.fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map.head.fm_extents[i];
			uint64_t bytes = e->fe_length;

			next = e->fe_logical + e->fe_length;
			last = last || (e->fe_flags & FIEMAP_EXTENT_LAST) != 0;
			if ((e->fe_flags & FIEMAP_EXTENT_SHARED) == 0 || e->fe_logical >= size)
				continue;
			if (bytes > size - e->fe_logical) /* the last block is not full */
				bytes = size - e->fe_logical;
			add_stretch(r, st, 0, e->fe_physical, bytes);
			shared += bytes;
		}
	}
	return shared;
}
#else
static uint64_t
add_shared(struct room *r, int fd, const struct stat *st)
{
	(void)r, (void)fd, (void)st;
	return 0;
}
#endif

/* The bytes that the file has alone. */
static uint64_t
add_file(struct room *r, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t alone = 0;
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		alone = (uint64_t)st.st_size;
		if (st.st_nlink > 1) {
			add_stretch(r, &st, st.st_ino, 0, alone);
			alone = 0;
		} else
			alone -= add_shared(r, fd, &st);
	}
	close(fd);
	return alone;
}

/* --- The parts of the stretches */

static int
by_place(const void *a, const void *b)
{
	const struct stretch *x = *(struct stretch *const *)a, *y = *(struct stretch *const *)b;

	if (x->disk != y->disk)
		return x->disk < y->disk ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->from != y->from ? (x->from < y->from ? -1 : 1) : 0;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x != *y ? (*x < *y ? -1 : 1) : 0;
}

/* Parts for so many stretches, which are in order and all of one disk or file. */
static void
divide(struct room *r, struct stretch **s, size_t count)
{
	size_t first = r->part_count, n = 0;
	uint64_t *edges = xmalloc(2 * count * sizeof(*edges));

	for (size_t i = 0; i < count; i++) {
		edges[n++] = s[i]->from;
		edges[n++] = s[i]->to;
	}
	qsort(edges, n, sizeof(*edges), by_number);
	for (size_t i = 1; i < n; i++)
		if (edges[i] > edges[i - 1])
			r->parts[r->part_count++] =
			    (struct part){.from = edges[i - 1], .bytes = edges[i] - edges[i - 1]};
	free(edges);
	for (size_t i = 0; i < count; i++) {
		while (first < r->part_count && r->parts[first].from < s[i]->from)
			first++;
		s[i]->first = s[i]->end = first;
		for (; s[i]->end < r->part_count && r->parts[s[i]->end].from < s[i]->to; s[i]->end++)
			if (r->parts[s[i]->end].owners++ == 0)
				r->taken += r->parts[s[i]->end].bytes;
	}
}

static void
divide_all(struct room *r)
{
	struct stretch **s;
	size_t end;

	if (r->stretch_count == 0)
		return;
	s = xmalloc(r->stretch_count * sizeof(struct stretch *));
	r->parts = xmalloc(2 * r->stretch_count * sizeof(*r->parts));
	for (size_t i = 0; i < r->stretch_count; i++)
		s[i] = &r->stretches[i];
	qsort(s, r->stretch_count, sizeof(struct stretch *), by_place);
	for (size_t i = 0; i < r->stretch_count; i = end) {
		end = i + 1;
		while (end < r->stretch_count && s[end]->disk == s[i]->disk && s[end]->file == s[i]->file)
			end++;
		divide(r, s + i, end - i);
	}
	free(s);
}

/* --- What others ask */

struct room *
room_of(const struct entries *e)
{
	struct room *r = xmalloc(sizeof(*r));

	*r = (struct room){.owners = xmalloc((e->count + 1) * sizeof(*r->owners))};
	for (size_t i = 0; i < e->count; i++) {
		struct machine m = name_machine(e->at[i].key);
		struct owner *o = &r->owners[i];

		o->first = r->stretch_count;
		o->alone = add_file(r, m.sidecar) + add_file(r, m.launcher);
		o->end = r->stretch_count;
		r->taken += o->alone;
		free_machine(&m);
	}
	divide_all(r);
	return r;
}

void
room_free(struct room *r)
{
	free(r->owners);
	free(r->stretches);
	free(r->parts);
	free(r);
}

uint64_t
room_taken(const struct room *r)
{
	return r->taken;
}

uint64_t
room_let_go(struct room *r, size_t i)
{
	const struct owner *o = &r->owners[i];
	uint64_t freed = o->alone;

	for (size_t k = o->first; k < o->end; k++)
		for (size_t p = r->stretches[k].first; p < r->stretches[k].end; p++)
			if (--r->parts[p].owners == 0)
				freed += r->parts[p].bytes;
	r->taken -= freed;
	return freed;
}
