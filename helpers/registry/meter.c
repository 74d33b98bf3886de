/* meter.c - a long transfer, shown to who waits for it. */
#include <stdlib.h>
#include <string.h>

#include "registry/meter.h"

enum { LINE_MS = 5000, WINDOW_MS = 3000 };

void
meter_start(struct meter *m, const char *verb)
{
	*m = (struct meter){.verb = verb, .style = *setting("WATCHED") ? METER_END : METER_LINES};
	if (*setting("SILENT") || strcmp(setting("PROGRESS"), "json") == 0)
		m->style = METER_OFF;
}

/* The rate of the last seconds, about: what is older counts less and less. */
static void
measure(struct meter *m, uint64_t bytes, int64_t now)
{
	int64_t ms = now - m->measured, window = now - m->started;

	if (window > WINDOW_MS)
		window = WINDOW_MS;
	if (ms <= 0)
		return;
	m->rate += ((double)(bytes - m->seen) * 1000 / (double)ms - m->rate) *
		   (ms < window ? (double)ms / (double)window : 1);
	m->seen = bytes;
	m->measured = now;
}

static void
show_end(struct meter *m, uint64_t total, int64_t now)
{
	char *size = bytes_text(total);

	step_line(m->verb, "%s in %.1f s", size, (double)(now - m->started) / 1000);
	m->style = METER_OFF;
	free(size);
}

static void
show_line(const struct meter *m, uint64_t bytes, uint64_t total)
{
	char *done = bytes_text(bytes), *of = bytes_text(total), *rate = bytes_text((uint64_t)m->rate), *rest;

	if (m->rate >= 1)
		rest = format(", %s/s, %.0f s left", rate, (double)(total - bytes) / m->rate);
	else
		rest = xstrdup(""); /* there is none yet */
	step_line(m->verb, "%3u %%  %s of %s%s", (unsigned)(bytes * 100 / total), done, of, rest);
	free(rest);
	free(rate);
	free(of);
	free(done);
}

void
meter_show(struct meter *m, uint64_t bytes, uint64_t total)
{
	int64_t now = now_ms();

	if (m->style == METER_OFF || bytes == 0)
		return;
	if (m->started == 0) {
		m->started = m->measured = m->shown = now;
		m->seen = bytes;
	}
	if (bytes >= total) {
		show_end(m, total, now);
		return;
	}
	measure(m, bytes, now);
	if (m->style == METER_END || now - m->shown < LINE_MS)
		return;
	m->shown = now;
	show_line(m, bytes, total);
}
