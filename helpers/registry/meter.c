/* meter.c - a long transfer, shown to who waits for it. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "registry/meter.h"

enum { BAR = 24, BAR_LEAST = 4, LINE_MS = 5000, WINDOW_MS = 3000 };

/* "12.3 MB": three digits, as people say it. */
static const char *
human(double bytes, char text[16])
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
	size_t u = 0;

	for (; bytes >= 999.5 && u + 1 < LENGTH(unit); u++)
		bytes /= 1000;
	snprintf(text, 16, "%.*f %s", u > 0 && bytes < 99.95 ? 1 : 0, bytes, unit[u]);
	return text;
}

void
meter_start(struct meter *m, const char *verb)
{
	*m = (struct meter){.verb = verb, .style = isatty(STDERR_FILENO) ? METER_BAR : METER_LINES};
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

/* The columns of the terminal; one that does not tell has 80, as all once had. */
static size_t
columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/*
 * In one row of the terminal, since "\r" leads back to the beginning of no other: the bar gives way first,
 * then the end of the text. The last column stays free, where some terminals begin the next row.
 */
static void
show_bar(struct meter *m, unsigned percent, const char *text)
{
	char line[256], bar[BAR + 4] = "";
	size_t most = columns() - 1, used = strlen("  1234567 ") + strlen(text),
	       cells = most > used + strlen("[] ") ? most - used - strlen("[] ") : 0;
	int n;

	if (cells > BAR)
		cells = BAR;
	if (cells >= BAR_LEAST) {
		memset(bar, '.', cells + 1);
		memset(bar + 1, '#', percent * cells / 100);
		bar[0] = '[';
		memcpy(bar + 1 + cells, "] ", sizeof("] "));
	}
	n = snprintf(line, sizeof(line), "  %-7s %s%s", m->verb, bar, text);
	if (n > (int)most)
		line[most] = '\0';
	if (dprintf(STDERR_FILENO, "\r%s\033[K", line) < 0)
		m->style = METER_OFF; /* nobody looks any more */
	m->open = true;
}

static void
show_end(struct meter *m, uint64_t total, int64_t now)
{
	char text[16];

	m->open = false; /* step_line takes its place */
	step_line(m->verb, "%s in %.1f s", human((double)total, text), (double)(now - m->started) / 1000);
	m->style = METER_OFF;
}

void
meter_show(struct meter *m, uint64_t bytes, uint64_t total)
{
	int64_t now = now_ms();
	char line[128], done[16], of[16], rate[16];
	int n;
	unsigned percent;

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
	if (m->style == METER_LINES && now - m->shown < LINE_MS)
		return;
	m->shown = now;
	percent = (unsigned)(bytes * 100 / total);
	n = snprintf(line, sizeof(line), "%3u %%  %s of %s", percent, human((double)bytes, done),
		     human((double)total, of));
	if (m->rate >= 1) /* else there is none yet */
		snprintf(line + n, sizeof(line) - (size_t)n, ", %s/s, %.0f s left", human(m->rate, rate),
			 (double)(total - bytes) / m->rate);
	if (m->style == METER_BAR)
		show_bar(m, percent, line);
	else
		step_line(m->verb, "%s", line);
}

void
meter_end(struct meter *m)
{
	if (m->open && write(STDERR_FILENO, "\n", 1) < 0)
		m->style = METER_OFF;
	m->open = false;
}
