/*
 * trust.c - is what lies there this user's alone?
 *
 * Whoever can write to the cache, put something into it or replace a folder above
 * it decides what is booted. Root is trusted: nothing here could keep it out.
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "lib/lib.h"

/*
 * Whether the group is more than this user's own, by its list or as somebody's first group; where nobody
 * knows it, it is.
 */
static bool
group_has_others(gid_t gid)
{
	const struct passwd *p = getpwuid(geteuid());
	char *me = xstrdup(p ? p->pw_name : "");
	const struct group *g = getgrgid(gid);
	bool others = g == NULL;

	for (char **name = g ? g->gr_mem : NULL; name && *name && !others; name++)
		others = strcmp(*name, me) != 0 && strcmp(*name, "root") != 0;
	setpwent();
	while (!others && (p = getpwent()) != NULL)
		others = p->pw_gid == gid && p->pw_uid != geteuid() && p->pw_uid != 0;
	endpwent();
	free(me);
	return others;
}

/* With an access list the group's bits are the most that anybody on it has. */
static bool
has_access_list(const char *path)
{
#ifdef __linux__
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
#else
	(void)path;
	return false;
#endif
}

bool
others_can_write(const char *path, const struct stat *st)
{
	if (st->st_mode & S_ISVTX)
		return false;
	return (st->st_mode & S_IWOTH) ||
	       ((st->st_mode & S_IWGRP) && (has_access_list(path) || group_has_others(st->st_gid)));
}

bool
is_private(const struct stat *st, char why[200])
{
	if (st->st_uid != geteuid())
		snprintf(why, 200, "it belongs to another user (uid %ld)", (long)st->st_uid);
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		snprintf(why, 200, "others may write to it (mode %03o)", (unsigned)st->st_mode & 0777);
	else
		return true;
	return false;
}
