/*
 * platform.c - OS/ARCH[/VARIANT] in one spelling.
 *
 * The spelling is that of github.com/containerd/platforms (database.go, normalizeOS and normalizeArch), by
 * which docker, buildkit and containerd compare: x86_64 is amd64, aarch64 and arm64/v8 are arm64, linux/arm
 * is linux/arm/v7, amd64/v1 is amd64.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

enum { PART_MAX = 32 };

/* In lower case; false where it is too long, or holds what no platform's name has. */
static bool
take_part(char to[PART_MAX], const char *from, size_t n)
{
	if (n >= PART_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)from[i]) && !strchr("._-", from[i]))
			return false;
		to[i] = (char)tolower((unsigned char)from[i]);
	}
	to[n] = '\0';
	return true;
}

static void
rename_part(char part[PART_MAX], const char *from, const char *to)
{
	if (strcmp(part, from) == 0)
		snprintf(part, PART_MAX, "%s", to);
}

static void
normalise_arch(char arch[PART_MAX], char variant[PART_MAX])
{
	static const char *const names[][3] = {
	    {"i386", "386", ""},        {"x86_64", "amd64", NULL}, {"x86-64", "amd64", NULL},
	    {"aarch64", "arm64", NULL}, {"armhf", "arm", "v7"},    {"armel", "arm", "v6"},
	};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(arch, names[i][0]) == 0) {
			snprintf(arch, PART_MAX, "%s", names[i][1]);
			if (names[i][2])
				snprintf(variant, PART_MAX, "%s", names[i][2]);
			break;
		}
	if (strcmp(arch, "amd64") == 0)
		rename_part(variant, "v1", "");
	else if (strcmp(arch, "arm64") == 0) {
		rename_part(variant, "8", "");
		rename_part(variant, "v8", "");
		rename_part(variant, "v8.0", "");
		rename_part(variant, "9", "v9");
		rename_part(variant, "9.0", "v9");
		rename_part(variant, "v9.0", "v9");
	} else if (strcmp(arch, "arm") == 0) {
		rename_part(variant, "", "v7");
		rename_part(variant, "5", "v5");
		rename_part(variant, "6", "v6");
		rename_part(variant, "7", "v7");
		rename_part(variant, "8", "v8");
	}
}

char *
platform_of(const char *os, const char *arch, const char *variant)
{
	char part[3][PART_MAX];

	if (*os == '\0' || *arch == '\0' || !take_part(part[0], os, strlen(os)) ||
	    !take_part(part[1], arch, strlen(arch)) || !take_part(part[2], variant, strlen(variant)))
		return NULL;
	rename_part(part[0], "macos", "darwin");
	normalise_arch(part[1], part[2]);
	return format("%s/%s%s%s", part[0], part[1], *part[2] ? "/" : "", part[2]);
}

char *
parse_platform(const char *text)
{
	char part[3][PART_MAX] = {"", "", ""};
	size_t count = 0;

	do {
		size_t n = strcspn(text, "/");

		if (count == LENGTH(part) || n == 0 || *text == '-' || !take_part(part[count++], text, n))
			return NULL;
		text += n;
	} while (*text++ == '/');
	return count < 2 ? NULL : platform_of(part[0], part[1], part[2]);
}
