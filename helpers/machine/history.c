/* history.c - what runs have done. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/io.h"
#include "machine/ends.h"
#include "machine/entries.h"
#include "machine/history.h"
#include "machine/machine.h"
#include "machine/room.h"
#include "run/files.h"

#define HISTORY ".history/runs"

enum { HISTORY_MAX = 2 << 20, EVENTS_MAX = 4 << 20 };

/* --- The steps of this run */

/* A line of the events, which is changed: false for one that is none. */
static bool
parse_event(char *line, long long *began, long long *ms, const char **verb, const char **name)
{
	char *rest = NULL, *word[4];

	for (size_t i = 0; i < LENGTH(word); i++)
		if ((word[i] = strtok_r(i == 0 ? line : NULL, " ", &rest)) == NULL)
			return false;
	*began = strtoll(word[0], NULL, 10);
	*ms = strtoll(word[1], NULL, 10);
	*verb = word[2];
	*name = word[3];
	return true;
}

static char *
read_events(void)
{
	char *path = run_path(RUN_EVENTS), *text = read_text(path, EVENTS_MAX, NULL);

	free(path);
	return text;
}

/* Those of an image, in the order of their ends. */
static json_t *
steps_of(const char *slug, const char *key, int64_t start)
{
	char *text = read_events(), *rest = NULL;
	json_t *steps = json_array();
	const char *verb, *name;
	long long began, ms;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		if (parse_event(line, &began, &ms, &verb, &name) &&
		    (strcmp(name, slug) == 0 || (key != NULL && strcmp(name, key) == 0)))
			json_array_append_new(steps,
					      json_pack("{s:s, s:I, s:I}", "step", verb, "began",
							(json_int_t)(began - start), "ms", (json_int_t)ms));
	free(text);
	return steps;
}

static uint64_t
size_of(const char *key)
{
	struct machine m = name_machine(key);
	struct stat launcher = {0}, sidecar = {0};
	uint64_t bytes = 0;

	if (stat(m.launcher, &launcher) == 0 && stat(m.sidecar, &sidecar) == 0)
		bytes = (uint64_t)launcher.st_size + (uint64_t)sidecar.st_size;
	free_machine(&m);
	return bytes;
}

static json_t *
image_as_json(const char *slug, int64_t start, bool *packed)
{
	char *key = image_key(slug), *typed = typed_name(slug);
	struct failure f = {0};
	enum end end = image_end(slug, false, &f);
	json_t *image = json_pack("{s:s?}", "image", typed), *name = key ? json_string(key) : json_null();

	if (image == NULL) /* it is not UTF-8 */
		image = json_pack("{s:s}", "image", slug);
	json_object_set_new(image, "key", name);
	if (end == DONE) {
		bool made = was_packed(key);

		*packed = *packed || made;
		json_object_set_new(image, "end", json_string(made ? "packed" : "found"));
		json_object_set_new(image, "bytes", json_integer((json_int_t)size_of(key)));
	} else
		json_object_set_new(image, "end", json_string(end == FAILED ? "failed" : "unfinished"));
	json_object_set_new(image, "steps", steps_of(slug, key, start));
	if (end == FAILED)
		failure_free(&f);
	free(typed);
	free(key);
	return image;
}

static uint64_t
bytes_of_all(void)
{
	struct entries e;
	struct room *room;
	uint64_t bytes;

	entries_read(&e);
	room = room_of(&e);
	bytes = room_taken(room);
	room_free(room);
	entries_free(&e);
	return bytes;
}

static json_t *
run_as_json(int64_t began, int64_t ms)
{
	time_t at = time(NULL) - (time_t)(ms / 1000);
	struct list slugs = {0};
	json_t *run, *images = json_array();
	bool packed = false;
	char text[32];
	struct tm utc;

	read_slugs(&slugs);
	for (size_t i = 0; i < slugs.count; i++)
		json_array_append_new(images, image_as_json(slugs.at[i], began, &packed));
	gmtime_r(&at, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	run = json_pack("{s:s, s:I, s:o}", "at", text, "ms", (json_int_t)ms, "images", images);
	if (packed)
		json_object_set_new(run, "cache_bytes", json_integer((json_int_t)bytes_of_all()));
	list_free(&slugs);
	return run;
}

/* --- Of all runs */

/* The newer half of the lines; the caller has the lock. */
static void
shorten(int fd, size_t size)
{
	char *text = xmalloc(size + 1), *half;

	text[read_at(fd, text, size, 0) ? size : 0] = '\0';
	half = strchr(text + strlen(text) / 2, '\n');
	if (half != NULL && ftruncate(fd, 0) == 0)
		write_all(fd, half + 1, strlen(half + 1));
	free(text);
}

static void
add_to_history(json_t *run)
{
	int fd = open(HISTORY, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *text = json_dumps(run, JSON_COMPACT), *line = format("%s\n", text ? text : "");
	off_t size;

	if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
		size = lseek(fd, 0, SEEK_END);
		if (size > HISTORY_MAX)
			shorten(fd, (size_t)size);
		write_all(fd, line, strlen(line));
	}
	if (fd >= 0)
		close(fd);
	free(line);
	free(text);
}

/* --- For a viewer */

static void
add_thread(json_t *events, size_t number, const char *name)
{
	json_array_append_new(events,
			      json_pack("{s:s, s:s, s:i, s:I, s:{s:s}}", "name", "thread_name", "ph", "M",
					"pid", 1, "tid", (json_int_t)number, "args", "name", name));
}

/* Microseconds; "X" is an event with a duration. */
static void
add_span(json_t *events, size_t number, const char *name, json_int_t began, json_int_t ms)
{
	json_array_append_new(events, json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:I}", "name", name, "cat",
						"smolmake", "ph", "X", "ts", began * 1000, "dur", ms * 1000,
						"pid", 1, "tid", (json_int_t)number));
}

static json_t *
trace_of(json_t *run)
{
	json_t *events = json_array(), *image, *step;
	size_t i, k;

	add_thread(events, 0, "smolmake");
	add_span(events, 0, "run", 0, json_integer_value(json_object_get(run, "ms")));
	json_array_foreach(json_object_get(run, "images"), i, image)
	{
		add_thread(events, i + 1, json_string_value(json_object_get(image, "image")));
		json_array_foreach(json_object_get(image, "steps"), k, step)
		    add_span(events, i + 1, json_string_value(json_object_get(step, "step")),
			     json_integer_value(json_object_get(step, "began")),
			     json_integer_value(json_object_get(step, "ms")));
	}
	return json_pack("{s:o, s:s}", "traceEvents", events, "displayTimeUnit", "ms");
}

static void
write_trace(const char *path, json_t *run)
{
	json_t *trace = trace_of(run);
	char *text = json_dumps(trace, JSON_COMPACT);

	if (text == NULL || !try_file(path, text, strlen(text), 0666))
		complain("TRACE: cannot write '%s': %s", path, error_text(errno));
	free(text);
	json_decref(trace);
}

void
check_trace(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == path ? xstrdup("/") : format("%.*s", (int)(slash - path), path);
	struct stat st;

	if (slash[1] == '\0' || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		refuse("TRACE: '%s' is no file; give the path of one, as TRACE=run.json", path);
	if (access(folder, W_OK | X_OK) != 0)
		refuse("TRACE: cannot write to '%s' (%s); give a path in a folder that is there", folder,
		       strerror(errno));
	free(folder);
}

void
history_note(int64_t began, int64_t ms)
{
	json_t *run = run_as_json(began, ms);

	if (json_array_size(json_object_get(run, "images")) > 0)
		add_to_history(run);
	if (*setting("TRACE"))
		write_trace(setting("TRACE"), run);
	json_decref(run);
}
