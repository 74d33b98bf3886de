/* manifest.c - the manifest of an artifact. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/json.h"
#include "machine/quirks.h"
#include "pack/manifest.h"

/* What `pack create` gives a machine without --cpus and --mem (run: all versions, tests/real/recorded). */
enum { CPUS = 4, MEM = 8192 };

/* smolvm leaves out what is empty (source: v1.9.2, format.rs; run: as above). */
static void
add_some(json_t *to, const char *name, json_t *value)
{
	bool empty = value == NULL || json_is_null(value) ||
		     (json_is_array(value) && json_array_size(value) == 0) ||
		     (json_is_string(value) && json_string_length(value) == 0);

	if (!empty)
		json_object_set(to, name, value);
}

static long long
number_of(const struct list *settings, const char *name, long long otherwise)
{
	const char *text = value_of(settings, name);

	return *text ? strtoll(text, NULL, 10) : otherwise;
}

/* The image's own, or the user's word instead (run: 1.32.2, --entrypoint: one word, and the image's arguments stay). */
static void
add_command(json_t *to, json_t *config, const struct subject *s)
{
	const char *entrypoint = value_of(s->settings, "ENTRYPOINT");
	json_t *own = *entrypoint ? json_pack("[s]", entrypoint) : NULL;

	add_some(to, "entrypoint", own ? own : json_object_get(config, "Entrypoint"));
	json_decref(own);
	add_some(to, "cmd", json_object_get(config, "Cmd"));
}

static char *
host_platform(void)
{
	struct utsname u;

	return uname(&u) == 0 ? platform_of(u.sysname, u.machine, "") : NULL;
}

static json_t *
list_assets(const struct subject *s)
{
	const struct parts *p = s->parts;
	char *file = format("layers/%s.tar", digest_digits(s->layer));
	json_t *libraries = json_array(), *assets;

	for (size_t i = 0; i < p->libraries; i++)
		json_array_append_new(libraries, json_pack("{s:s, s:I}", "path", p->library[i], "size",
							   (json_int_t)p->library_size[i]));
	assets = json_pack("{s:o, s:{s:s, s:I}, s:[{s:s, s:s, s:I}]}", "libraries", libraries, "agent_rootfs",
			   "path", "agent-rootfs.tar", "size", (json_int_t)p->rootfs, "layers", "digest",
			   s->layer, "path", file, "size", (json_int_t)s->layer_size);
	if (p->storage > 0)
		json_object_set_new(
		    assets, "storage_template",
		    json_pack("{s:s, s:I}", "path", "storage.ext4", "size", (json_int_t)p->storage));
	free(file);
	return assets;
}

static json_t *
fill(const struct subject *s, json_t *root)
{
	int lacks = smolvm_quirks(s->parts->version);
	json_t *config = json_object_get(root, "config"), *created = json_object_get(root, "created"),
	       *os = json_object_get(root, "os"), *arch = json_object_get(root, "architecture");
	char *platform = format("%s/%s", json_is_string(os) ? json_string_value(os) : "linux",
				json_is_string(arch) ? json_string_value(arch) : "unknown"),
	     *host = host_platform();
	json_t *m = json_pack("{s:s, s:s, s:s, s:s}", "mode", "container", "image", s->reference, "digest",
			      s->image_id, "platform", platform);

	add_command(m, config, s);
	add_some(m, "env", json_object_get(config, "Env"));
	add_some(m, "workdir", json_object_get(config, "WorkingDir"));
	if (!(lacks & QUIRK_NO_USER))
		add_some(m, "user", json_object_get(config, "User"));
	json_object_set_new(m, "cpus", json_integer(number_of(s->settings, "CPUS", CPUS)));
	json_object_set_new(m, "mem", json_integer(number_of(s->settings, "MEM", MEM)));
	json_object_set_new(m, "image_size", json_integer((json_int_t)s->files));
	json_object_set_new(m, "network", json_false());
	json_object_set_new(m, "gpu", json_false());
	if (!(lacks & QUIRK_NO_CUDA))
		json_object_set_new(m, "cuda", json_false());
	json_object_set_new(m, "host_platform", json_string(host ? host : ""));
	json_object_set_new(
	    m, "created",
	    json_string(json_is_string(created) ? json_string_value(created) : "1970-01-01T00:00:00Z"));
	json_object_set_new(m, "smolvm_version", json_string(s->parts->version));
	json_object_set_new(m, "assets", list_assets(s));
	free(platform);
	free(host);
	return m;
}

char *
make_manifest(const struct subject *s, char why[WHY])
{
	json_t *root = read_json(s->config, strlen(s->config), why), *manifest;
	char *text;

	if (root == NULL)
		return NULL;
	manifest = fill(s, root);
	text = json_dumps(manifest, JSON_INDENT(2));
	json_decref(manifest);
	json_decref(root);
	if (text == NULL)
		fail(why, "its config is no UTF-8, of which a manifest has to be made");
	return text;
}
