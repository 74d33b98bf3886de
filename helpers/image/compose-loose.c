/* compose-loose.c - what of layers that are put together is written anew, before all of them and behind them. */
#include <stdlib.h>

#include "image/composed.h"

enum { BLOCK = 512 };

/* Pieces of frames, from one place of the plain layer to another, into a sink. */
static bool
copy_plain(const struct framed *l, uint64_t from, uint64_t to, struct member_sink *s)
{
	unsigned char *packed = xmalloc(frame_bound()), *plain = xmalloc(FRAME_MOST);
	uint64_t at = 0;
	bool good = true;

	for (size_t i = 0; good && i < l->frames && at < to; at += l->frame[i++].plain) {
		uint64_t end = at + l->frame[i].plain, first = from > at ? from : at,
			 last = to < end ? to : end;

		if (first < last)
			good = frames_read(l, &l->frame[i], packed, s->why) &&
			       frame_decode(&l->frame[i], packed, plain, s->why) &&
			       member_put(s, plain + (first - at), (size_t)(last - first));
	}
	free(packed);
	free(plain);
	return good;
}

/* It ends its member, but for what fills the last block. */
bool
put_content(struct flat *f, struct member_sink *s, const struct file *file, uint64_t size)
{
	const struct compose *c = f->content_arg;
	const struct framed *l = &c->layer[file->layer];
	uint64_t end = 0;

	for (size_t i = 0; i <= file->entry; i++)
		end += l->member[i];
	end -= -size % BLOCK;
	return copy_plain(l, end - size, end, s);
}

/* All nodes that have the mark, in the order of the tree. */
static bool
put_marked(struct flat *f, struct member_sink *s, unsigned mark)
{
	bool good = true;

	for (const struct node *n = f->tree.root; good && n != NULL; n = tree_after(n))
		if ((n->marks & mark) && (n->parent != NULL || n->file != NULL))
			good = flat_put_node(f, s, n);
	return good;
}

bool
put_loose(struct compose *c, struct flat *f, char why[WHY])
{
	static const char end[2 * BLOCK];
	struct member_sink counter = {.why = why};
	struct file_sink s;
	bool good;

	f->files = 0;
	file_sink_open(&s, c->loose, why);
	good = put_marked(f, &counter, LATE) && put_marked(f, &s.m, EARLY);
	c->early_end = (off_t)s.m.size;
	good = good && put_marked(f, &s.m, LATE) && put_marked(f, &s.m, AGAIN) &&
	       member_put(&s.m, end, sizeof(end));
	c->loose_end = (off_t)s.m.size;
	c->files += f->files;
	return file_sink_close(&s) && good;
}
