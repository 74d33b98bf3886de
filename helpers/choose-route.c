/*
 * choose-route - by which way the images of KEYs get to smolvm.
 *
 * What ROUTE, REGISTRY_IMAGE and STORE_MAX say, what $RUN/smolvm needs, how much of the images is in
 * CACHE_DIR/.store (registry/way.c), and, before anything is pushed to us, whether the engine can reach us at
 * all (registry/reach.c). Prints one word: container (a push to a registry container), store (a push to
 * with-store) or direct (serve-image). Under ROUTE=auto it says what it chose and why, and remembers the
 * images' layers for the next miss. Exit: 0 printed; 100 called wrongly; 111 trouble.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lib/failure.h"
#include "machine/smolvm.h"
#include "registry/reach.h"
#include "registry/store.h"
#include "registry/way.h"

#define USAGE                                                                                                \
	"usage: choose-route [-h] KEY...   (environment: CACHE_DIR RUN DOCKER ROUTE REGISTRY_IMAGE "         \
	"STORE_MAX KEEP_GOING ...)\n"

struct subject {
	char *id, *repository, *slug; /* id: the engine's */
	uint64_t size;
	struct list diff_ids, last; /* the lowest first; of the last one that was missed */
	bool again, compressed;
};

static unsigned
tool_timeout(void)
{
	return seconds_setting("TOOL_TIMEOUT", 30);
}

/* "<engine's ID> <repository> <config>" */
static void
read_key(const char *key, struct subject *m)
{
	struct list settings = {0};
	char *path = run_file(key, "image"), *line = first_line(path), *rest = NULL;
	const char *id = line ? strtok_r(line, " ", &rest) : NULL,
		   *repository = id ? strtok_r(NULL, " ", &rest) : NULL;

	if (repository == NULL)
		die_errno(EXIT_SYSTEM, "cannot read '%s'", path);
	read_settings(key, &settings);
	*m = (struct subject){.id = xstrdup(id),
			      .repository = xstrdup(repository),
			      .slug = xstrdup(value_of(&settings, "SLUG"))};
	list_free(&settings);
	free(line);
	free(path);
}

/* Under -k one that the engine does not know does not take the others with it: it fails by itself, on its
 * way. */
static void
look_at(struct subject *m)
{
	json_t *image = kept_inspection(m->slug), *diff_id;
	char *err = NULL;
	size_t i;

	if (image == NULL)
		image = inspect_image(needed("DOCKER"), m->id, tool_timeout(), &err);
	if (image == NULL && *setting("KEEP_GOING") == '\0')
		die(EXIT_SYSTEM, "the engine cannot inspect '%s': %s", m->id, err);
	json_array_foreach(json_object_get(json_object_get(image, "RootFS"), "Layers"), i, diff_id)
	{
		const char *text = json_string_value(diff_id);

		list_add(&m->diff_ids, text ? text : "");
	}
	m->size = (uint64_t)json_integer_value(json_object_get(image, "Size"));
	m->compressed = json_is_object(json_object_get(image, "Descriptor")); /* Docker's containerd store */
	m->again = store_last(m->repository, &m->last);
	json_decref(image);
	free(err);
}

static const struct stock *
find_stock(const struct stock *stock, size_t count, const char *diff_id, enum coding wanted)
{
	for (size_t i = 0; i < count; i++)
		if (stock[i].coding == wanted && strcmp(stock[i].diff_id, diff_id) == 0)
			return &stock[i];
	return NULL;
}

/* Bytes of the layers that are not in stock; sizes of layers are known of those that are. */
static uint64_t
unknown_bytes(const struct subject *m, const struct stock *stock, size_t count, enum coding wanted)
{
	uint64_t known = 0;
	size_t found = 0;

	for (size_t i = 0; i < m->diff_ids.count; i++) {
		const struct stock *s = find_stock(stock, count, m->diff_ids.at[i], wanted);

		known += s ? s->plain : 0;
		found += s != NULL;
	}
	/* a tar is a little larger than what is in it */
	return found == m->diff_ids.count || known > m->size ? 0 : m->size - known;
}

/*
 * Bytes of the layers above those that the last image had too: a change is in a layer, and all above it are
 * made anew. `docker history` says the sizes, the uppermost first, with a 0 for each step that made no layer.
 */
static uint64_t
changed_bytes(const struct subject *m)
{
	char *argv[] = {(char *)needed("DOCKER"),
			"history",
			"--no-trunc",
			"--human=false",
			"--format",
			"{{.Size}}",
			m->id,
			NULL};
	char *out, *err, *rest = NULL;
	uint64_t bytes = 0;
	size_t same = 0, changed;

	while (same < m->diff_ids.count && same < m->last.count &&
	       strcmp(m->diff_ids.at[same], m->last.at[same]) == 0)
		same++;
	changed = m->diff_ids.count - same;
	if (capture(argv, tool_timeout(), &out, &err).code != 0)
		bytes = m->size;
	else
		for (char *line = strtok_r(out, "\n", &rest); line && changed > 0;
		     line = strtok_r(NULL, "\n", &rest)) {
			uint64_t size = strtoull(line, NULL, 10);

			bytes += size;
			changed -= size > 0;
		}
	free(out);
	free(err);
	return bytes;
}

static enum coding
wanted_coding(int faults)
{
	return faults & FAULT_GZIP ? GZIP : ZSTD;
}

/* Adds up what the images are; one that goes under several keys is one. */
static void
sum_up(struct subject *image, size_t images, int faults, struct miss *miss)
{
	size_t count;
	struct stock *stock = store_stock(&count);

	miss->again = true;
	for (size_t i = 0; i < images; i++) {
		uint64_t unknown = unknown_bytes(&image[i], stock, count, wanted_coding(faults));

		miss->total += image[i].size;
		miss->unknown += unknown;
		miss->again = miss->again && image[i].again;
		miss->compressed = image[i].compressed;
	}
	free(stock);
	if (push_time(miss, miss->unknown) < direct_time(miss) || !miss->again)
		return; /* the rest is not asked for */
	for (size_t i = 0; i < images; i++)
		miss->changed += changed_bytes(&image[i]);
}

/* Distinct images of the keys. */
static struct subject *
read_keys(char **keys, int count, size_t *images)
{
	struct subject *image = xmalloc((size_t)count * sizeof(*image));

	*images = 0;
	for (int i = 0; i < count; i++) {
		bool seen = false;

		read_key(keys[i], &image[*images]);
		for (size_t k = 0; k < *images; k++)
			seen = seen || strcmp(image[k].id, image[*images].id) == 0;
		if (!seen)
			look_at(&image[(*images)++]);
	}
	return image;
}

static int
faults_of_run(void)
{
	char *path = format("%s/smolvm", needed("RUN")), *text = first_line(path);
	int faults = smolvm_faults(text ? text : "");

	free(text);
	free(path);
	return faults;
}

/* The way that was chosen, or another where the engine cannot come by it. */
static enum way
passable(enum way way, const struct miss *miss, char why[WHY])
{
	if (way != BY_STORE ||
	    engine_reaches_us(needed("DOCKER"), engine_kind(needed("DOCKER"), tool_timeout()),
			      tool_timeout()))
		return way;
	fail(why, "the engine cannot push to us");
	return strcmp(miss->route, "auto") == 0 ? BY_DIRECT : BY_CONTAINER;
}

/* For with-container: why there is a container though none was named. */
static void
write_why(const struct miss *miss, const char *why)
{
	char *path = format("%s/route", needed("RUN")), *smolvm = format("%s/smolvm", needed("RUN")), *text;
	char *version = first_line(smolvm);

	if (miss->flat && *setting("SQUASH"))
		text = xstrdup("SQUASH=1 asks for one layer");
	else if (miss->flat)
		text = format("%s has to be given one layer", version && *version ? version : "this smolvm");
	else
		text = xstrdup(why);
	write_file(path, text, strlen(text), 0600);
	free(version);
	free(text);
	free(smolvm);
	free(path);
}

int
main(int argc, char **argv)
{
	static const char *const word[] = {
	    [BY_CONTAINER] = "container", [BY_STORE] = "store", [BY_DIRECT] = "direct"};
	struct miss miss = {.route = setting("ROUTE"), .named = *setting("REGISTRY_IMAGE") != '\0'};
	struct subject *image = NULL;
	size_t images = 0;
	char why[WHY], ignored[WHY];
	int first, faults;
	bool automatic;
	enum way way;

	first = operands(argc, argv, USAGE);
	if (first == argc)
		bad_usage(USAGE);
	supervise();
	failure_about(setting("keys"), "serve");
	enter_cache();
	setenv("DOCKER_CONTENT_TRUST", "0", 1); /* there is no notary beside us */
	automatic = strcmp(miss.route, "auto") == 0;
	faults = faults_of_run();
	miss.flat = gets_one_layer(faults);
	miss.keeps = (*setting("STORE_MAX") == '\0' ||
		      mebibytes_of("STORE_MAX", setting("STORE_MAX"), 0, STORE_MIB_MAX) > 0) &&
		     store_open(ignored);
	if (automatic && !miss.named && !miss.flat && miss.keeps) {
		image = read_keys(argv + first, argc - first, &images);
		sum_up(image, images, faults, &miss);
	}
	way = passable(choose_way(&miss, why), &miss, why);
	end_as_caught();
	for (size_t i = 0; i < images; i++)
		if (image[i].diff_ids.count > 0)
			store_set_last(image[i].repository, &image[i].diff_ids);
	if (way == BY_CONTAINER && !miss.named)
		write_why(&miss, why);
	if (automatic)
		step_line("ROUTE", "%s, %s", way == BY_DIRECT ? "direct" : "push", why);
	printf("%s\n", word[way]);
	return 0;
}
