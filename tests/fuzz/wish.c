/*
 * The request that an images file becomes: what is taken stands there, each string once, in one image; its
 * name as a target is harmless, and none of docker's or smolvm's arguments begins otherwise than ours do.
 */
#define main unused_main
#include "plan-images.c" /* NOLINT(bugprone-suspicious-include): what is tested is static */
#undef main

#include "fuzz.h"

static size_t
settings_of(const struct wish *w)
{
	const char *const all[] = {w->image, w->context, w->dockerfile, w->target,  w->platform,
				   w->cpus,  w->mem,     w->entrypoint, w->smolfile};
	size_t n = w->build_args.count;

	for (size_t i = 0; i < LENGTH(all); i++)
		n += all[i] != NULL;
	return n;
}

static bool
made_of(const char *text, const char *allowed)
{
	return *text && text[strspn(text, allowed)] == '\0';
}

static void
check_names(struct wish *w)
{
	char *slug, *suffix;

	suffix = option_suffix(w);
	must(*suffix == '\0' ||
	     (strlen(suffix) == 9 && *suffix == '-' && made_of(suffix + 1, "0123456789abcdef")));
	free(suffix);
	if (!given(w->image) || !parse_reference(w->image, &w->reference))
		return;
	slug = slug_of(&w->reference, w->image);
	must(made_of(slug, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"));
	must(strlen(slug) <= 40 + 1 + 32);
	free(slug);
}

static void
check_arguments(const struct wish *w)
{
	static const char *const ours[] = {
	    "--cpus=", "--mem=", "--entrypoint=", "--smolfile=", "--oci-platform="};
	struct list pack = {0};
	size_t k;

	setenv("CACHE_DIR", "/cache", 1);
	setenv("RUN", ".run/x", 1);
	add_pack_options(w, &pack);
	for (size_t i = 0; i < pack.count; i++) {
		for (k = 0; k < LENGTH(ours) && strncmp(pack.at[i], ours[k], strlen(ours[k])) != 0; k++)
			continue;
		must(k < LENGTH(ours));
	}
	list_free(&pack);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct list request = {0};
	struct wish *w;
	char path[32], why[200] = "";
	size_t count, lines = 0, settings = 0;

	file_of(bytes, size, path);
	if (!read_request(path, &request))
		return 0;
	if (parse_wishes(&request, &w, &count, why)) {
		for (size_t i = 0; i < count; i++) {
			must(w[i].image != NULL);
			settings += settings_of(&w[i]);
		}
		for (; lines < request.count; lines++)
			must(strchr(request.at[lines], '=') != NULL);
		must(settings <= lines && (lines == 0) == (count == 0));
		for (size_t i = 0; i < count; i++) {
			w[i].slug = "slug";
			check_arguments(&w[i]);
			check_names(&w[i]);
		}
	} else
		must(*why != '\0' && strnlen(why, sizeof(why)) < sizeof(why));
	for (size_t i = 0; i < count; i++)
		list_free(&w[i].build_args);
	free(w);
	list_free(&request);
	return 0;
}
