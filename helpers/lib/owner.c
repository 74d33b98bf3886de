/*
 * owner.c - whose a temporary thing is.
 *
 * An owner's name is "<boot id>-<pid namespace>-<pid>-<start time>": one boot,
 * one namespace, one process, told apart from a later one with the same number.
 * Linux: /proc (proc(5)); macOS: sysctl(3), one namespace for all.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "lib/lib.h"

struct owner {
	char boot[13];
	unsigned long space;
	long pid;
	unsigned long long start;
};

#ifdef __linux__
static bool
this_boot(char boot[13])
{
	char *id = first_line("/proc/sys/kernel/random/boot_id");
	size_t n = 0;

	for (const char *p = id; p && *p && n < 12; p++)
		if (*p != '-')
			boot[n++] = *p;
	boot[n] = '\0';
	free(id);
	return n == 12;
}

static unsigned long
this_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (unsigned long)st.st_ino : 0;
}

/* Field 22 of /proc/PID/stat; the second field may hold blanks and brackets. 0: no such process. */
static unsigned long long
start_of(long pid)
{
	char *path = format("/proc/%ld/stat", pid), *text = read_text(path, 4096, NULL), *p;
	unsigned long long start = 0;

	free(path);
	if (text != NULL && (p = strrchr(text, ')')) != NULL) {
		p++;
		if (strncmp(p, " Z", 2) != 0 && strncmp(p, " X", 2) != 0) {
			for (int field = 2; p && field < 21; field++)
				p = strchr(p + 1, ' ');
			if (p)
				start = strtoull(p, NULL, 10);
		}
	}
	free(text);
	return start;
}
#else
static bool
this_boot(char boot[13])
{
	char id[64] = "";
	size_t size = sizeof(id), n = 0;

	if (sysctlbyname("kern.bootsessionuuid", id, &size, NULL, 0) != 0)
		return false;
	for (const char *p = id; *p && n < 12; p++)
		if (*p != '-')
			boot[n++] = *p;
	boot[n] = '\0';
	return n == 12;
}

static unsigned long
this_space(void)
{
	return 1;
}

static unsigned long long
start_of(long pid)
{
	int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid};
	struct kinfo_proc info;
	size_t size = sizeof(info);

	if (sysctl(name, 4, &info, &size, NULL, 0) != 0 || size == 0 || info.kp_proc.p_stat == SZOMB)
		return 0;
	return (unsigned long long)info.kp_proc.p_starttime.tv_sec * 1000000u +
	       (unsigned long long)info.kp_proc.p_starttime.tv_usec;
}
#endif

static char *
spell(const struct owner *o)
{
	return format("%s-%lu-%ld-%llu", o->boot, o->space, o->pid, o->start);
}

char *
owner_name(long pid)
{
	struct owner o = {.space = this_space(), .pid = pid, .start = start_of(pid)};

	if (!this_boot(o.boot))
		die(EXIT_SYSTEM, "cannot tell this boot from another (no boot ID)");
	return spell(&o);
}

char *
own_name(void)
{
	return owner_name(getpid());
}

/* False for what no own_name() has spelled: strtol takes signs, blanks and numbers that are too large. */
static bool
parse_owner(const char *name, struct owner *o)
{
	char *p, *again;
	bool same;

	if (strspn(name, "0123456789abcdefABCDEF") != 12 || name[12] != '-')
		return false;
	memcpy(o->boot, name, 12);
	o->boot[12] = '\0';
	o->space = strtoul(name + 13, &p, 10);
	o->pid = *p == '-' ? strtol(p + 1, &p, 10) : 0;
	o->start = *p == '-' ? strtoull(p + 1, &p, 10) : 0;
	if (o->pid <= 0 || o->start == 0)
		return false;
	again = spell(o);
	same = strcmp(again, name) == 0;
	free(again);
	return same;
}

/* Whether a name is of this boot and PID namespace: elsewhere its number is another process, or none. */
static bool
is_here(const struct owner *o)
{
	char boot[13];

	return this_boot(boot) && strcmp(o->boot, boot) == 0 && o->space == this_space();
}

enum alive
owner_state(const char *name)
{
	struct owner o;

	if (!parse_owner(name, &o) || !is_here(&o))
		return UNKNOWN;
	return start_of(o.pid) == o.start ? ALIVE : DEAD;
}

long
owner_pid(const char *name)
{
	struct owner o;

	return parse_owner(name, &o) && is_here(&o) ? o.pid : 0;
}

bool
owner_is_of_other_boot(const char *name)
{
	struct owner o;
	char boot[13];

	return parse_owner(name, &o) && this_boot(boot) && strcmp(o.boot, boot) != 0;
}
