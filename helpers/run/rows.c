/* rows.c - what is known of each image of a run while it goes on. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/words.h"
#include "run/failure.h"
#include "run/files.h"
#include "run/rows.h"

enum { LAST_LINE_MAX = 512 }; /* bytes of a build's last line */

static void
add_rows(struct rows *rows)
{
	struct list slugs = {0};

	read_slugs(&slugs);
	if (slugs.count > 0)
		rows->at = xmalloc(slugs.count * sizeof(*rows->at));
	for (size_t i = 0; i < slugs.count; i++)
		rows->at[i] = (struct row){.slug = xstrdup(slugs.at[i]), .typed = typed_name(slugs.at[i])};
	rows->count = slugs.count;
	list_free(&slugs);
}

void
rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->at[i].slug);
		free(rows->at[i].typed);
		free(rows->at[i].key);
	}
	free(rows->at);
	*rows = (struct rows){0};
}

static void
look(struct row *r, int64_t now)
{
	struct status before = r->now;

	if (r->key == NULL) {
		char *path = run_file(r->slug, OF_KEY);

		r->key = first_line(path);
		free(path);
	}
	if (r->key == NULL || !status_read(r->key, &r->now))
		status_read(r->slug, &r->now);
	if (strcmp(r->now.verb, before.verb) != 0)
		r->since = r->spoken = now;
}

void
rows_look(struct rows *rows, int64_t now)
{
	if (rows->count == 0)
		add_rows(rows);
	for (size_t i = 0; i < rows->count; i++)
		look(&rows->at[i], now);
}

bool
is_built(const struct row *r)
{
	return strcmp(r->now.verb, "BUILD") == 0;
}

/* Its build's output, and how much of it there is; -1 where there is none. */
static int
open_log(const struct row *r, off_t *size)
{
	char *path = run_file(r->slug, OF_LOG);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	free(path);
	return fd;
}

off_t
row_log_size(const struct row *r)
{
	off_t size;
	int fd = open_log(r, &size);

	if (fd >= 0)
		close(fd);
	return size;
}

char *
row_last_line(const struct row *r)
{
	char text[LAST_LINE_MAX + 1], *line;
	off_t size, from;
	int fd = open_log(r, &size);
	bool good;

	from = size > LAST_LINE_MAX ? size - LAST_LINE_MAX : 0;
	good = size > 0 && read_at(fd, text, (size_t)(size - from), from);
	text[good ? size - from : 0] = '\0';
	line = strrchr(text, '\n');
	if (line != NULL && line[1] == '\0') {
		*line = '\0';
		line = strrchr(text, '\n');
	}
	line = xstrdup(line ? line + 1 : text);
	plain_line(line);
	for (char *tab = line; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
	if (fd >= 0)
		close(fd);
	return line;
}

char *
row_amount(const struct row *r)
{
	const struct status *s = &r->now;
	char *bytes = bytes_text(s->bytes), *total = bytes_text(s->total), *text;

	if (s->bytes == 0)
		text = xstrdup("");
	else if (s->total == 0)
		text = format(", %s", bytes);
	else
		text = format(", %u %%, %s of %s", (unsigned)(s->bytes * 100 / s->total), bytes, total);
	free(total);
	free(bytes);
	return text;
}

long long
row_seconds(const struct row *r, int64_t now)
{
	return (now - r->since) / 1000;
}
