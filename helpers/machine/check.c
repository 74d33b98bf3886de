/*
 * check.c - is the wish one that can be fulfilled? What can be known before the build is refused here.
 *
 * Paths become absolute, and nothing in them is resolved: a Dockerfile that is a link has the .dockerignore
 * of the link's own name (<name>.dockerignore), and a folder's links mean what they mean to the engine.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/check.h"
#include "machine/options.h"
#include "machine/out.h"

enum { SMOLFILE_MAX = 1 << 20 };

bool
plain(const char *s, const char *more)
{
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *s) &&
		    !strchr(more, *s))
			return false;
	return true;
}

/*
 * "agent:latest" -> "agent-latest-<32 hex of the SHA-256>": the beginning is for people, the end tells names
 * apart.
 */
char *
slug_of(const struct reference *r, const char *image)
{
	char *full = r->is_id ? xstrdup(image) : format("%s:%s", r->name, r->tag), *slug;
	char safe[41], hex[SHA256_HEX + 1];
	const char *p = full;
	size_t n = 0;

	while (*p && !isalnum((unsigned char)*p)) /* "[::1]:5000/x": no option of any program */
		p++;
	for (; *p && n < sizeof(safe) - 1; p++)
		safe[n++] = isalnum((unsigned char)*p) ? *p : '-';
	safe[n] = '\0';
	sha256_hex(full, strlen(full), hex);
	slug = format("%s-%.32s", safe, hex);
	free(full);
	return slug;
}

static char *
absolute(const char *folder, const char *path)
{
	char here[PATH_MAX];

	if (*path == '/')
		return xstrdup(path);
	if (*folder == '/')
		return format("%s%s", folder, path);
	if (getcwd(here, sizeof(here)) == NULL)
		die_errno(EXIT_SYSTEM, "cannot tell the working folder");
	return format("%s%s%s%s", strcmp(here, "/") == 0 ? "" : here, "/", folder, path);
}

/* The absolute path of something that is there; refuses with what it should be. */
static char *
existing(const char *about, const char *what, const char *folder, const char *path, bool is_folder,
	 const char *remedy)
{
	char *full = absolute(folder, path);
	struct stat st;

	if (stat(full, &st) != 0)
		refuse("%s%s: '%s' cannot be found (%s); %s", about, what, full, strerror(errno), remedy);
	if (is_folder != S_ISDIR(st.st_mode))
		refuse("%s%s: '%s' is %s; %s", about, what, full, is_folder ? "not a folder" : "a folder",
		       remedy);
	if (access(full, is_folder ? R_OK | X_OK : R_OK) != 0)
		refuse("%s%s: '%s' cannot be read (%s)", about, what, full, strerror(errno));
	return full;
}

static void
check_image(struct wish *w, const char *about)
{
	if (!given(w->image))
		refuse(
		    "%sIMAGE is empty; give IMAGE=name[:tag]%s", about,
		    given(w->context)
			? ", the name that the build of CONTEXT gets"
			: " (and CONTEXT=<folder> to build it), or IMAGES=..., or `make smolmachines` for those of an images file");
	if (strstr(w->image, "@sha256:"))
		refuse("%sIMAGE: '%s' is a digest reference; give name[:tag] or sha256:<64 hex>", about,
		       w->image);
	if (!parse_reference(w->image, &w->reference))
		refuse(
		    "%sIMAGE: '%s' is not an image reference; give name[:tag] in lower case, or sha256:<64 hex>",
		    about, w->image);
	if (strlen(setting("REGISTRY_HOST")) + strlen(":65535/") + strlen(w->reference.path) > 255)
		refuse("%sIMAGE: '%s' is too long for a reference on %s; give a shorter name", about,
		       w->image, setting("REGISTRY_HOST"));
	w->slug = slug_of(&w->reference, w->image);
}

/* docker takes a lower-case one too, podman a Containerfile; under either they are named. */
static void
find_dockerfile(struct wish *w, const char *about)
{
	static const char *const others[] = {"dockerfile", "Containerfile"};
	char *usual = format("%s/Dockerfile", w->context), *other;

	for (size_t i = 0; access(usual, R_OK) != 0 && i < LENGTH(others); i++) {
		other = format("%s/%s", w->context, others[i]);
		if (access(other, R_OK) == 0) {
			w->dockerfile = other;
			break;
		}
		free(other);
	}
	if (!given(w->dockerfile) && access(usual, R_OK) != 0)
		refuse("%sCONTEXT: there is no Dockerfile in '%s'; give DOCKERFILE=<file>", about,
		       w->context);
	free(usual);
}

static void
check_build(struct wish *w, const char *about, const char *folder)
{
	if (!given(w->context)) {
		if (given(w->dockerfile))
			refuse("%sDOCKERFILE: '%s' without CONTEXT; give CONTEXT=<folder> too", about,
			       w->dockerfile);
		for (size_t i = 0; i < option_count; i++)
			if (options[i].build_flag && !options[i].pack_flag && is_given(w, &options[i]))
				refuse("%s%s without CONTEXT: nothing is built; give CONTEXT=<folder> too",
				       about, options[i].name);
		return;
	}
	if (w->reference.is_id)
		refuse("%sIMAGE: an image ID cannot be built; give a name beside CONTEXT", about);
	w->context =
	    existing(about, "CONTEXT", folder, w->context, true, "give the folder that is to be built");
	if (given(w->dockerfile))
		w->dockerfile =
		    existing(about, "DOCKERFILE", folder, w->dockerfile, false, "give the Dockerfile's path");
	else
		find_dockerfile(w, about);
	for (size_t i = 0; i < w->build_args.count; i++) {
		const char *arg = w->build_args.at[i], *equals = strchr(arg, '=');

		if (equals == NULL || equals == arg || *arg == '-')
			refuse("%sBUILD_ARGS: word %zu is not K=V (values with blanks: images file)", about,
			       i + 1); /* what it is may be the rest of a secret */
	}
}

/*
 * The files of "id=x,src=FILE" and of "id=FILE,FILE" become absolute, since the build runs in another folder. docker reads the
 * former as a line of CSV; one with quotes in it is not taken apart here.
 */
static char *
with_absolute_files(const struct option *o, const char *value, const char *about, const char *folder)
{
	bool secret = strcmp(o->name, "SECRET") == 0;
	char *copy = xstrdup(value), *rest = NULL, *all;
	struct list parts = {0};

	if (strchr(value, '"'))
		refuse("%s%s: '%s' has a quote in it; give a file without comma and quote in its name", about,
		       o->name, value);
	for (char *part = strtok_r(copy, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
		size_t key = strcspn(part, "="), file = part[key] == '=' ? key + 1 : 0;
		bool source = strncmp(part, "src=", 4) == 0 || strncmp(part, "source=", 7) == 0,
		     is_file = secret ? source : file > 0 || parts.count > 0;

		if (is_file)
			list_addf(
			    &parts, "%.*s%s", (int)file, part,
			    existing(about, o->name, folder, part + file, false, "give the path of a file"));
		else
			list_add(&parts, part);
	}
	all = list_join(&parts, ",");
	list_free(&parts);
	free(copy);
	return all;
}

static void
check_list(struct wish *w, const struct option *o, const char *about, const char *folder)
{
	struct list *l = option_list(w, o);

	for (size_t i = 0; i < l->count; i++) {
		char *whole = with_absolute_files(o, l->at[i], about, folder);

		free(l->at[i]);
		l->at[i] = whole;
	}
}

/* smolvm gets these bytes and no others, whatever becomes of the file while the image is built. */
static void
read_smolfile(struct wish *w, const char *about, const char *folder)
{
	struct stat st;

	w->smolfile = existing(about, "SMOLFILE", folder, w->smolfile, false, "give the Smolfile's path");
	if (stat(w->smolfile, &st) == 0 && !S_ISREG(st.st_mode))
		refuse("%sSMOLFILE: '%s' is no regular file; give the Smolfile's path", about, w->smolfile);
	w->smolfile_text = read_text(w->smolfile, SMOLFILE_MAX, &w->smolfile_size);
	if (w->smolfile_text == NULL && errno == EFBIG)
		refuse("%sSMOLFILE: '%s' is larger than %d KiB; give the Smolfile's path", about, w->smolfile,
		       SMOLFILE_MAX >> 10);
	if (w->smolfile_text == NULL)
		refuse("%sSMOLFILE: '%s' cannot be read (%s)", about, w->smolfile, strerror(errno));
	sha256_hex(w->smolfile_text, w->smolfile_size, w->smolfile_sha256);
}

/* smolvm takes no other (a Rust program's String; source: v1.9.2), and would say so after the build. */
static void
check_text(const char *what, const char *value)
{
	json_t *text = json_string(value);

	if (text == NULL)
		refuse("%s: it is not UTF-8, and smolvm takes no other; give it in UTF-8", what);
	json_decref(text);
}

static void
check_platform(const char *what, const char *value)
{
	char *platform = parse_platform(value);

	if (platform == NULL)
		refuse("%s: '%s' is not OS/ARCH, as linux/amd64", what, value);
	free(platform);
}

/* Numbers as decimals without a unit: two ways to write one are one key. */
static void
check_option(struct wish *w, const struct option *o, const char *about, const char *folder)
{
	const char *value = option_value(w, o);
	char *what;

	if (o->kind == OPTION_LIST)
		check_list(w, o, about, folder);
	if (!given(value))
		return;
	what = format("%s%s", about, o->name);
	switch (o->kind) {
	case OPTION_NUMBER:
		set_option(w, o, format("%lld", number(what, value, 1, o->max)));
		break;
	case OPTION_MEMORY:
		set_option(w, o, format("%lld", mebibytes_of(what, value, 1, o->max)));
		break;
	case OPTION_TEXT:
		check_text(what, value);
		break;
	case OPTION_PLATFORM:
		check_platform(what, value);
		break;
	case OPTION_STAGE:
		if (!plain(value, "._-") || *value == '-')
			refuse("%s: '%s' is not a build stage's name", what, value);
		break;
	case OPTION_CONTENT:
		read_smolfile(w, about, folder);
		break;
	case OPTION_SWITCH:
		if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
			refuse("%s: '%s' is neither 0 nor 1", what, value);
		set_option(w, o, strcmp(value, "1") == 0 ? "true" : NULL); /* as docker and podman take it */
		break;
	case OPTION_RESULT:
		set_option(w, o, absolute(folder, value));
		check_out(about, option_value(w, o));
		break;
	case OPTION_PATH:
	case OPTION_ARGUMENTS:
	case OPTION_LIST:
		break; /* check_build, check_list */
	}
	free(what);
}

void
check_wish(struct wish *w, const char *about, const char *folder)
{
	check_image(w, about);
	check_build(w, about, folder);
	for (size_t i = 0; i < option_count; i++)
		check_option(w, &options[i], about, folder);
}
