/* ask.c - calls of the engine's client under one common deadline. */
#include "engine/ask.h"

static int64_t until; /* 0: the first call begins it */
static bool silent;

const char *
client(void)
{
	return *setting("DOCKER") ? setting("DOCKER") : "docker";
}

void
ask_anew(void)
{
	until = 0;
	silent = false;
}

bool
ask_time(unsigned *seconds)
{
	unsigned most = seconds_setting("TOOL_TIMEOUT", 30);
	int64_t left;

	*seconds = 0;
	if (silent)
		return false;
	if (most == 0)
		return true;
	if (until == 0)
		until = now_ms() + (int64_t)most * 1000;
	left = until - now_ms();
	*seconds = left > 0 ? (unsigned)((left + 999) / 1000) : 0;
	silent = left <= 0;
	return !silent;
}

struct outcome
ask(char *const *argv, char **out, char **err)
{
	struct outcome o = {.code = EXIT_DEADLINE, .timed_out = true};
	unsigned seconds;

	if (!ask_time(&seconds)) {
		*out = xstrdup("");
		*err = xstrdup("");
		return o;
	}
	o = capture(argv, seconds, out, err);
	silent = o.timed_out;
	return o;
}

bool
ask_in_vain(void)
{
	return silent;
}
