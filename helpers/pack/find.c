/* find.c - the parts of an installed smolvm. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/quirks.h"
#include "pack/find.h"

/* Where a smolvm's parts may be: beside the command, below it, where our own setup and the packages put them. */
static void
list_folders(const char *command, struct list *folders)
{
	char *folder = xstrdup(command), *slash = strrchr(folder, '/');

	if (slash != NULL)
		*slash = '\0';
	if (*setting("SMOLVM_LIB_DIR"))
		list_add(folders, setting("SMOLVM_LIB_DIR"));
	list_add(folders, folder);
	list_addf(folders, "%s/lib", folder);
	list_addf(folders, "%s/.smolvm", setting("HOME"));
	list_addf(folders, "%s/.smolvm/lib", setting("HOME"));
	list_add(folders, "/usr/lib/smolvm");
	list_add(folders, "/usr/lib/smolvm/lib");
	free(folder);
}

static bool
begins_with(const char *path, const char *bytes, size_t size)
{
	char start[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read_at(fd, start, size, 0) && memcmp(start, bytes, size) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

static bool
is_program(const char *path)
{
	return access(path, X_OK) == 0 && begins_with(path, "\177ELF", 4);
}

/*
 * A script that tells the engine where its parts are names their folder itself: our own setup's (mk/get-smolvm.sh)
 * by a line parts='FOLDER'. The caller frees it.
 */
static char *
told_folder(const char *script)
{
	char *text = read_text(script, 65536, NULL), *line = text ? strstr(text, "\nparts='") : NULL, *end;
	char *folder = NULL;

	if (line != NULL && (end = strchr(line += strlen("\nparts='"), '\'')) != NULL)
		folder = format("%.*s", (int)(end - line), line);
	free(text);
	return folder;
}

/* The first of the names that is in one of the folders; NULL. The caller frees it. */
static char *
in_folders(const struct list *folders, const char *const *names, bool (*fits)(const char *path))
{
	for (size_t i = 0; i < folders->count; i++)
		for (const char *const *name = names; *name; name++) {
			char *path = format("%s/%s", folders->at[i], *name);

			if (fits(path))
				return path;
			free(path);
		}
	return NULL;
}

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* What the user has told smolvm by a variable goes first. */
static char *
told_file(const char *name)
{
	return *setting(name) ? xstrdup(setting(name)) : NULL;
}

static bool
find_libraries(const struct list *folders, struct found_parts *p)
{
	static const char *const names[][2] = {{"libkrun.so", NULL}, {"libkrunfw.so.5", NULL}};

	for (size_t i = 0; i < LENGTH(names); i++) {
		char *path = in_folders(folders, names[i], is_file);

		if (path == NULL)
			return false;
		p->library[p->libraries++] = path;
	}
	return true;
}

static void
find_rootfs(const struct list *folders, struct found_parts *p)
{
	static const char *const archives[] = {"agent-rootfs.tar", "agent-rootfs.tar.zst", NULL};
	static const char *const folder[] = {"agent-rootfs", NULL};
	struct list home = {0};

	list_addf(&home, "%s/.local/share/smolvm", setting("HOME"));
	if ((p->rootfs = told_file("SMOLVM_AGENT_ROOTFS_TAR")) == NULL &&
	    (p->rootfs = told_file("SMOLVM_AGENT_ROOTFS")) == NULL &&
	    (p->rootfs = in_folders(folders, archives, is_file)) == NULL &&
	    (p->rootfs = in_folders(&home, folder, is_there)) == NULL)
		p->rootfs = in_folders(folders, folder, is_there);
	list_free(&home);
}

static void
find_template(const struct list *folders, struct found_parts *p)
{
	static const char *const names[] = {"storage-template.ext4", "storage-template.ext4.zst", NULL};
	struct list home = {0};

	list_addf(&home, "%s/.smolvm", setting("HOME"));
	if ((p->template = in_folders(&home, names, is_file)) == NULL)
		p->template = in_folders(folders, names, is_file);
	list_free(&home);
}

static bool
find_all(char *command, struct list *folders, struct found_parts *p, char why[WHY])
{
	static const char *const engines[] = {"smolvm-bin", "smol-vmm", "smolvm", NULL};
	char *told = NULL;

	if (begins_with(command, "#!", 2) && (told = told_folder(command)) != NULL) {
		list_free(folders);
		list_add(folders, told);
		free(told);
	}
	p->engine = is_program(command) ? xstrdup(command) : in_folders(folders, engines, is_program);
	if (p->engine == NULL)
		return fail(why, "its program is not beside '%.120s'", command);
	if (!find_libraries(folders, p))
		return fail(why, "libkrun.so or libkrunfw.so.5 is not beside '%.100s'", p->engine);
	find_rootfs(folders, p);
	if (p->rootfs == NULL)
		return fail(why, "its agent's root filesystem is not beside '%.100s'", p->engine);
	find_template(folders, p);
	return true;
}

bool
parts_find(const char *smolvm, struct found_parts *p, char why[WHY])
{
	char *program = find_program(smolvm), *command = program ? realpath(program, NULL) : NULL;
	struct list folders = {0};
	bool good;

	*p = (struct found_parts){0};
	if (command == NULL) {
		free(program);
		return fail(why, "'%.120s' is not installed", smolvm);
	}
	list_folders(command, &folders);
	good = find_all(command, &folders, p, why);
	if (!good)
		parts_forget(p);
	list_free(&folders);
	free(program);
	free(command);
	return good;
}

bool
parts_find_proved(const char *smolvm, const char *version, struct found_parts *p, char why[WHY])
{
	*p = (struct found_parts){0};
	if (!packs_natively(version) && strcmp(setting("SMOLMAKE_UNPROVED"), "1") != 0)
		return fail(why, "a native pack is proved for smolvm " NATIVE_VERSIONS ", not for %.60s",
			    *version ? version : "one that does not say its version");
	return parts_find(smolvm, p, why);
}

void
parts_forget(struct found_parts *p)
{
	free(p->engine);
	for (size_t i = 0; i < p->libraries; i++)
		free(p->library[i]);
	free(p->rootfs);
	free(p->template);
	*p = (struct found_parts){0};
}
