/* ends.c - how each image of a run has ended. */
#include <stdlib.h>
#include <unistd.h>

#include "machine/ends.h"
#include "machine/machine.h"
#include "run/files.h"

char *
image_key(const char *slug)
{
	char *path = run_file(slug, OF_KEY), *key = first_line(path);

	free(path);
	return key;
}

static bool
has_file(const char *name, const char *kind)
{
	char *path = run_file(name, kind);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

bool
has_machine(const char *key)
{
	struct machine m;
	bool has;

	if (has_file(key, OF_RENEW))
		return false;
	m = name_machine(key);
	has = access(m.sidecar, F_OK) == 0;
	free_machine(&m);
	return has;
}

bool
was_packed(const char *key)
{
	return has_file(key, OF_PACKED);
}

enum end
image_end(const char *slug, bool ids, struct failure *f)
{
	char *key = image_key(slug);
	enum end end = UNFINISHED;

	if (failure_read(slug, f) || (key != NULL && failure_read(key, f)))
		end = FAILED;
	else if (ids ? has_file(slug, OF_ID) : key != NULL && has_machine(key))
		end = DONE;
	free(key);
	return end;
}

const char *
last_step(const char *slug)
{
	return has_file(slug, OF_ID) ? "pack" : has_file(slug, OF_BUILD) ? "build" : "identify";
}
